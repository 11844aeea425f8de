"""ArrayComparison: compares one gradient with numerical derivatives, move by move.

There is no tolerance to choose: it follows from the error estimate of the numerical gradient. If that error is
too large to decide, the entry counts as unverified; at a kink, any slope between the two one-sided ones is correct.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from minidl.testing.derivative import FIRST_STEP, LONG, Estimate, differentiate, first_steps, precision
from minidl.testing.probe import LayerFailure, Point, Probe, target_of
from minidl.testing.subject import Subject
from minidl.typing import Array

SAFETY = 30  # times the estimated error
FLOOR = 1e-10  # of the largest entry
WANTED = 1e-9  # look more closely where the tolerance is above this fraction
POWER = 1e-5  # a tolerance above this fraction of the largest entry proves nothing
PLANTED = 1e-6  # error planted by the positive control
EXACT = 1e-5  # one-sided derivatives known to this fraction of their difference: the point lies on the kink itself
LARGEST = 300_000  # products of a row's values and parameters: above this, longdouble is slow


class ForwardPass:
    """The output as a function of the input or of one parameter, in the highest precision that the layer preserves."""

    def __init__(self, subject: Subject, point: Point, y: Array, rng: np.random.Generator) -> None:
        self.point, self.rng = point, rng
        self.probe, dtype = self._longest(subject, y)
        self.x = point.x if point.integer else point.x.astype(dtype)
        self.size = float(np.abs(np.nan_to_num(np.asarray(y, float))).ravel() @ np.abs(point.dy).ravel())

    def _longest(self, subject: Subject, y: Array) -> tuple[Probe, Any]:
        x = self.point.x
        numbers = x.size + len(x) * sum(value.size for value in self.point.parameters.values())
        if not subject.longest_refused and numbers <= LARGEST:
            with suppress(LayerFailure):
                probe = subject.at(self.point, LONG)
                long = np.asarray(probe.forward(x if self.point.integer else x.astype(LONG), self.point.training))
                size = float(np.abs(y).max(initial=0))
                agrees = long.shape == np.shape(y) and np.abs(long - y).max(initial=0) <= 1e-6 * size
                if long.dtype == LONG and agrees:
                    return probe, LONG
            subject.longest_refused = True
        return subject.at(self.point), float

    def function(self, target: str) -> tuple[Callable[[Array], Array], Array]:
        """Return ``y`` as a function of the array whose gradient is ``target``, and its current value."""
        if target == "dx":
            return (lambda moved: self.probe.forward(moved, self.point.training)), self.x
        view = next(value for name, value in self.probe.values.items() if target_of(name) == target)

        def f(moved: Array) -> Array:
            view[...] = moved
            return self.probe.forward(self.x, self.point.training)

        return f, view.copy()

    def precision(self, f: Callable[[Array], Array], start: Array) -> float:
        """Return the relative rounding error of the forward pass as the argument of ``f`` is moved."""
        return precision(f, start, self.point.dy, self.rng)

    def restore(self) -> None:
        """Restore the parameters after calls of a function of one of them."""
        for name, value in self.point.parameters.items():
            self.probe.values[name][...] = value


class ArrayComparison:
    """Decides for one array, move by move, whether the analytic gradient is correct, wrong or unknown."""

    def __init__(
        self, function: ForwardPass, target: str, analytic: Array, floor: float, which: list[Any], rounding: float
    ) -> None:
        self.function, self.target, self.analytic, self.floor, self.which = function, target, analytic, floor, which
        self.f, self.start = function.function(target)
        self.eps = function.precision(self.f, self.start)
        self.relative = max(FLOOR, 100 * rounding)
        self.power = max(POWER, 2e5 * rounding)
        flat = analytic.ravel()
        self.claimed = np.array([flat[m] if isinstance(m, int) else flat @ m.ravel() for m in which])
        self.coordinate = np.array([isinstance(m, int) for m in which], bool)
        # If a layer keeps few digits, larger steps lose fewer of them.
        self.unit = 1.0 if rounding < 1e-12 else 10.0
        self.estimate = self._differentiate(np.arange(len(which)), shrink=self.unit)
        self.kinks, self.pieces = 0, False  # pieces: whether gradients nearby differ
        self.kinked, self.settled = np.zeros((2, len(which)), bool)  # settled: smaller steps would show the kink again

    def _differentiate(self, part: Array, **options: Any) -> Estimate:
        moves = [self.which[n] for n in part]
        return differentiate(self.f, self.start, self.function.point.dy, moves, eps=self.eps, **options)

    @property
    def scale(self) -> float:
        """The largest entry of the analytic and the numerical gradient."""
        known = np.where(np.isfinite(self.estimate.errors), np.abs(self.estimate.values), 0)
        claimed = np.abs(self.claimed[np.isfinite(self.claimed)])
        return float(max(claimed.max(initial=0), known.max(initial=0)))

    @property
    def tolerance(self) -> Array:
        """The error allowed for each entry: that of its numerical estimate, plus rounding."""
        return SAFETY * self.estimate.errors + self.relative * self.scale + self.floor

    @property
    def resolved(self) -> Array:
        """Mask of the usable numerical derivatives: at a jump or a sharp bend, the error is as large as the value."""
        values, errors = self.estimate
        typical = float(np.sqrt(np.mean(np.square(self.start, dtype=float)))) if self.start.size else 1.0
        size = np.maximum(np.abs(values), self.function.size / min(1.0, typical or 1.0))
        return np.isfinite(values) & np.isfinite(errors) & (SAFETY * errors <= 0.1 * size)

    def wrong(self, claimed: Array) -> Array:
        """Return a mask of the entries of ``claimed`` that are off by more than the tolerance (False if unresolved)."""
        return self.resolved & ~(np.abs(claimed - self.estimate.values) <= self.tolerance)

    def weak(self) -> Array:
        """Return a mask of the entries whose numerical derivative is too uncertain to decide."""
        enough = self.tolerance <= self.power * max(self.scale, 1e9 * self.floor)
        return ~(enough & self.resolved)

    def decide(self) -> None:
        """Look more closely at every entry that is off or unknown."""
        self.off = self.wrong(self.claimed)
        self._allow_kinks(np.flatnonzero(self.off), EXACT)
        for shrink in (0.37 * self.unit, self.unit * self._growth(), self.unit / 300):
            unknown = ~(self.tolerance <= max(WANTED, self.relative) * self.scale + 10 * self.floor)
            again = np.flatnonzero((self.off | unknown) & ~self.settled)
            if not len(again):
                return
            self._improve(again, shrink)
            self.off = self.wrong(self.claimed)
        self._allow_kinks(np.flatnonzero((self.off | self.weak()) & ~self.settled))

    def allow(self, rounding: Array) -> None:
        """Allow each entry to be off by the layer's own rounding error."""
        allowed = [rounding.flat[m] if isinstance(m, int) else np.abs(m * rounding).sum() for m in self.which]
        self.off &= ~(np.abs(self.claimed - self.estimate.values) <= self.tolerance + np.array(allowed))

    def accept(self, part: Array) -> None:
        """Accept the analytic gradient for some moves: at a kink, several slopes are correct."""
        self.off[part] = False
        self.estimate.values[part] = self.claimed[part]
        self.estimate.errors[part] = np.where(self.coordinate[part], 0, np.inf)

    def _growth(self) -> float:
        """Return the factor that scales small steps, chosen for small values, to the usual size."""
        steps = first_steps(self.start, self.which)
        return max(1.3, FIRST_STEP / float(np.median(steps)))

    def _improve(self, part: Array, shrink: float) -> None:
        """Use the estimates with other steps where they are better, or where the analytic gradient agrees with them."""
        again = self._differentiate(part, shrink=shrink)
        tolerance = SAFETY * again.errors + self.relative * self.scale + self.floor
        agrees = np.abs(self.claimed[part] - again.values) <= np.minimum(tolerance, self.power * self.scale)
        # A small deviation must not vanish in a coarser estimate; a large one may be due to a kink.
        gap = np.abs(self.claimed[part] - self.estimate.values[part])
        agrees &= (tolerance <= 10 * self.tolerance[part]) | (gap > 1e-4 * self.scale)
        better = agrees | (again.errors < self.estimate.errors[part])
        self.estimate.values[part[better]] = again.values[better]
        self.estimate.errors[part[better]] = again.errors[better]

    def _allow_kinks(self, part: Array, sure: float = np.inf) -> None:
        """Accept any slope between differing one-sided derivatives that are known to ``sure`` of their difference."""
        if not len(part):
            return
        left, right = self._differentiate(part, side=-1), self._differentiate(part, side=1)
        slack = SAFETY * (left.errors + right.errors) + max(1e-7, self.relative) * self.scale
        kink = np.abs(right.values - left.values) > slack
        # If both sides agree with each other but not with the larger steps, those reached across a kink farther away.
        middle, was = (left.values + right.values) / 2, Estimate(*(found[part] for found in self.estimate))
        beyond = ~kink & (np.abs(middle - was.values) > slack + SAFETY * was.errors) & (sure == np.inf)
        self.estimate.values[part[beyond]] = middle[beyond]
        self.estimate.errors[part[beyond]] = (left.errors + right.errors)[beyond]
        self.off = self.wrong(self.claimed)
        low, high = np.minimum(left.values, right.values) - slack, np.maximum(left.values, right.values) + slack
        inside = (self.claimed[part] >= low) & (self.claimed[part] <= high)
        # The rule does not hold along a direction through several kinks, so nothing is concluded there.
        # If the one-sided derivatives themselves are too uncertain, a large gap proves nothing either.
        gap = np.abs(self.claimed[part] - self.estimate.values[part])
        self.kinked[part] |= kink
        excused = (kink & ~self.coordinate[part]) | (inside & (kink | (gap > 1e-4 * self.scale)))
        if sure < np.inf:
            excused &= slack <= sure * np.abs(right.values - left.values)
            kink &= excused
            self.settled[part[excused]] = True
        self.kinks += int(kink.sum())
        self.accept(part[excused])
        self.estimate.errors[part[excused & ~kink]] = np.inf

    def allow_between(self, nearby: Array) -> None:
        """Where several pieces meet, as at a triple tie, accept values between or near the gradients around it.

        A layer that uses both the smallest and the largest entry may give both gradients to one of two tied entries.
        """
        flat = nearby.reshape(len(nearby), -1)
        for n in np.flatnonzero(self.off):
            move = self.which[n]
            around = flat[:, move] if isinstance(move, int) else flat @ move.ravel()
            spread = float(np.ptp(around)) if np.isfinite(around).all() else 0.0
            slack = (1 + 1e-6) * np.abs(around).max(initial=0)
            self.pieces |= spread > 1e-3 * self.scale
            if spread > 1e-3 * self.scale and around.min() - slack <= self.claimed[n] <= around.max() + slack:
                self.kinks += 1
                self.accept(np.array([n]))

    def sees_planted_error(self) -> bool:
        """Return whether the same rule detects an error planted by the kit: the positive control.

        A vanishing gradient, as in saturation, is compared with the upstream gradient.
        """
        where = int(self.tolerance.argmin())
        planted = self.estimate.values.astype(float)
        error = max(PLANTED, self.power if self.power > POWER else 0.0)
        planted[where] += error * max(self.scale, 1e-3 * float(np.abs(self.function.point.dy).max(initial=0)))
        return bool(self.wrong(planted)[where])
