"""One module per group of figures; each has `measure(world) -> list[Figure]`."""
