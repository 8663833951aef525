"""The mail both accounts begin with: written for the demonstration, the same at every start, dated from today."""

from hsp.demo.letters.letter import Letter
from hsp.demo.letters.post import seed

__all__ = ["Letter", "seed"]
