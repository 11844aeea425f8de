"""Pair: the analytic and the numeric Jacobian of a few rows, one upstream gradient for each output."""

from dataclasses import dataclass

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.sample import largest
from minidl.typing import Array, Shape

LARGEST = 130  # entries of y and of the gradient for which matrices are built
NOTHING = 1e-8  # of the largest entry


@dataclass(frozen=True)
class Pair:
    """The analytic and the numeric Jacobian of the first rows of the batch.

    Attributes
    ----------
    analytic, numeric : array, (entries of dy, entries of the gradient)
    outputs, inputs : tuple of int
        Shapes of dy and of the gradient, the rows included.
    """

    analytic: Array
    numeric: Array
    outputs: Shape
    inputs: Shape

    @property
    def scale(self) -> float:
        """The largest entry."""
        return largest(self.numeric) or 1.0

    @property
    def gap(self) -> float:
        """The largest difference."""
        return largest(self.analytic - self.numeric)

    @property
    def wrong(self) -> Array:
        """Which entries differ."""
        return np.abs(self.analytic - self.numeric) > max(NOTHING * self.scale, 1e-4 * self.gap)

    def is_zero(self, matrix: Array) -> Array:
        """Return which entries of a matrix are nothing."""
        return np.abs(matrix) <= NOTHING * self.scale

    def same(self, one: Array, other: Array) -> bool:
        """Return whether two matrices agree far better than the two Jacobians do."""
        return one.shape == other.shape and largest(one - other) <= min(1e-6 * self.scale, 0.02 * self.gap)

    def what(self) -> str:
        """Return whether the wrong entries are missing, too many, or of a wrong value."""
        if self.is_zero(self.analytic)[self.wrong].all():
            return "missing"
        return "there though it should be zero" if self.is_zero(self.numeric)[self.wrong].all() else "wrong"


def jacobians(e: Evidence) -> Pair | None:
    """Return both matrices for as many of the first rows as are not too large."""
    if e.context is None or e.first.dy.ndim < 2 or len(e.first.dy) != len(e.first.x):
        return None
    for rows in range(min(3, len(e.first.x)), 0, -1):
        x, dy = e.first.x[:rows], e.first.dy[:rows]
        inputs = x.shape if e.target == "dx" else e.first.analytic.shape
        size = int(np.prod(inputs))
        if max(dy.size, size) <= (40 if rows > 2 else LARGEST):
            break
    else:
        return None
    numeric = e.jacobian(e.target, None, x=x)
    if numeric is None or numeric.shape != (size, dy.size):
        return None
    lines = []
    for k in range(dy.size):
        unit = np.zeros(dy.shape)
        unit.flat[k] = 1.0
        line = e.analytic_at(x=x, dy=unit)
        if line is None or line.size != size or not np.isfinite(line).all():
            return None
        lines.append(line.ravel())
    return Pair(np.array(lines), numeric.T, dy.shape, inputs)
