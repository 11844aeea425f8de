"""Hypothesis: a possible cause of a wrong gradient, ranked by the length of the description that it gives."""

from collections.abc import Iterator
from math import log2
from typing import NamedTuple

OPEN = 12.0  # bits charged for each detail left open, such as the value where only the place is known
HALF = 48.0  # bits that halve the score


class Hypothesis(NamedTuple):
    """A possible cause.

    Attributes
    ----------
    text : str
    bits : float
        Length of the description: the number of the claim in the list of its kind, and `OPEN` for each thing that
        it leaves open.
    where, source : str
        The line of the source that it points at, if it does: ``"Dense.backward, dense.py:88"`` and its text.
    """

    text: str
    bits: float = 0.0
    where: str = ""
    source: str = ""

    @property
    def score(self) -> float:
        """Score from 0 to 1, higher for shorter descriptions."""
        return float(2 ** (-self.bits / HALF))


Claims = Iterator[Hypothesis]


def bits_of(number: int) -> float:
    """Return the bits needed to select item ``number`` of a list that is ordered from likely to unlikely."""
    return log2(1 + number)
