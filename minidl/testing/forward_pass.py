"""ForwardPass: the forward pass of a clone as a function that can be differentiated numerically."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.testing.derivative import LONG, precision
from minidl.testing.probe import LayerFailure, Point, Probe
from minidl.testing.subject import Subject
from minidl.typing import Array

LARGEST = 300_000  # products of a row's values and parameters: beyond, longdouble is slow


class ForwardPass:
    """The output as a function of the input or of one parameter, in the longest precision that the layer keeps."""

    def __init__(self, subject: Subject, point: Point, y: Array, rng: np.random.Generator) -> None:
        self.point, self.rng = point, rng
        self.probe, dtype = self._longest(subject, y)
        self.x = point.x if point.integer else point.x.astype(dtype)
        self.size = float(np.abs(np.nan_to_num(np.asarray(y, float))).ravel() @ np.abs(point.dy).ravel())

    def _longest(self, subject: Subject, y: Array) -> tuple[Probe, Any]:
        x = self.point.x
        numbers = x.size + len(x) * sum(value.size for value in self.point.parameters.values())
        if not subject.longest_refused and (numbers <= LARGEST or subject.patient):
            try:
                probe = subject.at(self.point, LONG)
                long = np.asarray(probe.forward(x if self.point.integer else x.astype(LONG), self.point.training))
                size = float(np.abs(y).max(initial=0))
                agrees = long.shape == np.shape(y) and np.abs(long - y).max(initial=0) <= 1e-6 * size
                if long.dtype == LONG and agrees:
                    return probe, LONG
            except LayerFailure:
                pass
            subject.longest_refused = True
        return subject.at(self.point), float

    def function(self, name: str) -> tuple[Callable[[Array], Array], Array]:
        """Return ``y`` as a function of the input ("dx") or of the parameter ``name``, and where it is now."""
        if name == "dx":
            return (lambda moved: self.probe.forward(moved, self.point.training)), self.x
        view = self.probe.values[name]

        def f(moved: Array) -> Array:
            view[...] = moved
            return self.probe.forward(self.x, self.point.training)

        return f, view.copy()

    def precision(self, f: Callable[[Array], Array], start: Array) -> float:
        """Return the relative rounding error of the forward pass while what ``f`` depends on is moved."""
        return precision(f, start, self.point.dy, self.rng)

    def restore(self) -> None:
        """Set the parameters back to their values, after a function of one of them was called."""
        for name, value in self.point.parameters.items():
            self.probe.values[name][...] = value
