"""Work: what a check has cost so far, counted and never timed, so that a certificate is a function of its seed."""

import numpy as np

from minidl.typing import Array


class Exhausted(Exception):
    """A check has cost as much as it may: what it has seen by then is all that it says."""


class Work:
    """Counts forward passes by the numbers they take in, so that a check ends on every machine at the same place."""

    def __init__(self) -> None:
        self.done, self.most = 0.0, float("inf")

    def begin(self, most: float) -> None:
        """Begin a check that may cost so much."""
        self.done, self.most = 0.0, most

    def add(self, x: Array) -> None:
        """Count one pass.

        Raises
        ------
        Exhausted
            If there were too many.
        """
        self.done += 20 + np.size(x)
        if self.done > self.most:
            raise Exhausted(f"after passes over {self.most:.0f} numbers")
