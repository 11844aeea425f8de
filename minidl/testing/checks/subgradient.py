"""subgradient: tests the gradient at kinks and ties on purpose."""

import itertools
from collections.abc import Iterator
from functools import partial

import numpy as np

from minidl.testing.agreement import finite
from minidl.testing.checks.trial import disagrees, trial
from minidl.testing.constants import constants_of
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.points import normal
from minidl.testing.probe import Arrays, Point, target_of
from minidl.testing.registry import register_check
from minidl.typing import Array

NEAR = 1e-6
HULL = 1e-3  # residual, relative to the largest gradient around
# Moves around a kink, and around ties of two and three entries: every order, and every pair of signs for two.
PATTERNS: dict[int, list[tuple[float, ...]]] = {
    1: [(1.0,), (-1.0,)],
    2: [move for a, b in itertools.product((1.0, -1.0), (0.6, -0.6)) for move in ((a, b), (b, a))],
    3: list(itertools.permutations((1.0, 0.2, -0.7))),
}
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1.5, -1.5, 2.5, -2.5, 6.0, -6.0)
OUTPUTS = 64  # most outputs to test one by one

Entry = tuple[int, ...]


@register_check("subgradient", after=("numeric",))
def subgradient(examination: Examination) -> Iterator[Finding]:
    """At kinks, the gradient is a convex combination of the gradients around: the Clarke subdifferential.

    Notes
    -----
    Clarke, 1983, "Optimization and Nonsmooth Analysis". ReLU'(0) may be anything from 0 to 1; two tied maxima
    share one gradient.
    """
    if examination.subject.domain != "real" or examination.surrogate:
        raise Skipped("kinks are looked for among real inputs, of layers whose gradient is a derivative")
    numbers = [value for value in examination.subject.arguments.values() if isinstance(value, (int, float))]
    numbers = [float(value) for value in [*numbers, *constants_of(examination.subject.example).numbers]]
    special = [*SPECIAL, *(sign * number for number in numbers if 0 < abs(number) < 1e3 for sign in (1, -1))]
    for value in special[: 1 if examination.level == "quick" else None]:
        entry = tuple(int(examination.rng.integers(length)) for length in examination.point.x.shape)
        yield from _at_kink(examination, [entry], value, f"x[{','.join(map(str, entry))}] == {value:g}")
    for entries, value in _ties(examination):
        told = "the tie " + " == ".join(f"x[{','.join(map(str, entry))}]" for entry in entries)
        yield from _at_kink(examination, entries, value, told)
    if examination.at_least("standard"):
        x = examination.point.x.copy()
        rows = x.reshape(len(x), -1)  # a view
        rows[np.arange(len(x)), examination.rng.integers(0, rows.shape[1], len(x))] = 0
        # Entry by entry: each must lie between its one-sided derivatives.
        yield from trial(examination, "inputs with zeros", partial(examination.point.with_, x=x))
        yield from _ties_with_parameters(examination)


def _ties_with_parameters(examination: Examination) -> Iterator[Finding]:
    """Where x equals another input of the same shape, moving both alike is smooth for most functions."""
    point, probe = examination.point, examination.probe
    for name, value in point.parameters.items():
        if np.shape(value)[1:] == point.input_shape and len(value) >= len(point.x):
            there, moves = point.with_(x=value[: len(point.x)].copy()), normal(examination.rng, value.shape)
            found = examination.results(there)
            claimed = {"dx": found["dx"], name: found[target_of(name)]}
            both = {"dx": moves[: len(point.x)], name: moves}
            if finite(found) and disagrees(probe, there, claimed, both, examination.rounding):
                why = "where they are equal, both get the whole gradient, or none: they share it"
                yield examination.finding(f"dx and d{name} together are wrong at the tie x == {name}", "dx", why)


def _ties(examination: Examination) -> Iterator[tuple[list[Entry], float]]:
    """Yield sets of entries of a row to tie: two or three along an axis, adjacent or consecutive in size.

    The sets consecutive in size include the tie at the cut of a layer that selects the k largest.
    """
    x = examination.point.x
    row = int(examination.rng.integers(x.shape[0]))
    most = {"quick": 1, "standard": 3, "thorough": 8}[examination.level]
    for axis, count in itertools.product(range(1, x.ndim), (2, 3) if most > 1 else (2,)):
        for start in range(min(x.shape[axis] - count + 1, most)):
            entry = [row, *(int(examination.rng.integers(length)) for length in x.shape[1:])]
            lane = [(*entry[:axis], k, *entry[axis + 1 :]) for k in range(x.shape[axis])]
            yield from ((lane[start : start + count], value) for value in (9.0, -9.0))
            if start == 0:
                ordered = sorted(lane, key=lambda there: float(x[there]))[: 3 * most]
                yield from ((ordered[k : k + count], float(x[ordered[k]])) for k in range(len(ordered) - count + 1))


def _at_kink(examination: Examination, entries: list[Entry], value: float, told: str) -> Iterator[Finding]:
    x = examination.point.x.copy()
    for entry in entries:
        x[entry] = value
    point = examination.point.with_(x=x)
    problem = _outside(examination, point, entries)
    if problem is None:
        examination.certificate.cover("kinks", told)
        return
    # If several outputs have a kink, each may take a different side, so each is tested alone.
    few = point.dy.size <= OUTPUTS
    if few and all(_outside(examination, one, entries) is None for one in point.single_outputs()):
        return
    target, own, low, high = problem
    why = f"outside the hull at {told}: tied entries must share one gradient"
    if len(entries) == 1:
        why = f"at {told} the gradient is no convex combination of its neighbours: {own:.6g} is not in "
        why += f"[{low:.6g}, {high:.6g}]"
    message = f"{target} is no convex combination of its neighbours at {told}"
    yield examination.finding(message, target, why, detail=f"input {x.shape}")


def _outside(examination: Examination, point: Point, entries: list[Entry]) -> tuple[str, float, float, float] | None:
    """Return a gradient outside the hull of those around: name, value and their range; None if all are inside."""
    found = examination.probe.results(point)
    y = found.pop("y")
    own = _flat(found)
    hull = _around(examination, point, y, entries, NEAR)
    if hull is None:
        return None  # the function itself jumps
    scale = np.abs(hull).max(initial=0) or max(map(examination.usual_size, found))
    if np.isfinite(own).all() and distance(hull, own) <= HULL * scale:
        return None
    nearer = _around(examination, point, y, entries, NEAR / 100)
    if nearer is None or not np.isfinite(hull).all() or not np.abs(nearer).max(initial=0) <= 2 * scale:
        return None  # a pole: the gradient has no limit
    outside = np.maximum(own - hull.max(axis=0), hull.min(axis=0) - own)
    n = int(np.where(np.isfinite(outside), outside, np.inf).argmax())
    names = [name for name, value in found.items() for _ in range(np.size(value))]
    return names[n], float(own[n]), float(hull[:, n].min()), float(hull[:, n].max())


def _around(examination: Examination, point: Point, y: Array, entries: list[Entry], near: float) -> Array | None:
    """Return the gradients at points around, one per row; None if the function itself jumps."""
    around = []
    for pattern in PATTERNS[len(entries)]:
        x = point.x.copy()
        for entry, move in zip(entries, pattern, strict=True):
            x[entry] += move * near * max(1.0, abs(x[entry]))
        there = examination.probe.results(point.with_(x=x))
        if not np.abs(there.pop("y") - y).max(initial=0) <= 1e3 * NEAR * max(1.0, float(np.abs(y).max(initial=0))):
            return None
        around.append(_flat(there))
    return np.array(around)


def _flat(gradients: Arrays) -> Array:
    return np.concatenate([value.ravel() for value in gradients.values()])


def distance(hull: Array, own: Array) -> float:
    """Return the distance of ``own`` from the convex hull of the rows of ``hull``."""
    nearest = float(np.abs(hull - own).max(axis=1).min())
    scale = float(np.abs(hull).max(initial=0)) or 1.0
    if nearest <= HULL * scale:
        return nearest
    from scipy.optimize import lsq_linear

    # The row of ones makes the weights add up to one.
    heavy = 1e3 * scale
    columns = np.vstack([hull.T, np.full(len(hull), heavy)])
    # bvls handles duplicate rows, for which SciPy 1.13's nnls fails with a singular matrix
    weights = lsq_linear(columns, np.append(own, heavy), bounds=(0, np.inf), method="bvls").x
    return float(np.abs(hull.T @ weights - own).max(initial=0))
