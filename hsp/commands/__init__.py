"""What the commands of `hsp` do; hsp.cli says how they are spelt."""
