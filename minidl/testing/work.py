"""Work: the cost of a check, counted and not timed, so that a certificate depends only on its seed."""

import numpy as np

from minidl.layers.base import Layer
from minidl.testing.cache import numbers_cached
from minidl.typing import Array, Shape

LEAST, PASS = 20, 1000  # cost of a pass besides its numbers: in a check, and in a diagnosis, as a small pass takes
DIAGNOSIS = 12_000_000  # cost of a diagnosis from which nothing more is tried
USUAL = 8  # times as many numbers as its input that a forward pass may keep without counting more


class Exhausted(Exception):
    """A check has reached its cost limit; its verdict rests on what it has tested so far."""


class Work:
    """Counts forward passes by the numbers they take and keep, so that a check stops at the same place everywhere.

    Attributes
    ----------
    done, limit : float
        The cost so far of the running check or diagnosis, and the limit of the check.
    kept : dict of Shape to float
        By shape of a row: how many times as many numbers as the input a forward pass keeps.
    """

    def __init__(self) -> None:
        self.done, self.limit, self.least, self.stops = 0.0, 1e12, LEAST, False
        self.kept: dict[Shape, float] = {}

    def begin(self, limit: float) -> None:
        """Start a check with a cost limit."""
        self.done, self.limit, self.least, self.stops = 0.0, limit, LEAST, True

    def diagnose(self) -> None:
        """Start a diagnosis: it looks at its cost itself and is never stopped, so that no finding is lost."""
        self.done, self.least, self.stops = 0.0, PASS, False

    def cost(self, x: Array) -> float:
        """Return the cost of one forward pass over ``x``."""
        return self.least + np.size(x) * self.kept.get(np.shape(x)[1:], 1.0)

    def add(self, x: Array, layer: Layer) -> None:
        """Count one forward pass of ``layer`` over ``x``; the first over rows of a shape shows how much is kept.

        Raises
        ------
        Exhausted
            If the limit is exceeded.
        """
        if x.size and x.shape[1:] not in self.kept:
            self.kept[x.shape[1:]] = max(1.0, numbers_cached(layer) / (USUAL * x.size))
        self.done += self.cost(x)
        if self.stops and self.done > self.limit:
            raise Exhausted(f"after passes over {self.limit:.0f} numbers")
