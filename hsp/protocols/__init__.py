"""Wire clients that know no account: each speaks one protocol to one server and nothing else."""
