"""The doors to the outside that are not mail: clock, key ring, Redis, SQL, HTTP, logs."""
