"""Comparison: compares the analytic gradients at one point with numerical ones, array by array."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.errors import ShapeError
from minidl.testing.array_comparison import SAFETY, ArrayComparison, ForwardPass
from minidl.testing.derivative import usual_steps
from minidl.testing.points import Refused
from minidl.testing.probe import Arrays, LayerFailure, Point, target_of
from minidl.testing.subject import Subject
from minidl.typing import Array

NEAR = 1e-7  # how far from a kink, relative to the values
AROUND = 24, 300  # number of points around a kink: many may be needed to meet a rare combination of its pieces
OUTPUTS = 64  # most outputs to test one by one
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
        """Position, among the wrong entries, of the one with the largest error."""
        gap = np.abs(self.analytic - self.numeric)
        return int(np.where(np.isfinite(gap), gap, np.inf).argmax())


@dataclass
class Comparison:
    """The result of a comparison: mismatches, the smallest detectable relative errors, and what remains unknown."""

    y: Array
    gradients: Arrays
    mismatches: list[Mismatch] = field(default_factory=list)
    sensitivity: dict[str, float] = field(default_factory=dict)
    weak: dict[str, int] = field(default_factory=dict)  # entries whose error is too large to tell
    sampled: dict[str, tuple[int, int]] = field(default_factory=dict)  # entries tried, of all
    kinks: int = 0
    controls: int = 0  # planted errors that were detected


def compare(
    subject: Subject,
    point: Point,
    rng: np.random.Generator,
    *,
    most: int,
    hard: bool = False,
) -> Comparison:
    """Compare all gradients at ``point`` with numerical ones.

    Parameters
    ----------
    most : int
        Largest number of entries tried per array. In larger arrays, that many are sampled, plus random directions.
    hard : bool
        Whether the input is ill-conditioned on purpose, so that the layer's own rounding errors are measured
        and allowed.
    """
    result = Comparison(*subject.run(point))
    function = ForwardPass(subject, point, result.y, rng)
    starts = _starts(point)
    if not point.integer and np.shape(result.gradients["dx"]) != point.x.shape:
        shape = np.shape(result.gradients["dx"])
        if shape == point.dy.shape:
            raise Refused("NumPy's broadcasting let the rows pass, as x + f(x) with a single feature does")
        raise LayerFailure("backward", ShapeError(f"dx has shape {shape}, expected {point.x.shape}, that of x"))
    sizes = [float(np.nanmax(np.abs(result.gradients[target]), initial=0)) for target in starts]
    # Rounding in backward itself: relative to its largest results, and to its inputs.
    entering = float(np.abs(result.y).ravel() @ np.abs(point.dy).ravel()) + float(np.abs(point.dy).max(initial=0))
    floor = max(1e-13, subject.rounding) * max(sizes, default=0.0)
    floor += max(1e-12 if hard else 1e-15, subject.rounding) * entering
    around: list[Arrays] = []
    for target, start in starts.items():
        least = floor + (_allowed(subject, point, target, start) if hard else 0.0)
        analytic = np.asarray(result.gradients[target], float)
        entries = ArrayComparison(function, target, analytic, least, _moves(analytic, most, rng), subject.rounding)
        entries.decide()
        if hard and entries.off.any():
            entries.allow(_rounding_of(subject, point, target, rng))
        _allow_around(subject, point, entries, around)
        if entries.off.any() and point.dy.size <= OUTPUTS:
            _allow_each_output(subject, point, entries)
        _enter(entries, result)
        function.restore()
    return result


def _starts(point: Point) -> Arrays:
    """Return the arrays that have a gradient, by its name."""
    return ({} if point.integer else {"dx": point.x}) | {target_of(n): value for n, value in point.parameters.items()}


def _allowed(subject: Subject, point: Point, target: str, start: Array) -> float:
    """Return the error of a gradient to allow at an ill-conditioned input.

    A vanishing gradient, as in saturation, is compared with the usual magnitude of the gradient. In float32, rounding
    may be that of values of 1, as in 1 - cos(x).
    """
    vanishing = 1e-9 * subject.usual_sizes.get(target, 0.0)
    if subject.rounding < 1e-15:
        return vanishing
    step = 10 * float(usual_steps(start).max())
    return vanishing + 8 * SAFETY * subject.rounding * float(np.abs(point.dy).max(initial=0)) / step


def _moves(analytic: Array, most: int, rng: np.random.Generator) -> list[Any]:
    """Return the flat indices of all entries, or of a sample, plus random directions."""
    if analytic.size <= most:
        return list(range(analytic.size))
    some = [int(i) for i in rng.choice(analytic.size, most, replace=False)]
    return some + [rng.standard_normal(analytic.shape) for _ in range(DIRECTIONS)]


def _rounding_of(subject: Subject, point: Point, target: str, rng: np.random.Generator) -> Array:
    """Return how much each entry changes when the last digits of the input change: the layer's own rounding error.

    A change of more than a thousandth is a jump to another branch, which is not tolerated.
    """
    base = subject.run(point)[1][target]
    moved = []
    for _ in range(4):
        x = point.x * (1 + 4e-16 * rng.standard_normal(point.x.shape))
        moved.append(np.abs(subject.run(point.with_(x=x))[1][target] - base))
    largest = np.max(moved, axis=0)
    return np.asarray(np.where(largest <= 1e-3 * np.abs(base).max(initial=0), 100 * largest, 0.0))


def _allow_around(subject: Subject, point: Point, entries: ArrayComparison, around: list[Arrays]) -> None:
    """At a kink, compare with the layer's own gradients around, which are drawn once for all arrays."""
    for count in AROUND:
        if entries.off.any() and (count == AROUND[0] or entries.pieces):
            around += [_gradients_near(subject, point, entries.function.rng) for _ in range(count - len(around))]
            entries.allow_between(np.array([gradients[entries.target] for gradients in around], float))


def _gradients_near(subject: Subject, point: Point, rng: np.random.Generator) -> Arrays:
    """Return the layer's own gradients at a nearby point; around a kink these differ."""

    def near(value: Array) -> Array:
        return value + NEAR * np.maximum(1, np.abs(value)) * rng.standard_normal(value.shape)

    x = point.x if point.integer else near(point.x)
    parameters = {name: near(value) for name, value in point.parameters.items()}
    return subject.run(point.with_(x=x, parameters=parameters))[1]


def _allow_each_output(subject: Subject, point: Point, entries: ArrayComparison) -> None:
    """If several outputs have a kink, each may take a different side: correct for each means correct for all."""
    off = np.flatnonzero(entries.off & entries.kinked)
    which = [entries.which[n] for n in off]
    for one in point.single_outputs() if which else ():
        y, gradients = subject.run(one)
        function = ForwardPass(subject, one, y, entries.function.rng)
        analytic = gradients[entries.target]
        alone = ArrayComparison(function, entries.target, analytic, entries.floor, which, subject.rounding)
        alone.decide()
        if alone.off.any():
            return
    entries.accept(off)


def _enter(entries: ArrayComparison, result: Comparison) -> None:
    target, off, coordinates = entries.target, entries.off, entries.coordinate
    values = entries.estimate.values.astype(float)
    if off.any():
        shown = off & coordinates if (off & coordinates).any() else off
        which = [m if isinstance(m, int) else -1 for m, bad in zip(entries.which, shown, strict=True) if bad]
        found = (entries.claimed[shown], values[shown], entries.estimate.errors[shown].astype(float))
        result.mismatches.append(Mismatch(target, entries.analytic.shape, which, *found, int(coordinates.sum())))
    weak = entries.weak()
    if (weak & ~off & coordinates).any():
        result.weak[target] = int((weak & ~off & coordinates).sum())
    if entries.scale > 1e3 * entries.floor and (~weak).any():
        result.sensitivity[target] = float(entries.tolerance[~weak].max() / entries.scale)
    result.controls += entries.sees_planted_error()
    result.kinks += entries.kinks
    if entries.analytic.size > coordinates.sum():
        result.sampled[target] = (int(coordinates.sum()), entries.analytic.size)
