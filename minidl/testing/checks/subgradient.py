"""subgradient: kinks and ties met on purpose."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.checks.numeric import in_regime
from minidl.testing.constants import mentioned
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.probe import Gradients
from minidl.testing.registry import register_check
from minidl.typing import Array

NEAR = 1e-6
HULL = 1e-3  # residual, relative to the spread of the gradients around
SIGNS = np.array([[1, 0.7], [-1, -0.7], [1, -1], [-1, 1], [1, 0.5], [-1, 0.5], [0.5, -1], [-0.5, 1]])
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1.5, -1.5, 2.5, -2.5, 6.0, -6.0)

Entry = tuple[int, ...]


@register_check("subgradient", after=("numeric",))
def subgradient(examination: Examination) -> Iterator[Finding]:
    """At kinks the gradient is a convex combination of the gradients around: the Clarke subdifferential.

    Notes
    -----
    Clarke, 1983, "Optimization and Nonsmooth Analysis". ReLU'(0) may be anything from 0 to 1; two tied maxima
    share one gradient.
    """
    if examination.subject.domain != "real" or examination.surrogate:
        raise Skipped("kinks are looked for among real inputs, of layers whose gradient is a derivative")
    special = [*SPECIAL, *_arguments(examination)]
    if examination.level == "quick":
        special = special[:1]
    for value in special:
        for where in _entries(examination):
            yield from _at_kink(examination, {where: value}, f"x[{','.join(map(str, where))}] == {value:g}")
    for first, second in _ties(examination):
        for tied in (float(examination.point.x[first]), 9.0, -9.0):
            told = f"the tie x[{','.join(map(str, first))}] == x[{','.join(map(str, second))}]"
            yield from _at_kink(examination, {first: tied, second: tied}, told)
    if examination.at_least("standard"):
        yield from _many_at_once(examination)


def _many_at_once(examination: Examination) -> Iterator[Finding]:
    """A zero in every row at a time, entry by entry: each is right between its one-sided derivatives."""
    x = examination.point.x.copy()
    rows = x.reshape(len(x), -1)  # a view
    rows[np.arange(len(x)), examination.rng.integers(0, rows.shape[1], len(x))] = 0
    yield from in_regime(examination, "inputs with zeros", lambda: examination.point.with_(x=x))


def _arguments(examination: Examination) -> list[float]:
    numbers = [value for value in examination.subject.arguments.values() if isinstance(value, (int, float))]
    numbers += mentioned(examination.subject.example).numbers
    return [sign * float(value) for value in numbers if value and abs(value) < 1e3 for sign in (1, -1)]


def _entries(examination: Examination) -> list[Entry]:
    shape = examination.point.x.shape
    count = 4 if examination.level == "thorough" else 1
    return [tuple(int(examination.rng.integers(length)) for length in shape) for _ in range(count)]


def _ties(examination: Examination) -> Iterator[tuple[Entry, Entry]]:
    """Yield pairs of entries of a row: neighbours along each axis, at even and odd places, and two farther apart."""
    shape = examination.point.x.shape
    row = int(examination.rng.integers(shape[0]))
    most = {"quick": 1, "standard": 3, "thorough": 8}[examination.level]
    for axis in range(1, len(shape)):
        for start in range(min(shape[axis] - 1, most)):
            first = [row, *(int(examination.rng.integers(length)) for length in shape[1:])]
            first[axis] = start
            second = list(first)
            second[axis] = start + 1
            yield tuple(first), tuple(second)


def _at_kink(examination: Examination, changes: dict[Entry, float], told: str) -> Iterator[Finding]:
    x = examination.point.x.copy()
    for where, value in changes.items():
        x[where] = value
    y, gradients = examination.probe.run(examination.point.with_(x=x))
    y, own = np.array(y), _flat(gradients)
    hull = _around(examination, x, y, list(changes), NEAR)
    if hull is None:
        examination.certificate.cover("kinks", f"jump at {told}")
        return
    scale = np.abs(hull).max(initial=0) or _usual(examination)
    if np.isfinite(own).all() and distance(hull, own) <= HULL * scale:
        if np.ptp(hull, axis=0).max(initial=0) > HULL * scale:
            examination.certificate.cover("kinks", told)
        return
    nearer = _around(examination, x, y, list(changes), NEAR / 100)
    if nearer is None or not np.isfinite(hull).all() or not np.abs(nearer).max(initial=0) <= 2 * scale:
        return  # a pole: the gradient has no limit
    target, n = _culprit(gradients, own, hull)
    why = f"outside the hull at {told}: tied entries must share one gradient"
    if len(changes) == 1:
        low, high = hull.min(axis=0)[n], hull.max(axis=0)[n]
        why = f"at {told} the gradient is no convex combination of its neighbours: {own[n]:.6g} is not in "
        why += f"[{low:.6g}, {high:.6g}]"
    message = f"{target} is no convex combination of its neighbours at {told}"
    yield examination.finding(message, target, why, detail=f"input {x.shape}")


def _around(examination: Examination, x: Array, y: Array, entries: list[Entry], near: float) -> Array | None:
    """Return the gradients at points around ``x``, one a row; None where the function itself jumps."""
    around = []
    for pattern in SIGNS[: 2 if len(entries) == 1 else 8]:
        beside = x.copy()
        for where, sign in zip(entries, pattern, strict=False):
            beside[where] += sign * near * max(1.0, abs(beside[where]))
        y_beside, gradients = examination.probe.run(examination.point.with_(x=beside))
        if not np.abs(y_beside - y).max(initial=0) <= 1e3 * NEAR * max(1.0, float(np.abs(y).max(initial=0))):
            return None
        around.append(_flat(gradients))
    return np.array(around)


def _usual(examination: Examination) -> float:
    return float(max(np.abs(value).max(initial=0) for value in examination.reference[1].values() if value is not None))


def _flat(gradients: Gradients) -> Array:
    return np.concatenate([np.asarray(value, float).ravel() for value in gradients.values() if value is not None])


def _culprit(gradients: Gradients, own: Array, hull: Array) -> tuple[str, int]:
    outside = np.maximum(own - hull.max(axis=0), hull.min(axis=0) - own)
    n = int(np.where(np.isfinite(outside), outside, np.inf).argmax())
    start = 0
    for name, value in gradients.items():
        if n < start + np.size(value):
            return name, n
        start += np.size(value)
    return "dx", n


def distance(hull: Array, own: Array) -> float:
    """Return how far ``own`` is from the convex hull of the rows of ``hull``."""
    nearest = float(np.abs(hull - own).max(axis=1).min())
    scale = float(np.abs(hull).max(initial=0)) or 1.0
    if nearest <= HULL * scale:
        return nearest
    from scipy.optimize import lsq_linear

    # The row of ones makes the weights add up to one.
    heavy = 1e3 * scale
    columns = np.vstack([hull.T, np.full(len(hull), heavy)])
    # bvls bears rows that repeat each other, at which SciPy 1.13's nnls stops with a singular matrix
    weights = lsq_linear(columns, np.append(own, heavy), bounds=(0, np.inf), method="bvls").x
    return float(np.abs(hull.T @ weights - own).max(initial=0))
