"""Fixtures; filled by their owner."""
