"""Comparison: the analytic gradients at one point held against numerical ones, entry by entry.

There is no tolerance to choose: it follows from the numerical gradient's own error estimate. Where that error
is too large to tell, the entry counts as unverified; where there is a kink, any slope between the two sides is right.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.errors import ShapeError
from minidl.testing.derivative import FIRST_STEP, Estimate, differentiate, first_steps
from minidl.testing.neighbours import gradients_around, rounding_of
from minidl.testing.oracle import Oracle
from minidl.testing.probe import Arrays, LayerFailure, Point, target_of
from minidl.testing.subject import Subject
from minidl.typing import Array

SAFETY = 30  # times the estimated error
FLOOR = 1e-10  # of the largest entry
WANTED = 1e-9  # look more closely where the tolerance is above this part
POWER = 1e-5  # a tolerance above this part of the largest entry proves nothing
PLANTED = 1e-6  # the error that the positive control plants
EXACT = 1e-5  # one-sided derivatives known to this part of their difference: the point lies on the kink itself
NEIGHBOURS = 24, 300  # how many points around a kink
DIRECTIONS = 2  # for arrays too large to try every entry


@dataclass
class Mismatch:
    """One array whose analytic gradient is wrong.

    ``which``, ``analytic``, ``numeric`` and ``error`` hold the wrong entries only; an index of -1 is a direction.
    """

    target: str
    shape: tuple[int, ...]
    which: list[int]
    analytic: Array
    numeric: Array
    error: Array
    tried: int

    @property
    def worst(self) -> int:
        """Position, among the wrong entries, of the one that is farthest off."""
        gap = np.abs(self.analytic - self.numeric)
        return int(np.where(np.isfinite(gap), gap, np.inf).argmax())


@dataclass
class Comparison:
    """What was found: the mismatches, the relative error that would have been seen, and what stayed unknown."""

    y: Array
    gradients: Arrays
    mismatches: list[Mismatch] = field(default_factory=list)
    sensitivity: dict[str, float] = field(default_factory=dict)
    weak: dict[str, int] = field(default_factory=dict)  # entries whose error is too large to tell
    sampled: dict[str, tuple[int, int]] = field(default_factory=dict)  # entries tried, of all
    kinks: int = 0
    controls: int = 0  # planted errors that were seen


def compare(
    subject: Subject,
    point: Point,
    rng: np.random.Generator,
    *,
    most: int,
    gradients: Arrays | None = None,
    hard: bool = False,
) -> Comparison:
    """Hold all gradients at ``point`` against numerical ones.

    Parameters
    ----------
    most : int
        Entries tried in an array; from larger ones that many are drawn, and moved along directions too.
    gradients : dict, optional
        Analytic gradients; by default those of a fresh clone at the point.
    hard : bool
        Whether the input is ill-conditioned on purpose: rounding errors of the layer itself are then measured
        and forgiven.
    """
    y, own = subject.run(point)
    result = Comparison(y, own if gradients is None else gradients)
    oracle = Oracle(subject, point, y, rng)
    names = ([] if oracle.integer else ["dx"]) + list(point.parameters)
    if not oracle.integer and np.shape(result.gradients["dx"]) != point.x.shape:
        shape = np.shape(result.gradients["dx"])
        raise LayerFailure("backward", ShapeError(f"dx has shape {shape}, expected {point.x.shape}, that of x"))
    sizes = [float(np.nanmax(np.abs(result.gradients[_target(name)]), initial=0)) for name in names]
    # Rounding in backward itself: beside its largest results, and beside what enters it.
    entering = float(np.abs(y).ravel() @ np.abs(point.dy).ravel()) + float(np.abs(point.dy).max(initial=0))
    floor = 1e-13 * max(sizes, default=0.0) + (1e-12 if hard else 1e-15) * entering
    for name in names:
        target = _target(name)
        judge = Judge(oracle, name, np.asarray(result.gradients[target], float), floor, rng, most)
        judge.decide(lambda target=target: rounding_of(subject, point, target, rng) if hard else None)  # type: ignore[misc]
        for count in NEIGHBOURS:  # a slope of a rare combination of pieces may take many
            if judge.off.any():
                judge.allow_between(gradients_around(subject, point, target, rng, count))
        judge.report(target, result)
        oracle.restore()
    return result


def _target(name: str) -> str:
    return name if name == "dx" else target_of(name)


class Judge:
    """Decides for one array, move by move, whether the analytic gradient is right, wrong or unknown."""

    def __init__(
        self, oracle: Oracle, name: str, analytic: Array, floor: float, rng: np.random.Generator, most: int
    ) -> None:
        self.f, self.start = oracle.function(name)
        self.eps = oracle.precision(self.f, self.start)
        self.oracle, self.analytic, self.floor = oracle, analytic, floor
        size = analytic.size
        if size <= most:
            self.which: list[Any] = list(range(size))
        else:
            self.which = [int(i) for i in rng.choice(size, most, replace=False)]
            self.which += [rng.standard_normal(analytic.shape) for _ in range(DIRECTIONS)]
        flat = analytic.ravel()
        self.claimed = np.array([flat[m] if isinstance(m, int) else flat @ m.ravel() for m in self.which])
        self.estimate = self._differentiate(np.arange(len(self.which)))
        self.kinks = 0
        self.settled = np.zeros(len(self.which), bool)  # kinks that smaller steps would show again

    def _differentiate(self, part: Array, **options: Any) -> Estimate:
        moves = [self.which[n] for n in part]
        return differentiate(self.f, self.start, self.oracle.point.dy, moves, eps=self.eps, **options)

    @property
    def scale(self) -> float:
        """The largest entry, claimed or numerical."""
        known = np.where(np.isfinite(self.estimate.errors), np.abs(self.estimate.values), 0)
        claimed = np.abs(self.claimed[np.isfinite(self.claimed)])
        return float(max(claimed.max(initial=0), known.max(initial=0)))

    @property
    def tolerance(self) -> Array:
        """How far each entry may be off: what its numerical estimate leaves open, and rounding."""
        return SAFETY * self.estimate.errors + FLOOR * self.scale + self.floor

    @property
    def resolved(self) -> Array:
        """Where the numerical derivative is one at all: at a jump, or in a bend too sharp, its error is its size."""
        values, errors = self.estimate
        typical = float(np.sqrt(np.mean(np.square(self.start, dtype=float)))) if self.start.size else 1.0
        size = np.maximum(np.abs(values), self.oracle.size / min(1.0, typical or 1.0))
        return np.isfinite(values) & np.isfinite(errors) & (SAFETY * errors <= 0.1 * size)

    def wrong(self, claimed: Array) -> Array:
        """Return where ``claimed`` is off by more than the tolerance (never where nothing is known)."""
        return self.resolved & ~(np.abs(claimed - self.estimate.values) <= self.tolerance)

    def weak(self) -> Array:
        """Return where too little is known to tell right from wrong."""
        enough = self.tolerance <= POWER * max(self.scale, 1e9 * self.floor)
        return ~(enough & self.resolved)

    def decide(self, rounding: Callable[[], Array | None]) -> None:
        """Look again, more closely, wherever something is off or unknown."""
        self.off = self.wrong(self.claimed)
        self._allow_kinks(np.flatnonzero(self.off), EXACT)
        for shrink in (0.37, self._growth(), 1 / 300):
            unknown = ~(self.tolerance <= WANTED * self.scale + 10 * self.floor)
            again = np.flatnonzero((self.off | unknown) & ~self.settled)
            if not len(again):
                return
            self._improve(again, shrink)
            self.off = self.wrong(self.claimed)
        self._allow_kinks(np.flatnonzero((self.off | self.weak()) & ~self.settled))
        forgiven = rounding() if self.off.any() else None
        if forgiven is not None:
            allowed = np.array(
                [forgiven.flat[m] if isinstance(m, int) else np.abs(m * forgiven).sum() for m in self.which]
            )
            self.off &= ~(np.abs(self.claimed - self.estimate.values) <= self.tolerance + allowed)

    def _growth(self) -> float:
        """Return the factor that brings small steps, taken among small values, to the usual size."""
        steps = first_steps(self.start, self.which)
        return max(1.3, FIRST_STEP / float(np.median(steps)))

    def _improve(self, part: Array, shrink: float) -> None:
        """Take the estimates with other steps where they are better, or where the claim agrees with them."""
        again = self._differentiate(part, shrink=shrink)
        tolerance = SAFETY * again.errors + FLOOR * self.scale + self.floor
        agrees = np.abs(self.claimed[part] - again.values) <= np.minimum(tolerance, POWER * self.scale)
        # A small deviation must not vanish in a coarser estimate; a large one may have been a kink's doing.
        gap = np.abs(self.claimed[part] - self.estimate.values[part])
        agrees &= (tolerance <= 10 * self.tolerance[part]) | (gap > 1e-4 * self.scale)
        better = agrees | (again.errors < self.estimate.errors[part])
        self.estimate.values[part[better]] = again.values[better]
        self.estimate.errors[part[better]] = again.errors[better]

    def _allow_kinks(self, part: Array, sure: float = np.inf) -> None:
        """Where the derivatives to both sides differ, and are known to ``sure`` of that, all between them is right."""
        if not len(part):
            return
        left, right = self._differentiate(part, side=-1), self._differentiate(part, side=1)
        slack = SAFETY * (left.errors + right.errors) + 1e-7 * self.scale
        kink = np.abs(right.values - left.values) > slack
        # Where both sides agree, but not with what larger steps gave, those reached over a kink farther off.
        middle, was = (left.values + right.values) / 2, Estimate(*(found[part] for found in self.estimate))
        beyond = ~kink & (np.abs(middle - was.values) > slack + SAFETY * was.errors) & (sure == np.inf)
        self.estimate.values[part[beyond]] = middle[beyond]
        self.estimate.errors[part[beyond]] = (left.errors + right.errors)[beyond]
        self.off = self.wrong(self.claimed)
        low, high = np.minimum(left.values, right.values) - slack, np.maximum(left.values, right.values) + slack
        inside = (self.claimed[part] >= low) & (self.claimed[part] <= high)
        coordinate = np.array([isinstance(self.which[n], int) for n in part])
        # Along a direction through several kinks the rule does not hold: nothing is concluded.
        # Where the one-sided derivatives are too uncertain themselves, a large gap proves nothing either.
        gap = np.abs(self.claimed[part] - self.estimate.values[part])
        excused = (kink & ~coordinate) | (inside & (kink | (gap > 1e-4 * self.scale)))
        if sure < np.inf:
            excused &= slack <= sure * np.abs(right.values - left.values)
            kink &= excused
            self.settled[part[excused]] = True
        self.kinks += int(kink.sum())
        self.off[part[excused]] = False
        self.estimate.errors[part[excused]] = np.where((kink & coordinate)[excused], 0, np.inf)
        self.estimate.values[part[excused]] = self.claimed[part[excused]]

    def allow_between(self, nearby: Array) -> None:
        """Where several pieces meet, as at a triple tie, values between the gradients around are right, or near them.

        A layer that takes the smallest and the largest entry may give one of two tied entries both gradients.
        """
        flat = nearby.reshape(len(nearby), -1)
        for n in np.flatnonzero(self.off):
            move = self.which[n]
            around = flat[:, move] if isinstance(move, int) else flat @ move.ravel()
            spread = float(np.ptp(around)) if np.isfinite(around).all() else 0.0
            slack = (1 + 1e-6) * np.abs(around).max(initial=0)
            if spread > 1e-3 * self.scale and around.min() - slack <= self.claimed[n] <= around.max() + slack:
                self.kinks += 1
                self.off[n] = False
                self.estimate.values[n], self.estimate.errors[n] = (
                    self.claimed[n],
                    0 if isinstance(move, int) else np.inf,
                )

    def report(self, target: str, result: Comparison) -> None:
        """Enter the verdicts into ``result``."""
        size, scale = self.analytic.size, self.scale
        coordinates = np.array([isinstance(m, int) for m in self.which], bool)
        if self.off.any():
            shown = self.off & coordinates if (self.off & coordinates).any() else self.off
            which = [m if isinstance(m, int) else -1 for m, bad in zip(self.which, shown, strict=True) if bad]
            values = (
                self.claimed[shown],
                self.estimate.values[shown].astype(float),
                self.estimate.errors[shown].astype(float),
            )
            result.mismatches.append(Mismatch(target, self.analytic.shape, which, *values, int(coordinates.sum())))
        weak = self.weak() & ~self.off & coordinates
        if weak.any():
            result.weak[target] = int(weak.sum())
        if scale > 1e6 * self.floor and (~self.weak()).any():
            result.sensitivity[target] = float(self.tolerance[~self.weak()].max() / scale)
        # The positive control: an error planted by the kit has to be seen by the same rule. A gradient that
        # vanishes, as in saturation, is compared with the upstream gradient.
        where = int(self.tolerance.argmin())
        planted = self.estimate.values.astype(float)
        planted[where] += PLANTED * max(scale, 1e-3 * float(np.abs(self.oracle.point.dy).max(initial=0)))
        result.controls += bool(self.wrong(planted)[where])
        result.kinks += self.kinks
        if size > coordinates.sum():
            result.sampled[target] = (int(coordinates.sum()), size)
