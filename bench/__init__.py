"""Figures: the gateway beside its floors, measured interleaved in one run.

`python -m bench` starts its own Redis, Dovecot, gateway and floors, each a process of its own on the loopback, and
takes everything down again. A floor is the least that any program would have to do for the same answer. Ratios
compare medians of rounds that were run A B A B, so that a machine that slows down slows down both.
"""
