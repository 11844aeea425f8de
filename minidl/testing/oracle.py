"""Oracle: the forward pass of a clone as a function that can be differentiated numerically."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.testing.derivative import LONG, precision
from minidl.testing.points import is_integer
from minidl.testing.probe import LayerFailure, Point, Probe
from minidl.testing.subject import Subject
from minidl.typing import Array

SLOW = 2e-3  # seconds a forward pass


class Oracle:
    """The forward pass of a clone as a function of its input or of one parameter, in the longest precision it keeps."""

    def __init__(self, subject: Subject, point: Point, y: Array, rng: np.random.Generator) -> None:
        self.point = point
        self.integer = is_integer(subject.domain)
        self.probe, self.dtype = self._longest(subject, y)
        self.x = point.x if self.integer else point.x.astype(self.dtype)
        self.size = float(np.abs(np.nan_to_num(np.asarray(y, float))).ravel() @ np.abs(point.dy).ravel())
        self.rng = rng

    def _longest(self, subject: Subject, y: Array) -> tuple[Probe, Any]:
        x = self.point.x
        if not subject.longest_refused:
            try:
                probe = subject.at(self.point, LONG)
                long = np.asarray(probe.forward(x if self.integer else x.astype(LONG), self.point.training))
                size = float(np.abs(y).max(initial=0))
                agrees = long.shape == np.shape(y) and np.abs(long - y).max(initial=0) <= 1e-6 * size
                if long.dtype == LONG and agrees and (subject.patient or not self._is_slow(probe)):
                    return probe, LONG
            except LayerFailure:
                pass
            subject.longest_refused = True
        return subject.at(self.point), float

    def _is_slow(self, probe: Probe) -> bool:
        """Return whether longdouble takes some slow detour: thousands of calls follow, so float64 has to do then."""
        x = self.point.x if self.integer else self.point.x.astype(LONG)
        for _ in range(5):  # the machine may be busy
            start = time.perf_counter()
            probe.forward(x, self.point.training)
            if time.perf_counter() - start < SLOW:
                return False
        return True

    def function(self, name: str) -> tuple[Callable[[Array], Array], Array]:
        """Return ``y`` as a function of the input ("dx") or of the parameter ``name``, and where it is now."""
        training, x = self.point.training, self.x
        if name == "dx":
            return (lambda moved: self.probe.forward(moved, training)), self.x

        view = self.probe.values[name]
        start = view.copy()

        def f(moved: Array) -> Array:
            view[...] = moved
            return self.probe.forward(x, training)

        return f, start

    def precision(self, f: Callable[[Array], Array], start: Array) -> float:
        """Return the relative rounding error of the forward pass while what ``f`` depends on is moved."""
        return precision(f, start, self.point.dy, self.rng)

    def restore(self) -> None:
        """Give the parameters their values back, after a function of one of them was called."""
        for name, value in self.point.parameters.items():
            self.probe.values[name][...] = value
