"""Work: the cost of a check, counted and not timed, so that a certificate depends only on its seed."""

import numpy as np

from minidl.typing import Array


class Exhausted(Exception):
    """A check has reached its cost limit; its verdict rests on what it has tested so far."""


class Work:
    """Counts forward passes by the size of their input, so that a check stops at the same place on every machine."""

    def __init__(self) -> None:
        self.done, self.most = 0.0, float("inf")

    def begin(self, most: float) -> None:
        """Start a check with a cost limit of ``most``."""
        self.done, self.most = 0.0, most

    def add(self, x: Array) -> None:
        """Count one forward pass over ``x``.

        Raises
        ------
        Exhausted
            If the limit is exceeded.
        """
        self.done += 20 + np.size(x)
        if self.done > self.most:
            raise Exhausted(f"after passes over {self.most:.0f} numbers")
