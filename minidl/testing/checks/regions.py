"""subgradient, path-integral: kinks met on purpose, and all that lies between the points that were tried."""

from collections.abc import Callable, Iterator

import numpy as np

from minidl.testing.checks.rows import independent
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, Skipped, Unverified, source_of
from minidl.testing.paths import PathResult, path_integral_test
from minidl.testing.points import is_integer
from minidl.testing.subject import Arrays, Point
from minidl.typing import Array

NEAR = 1e-6
HULL = 1e-3  # residual, relative to the spread of the gradients around
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1.5, -1.5, 2.5, -2.5, 6.0, -6.0)


@register_check("subgradient", after=("numeric",))
def subgradient(examination: Examination) -> Iterator[Finding]:
    """At kinks the gradient is a convex combination of the gradients around: the Clarke subdifferential.

    Notes
    -----
    Clarke, 1983, "Optimization and Nonsmooth Analysis". ReLU'(0) may be anything from 0 to 1; two tied maxima
    share one gradient.
    """
    if examination.subject.domain != "real":
        raise Skipped("kinks are looked for among real inputs")
    special = [*SPECIAL, *_arguments(examination)]
    if examination.level == "quick":
        special = special[:1]
    for value in special:
        for where in _entries(examination):
            yield from _at_kink(examination, {where: value}, f"x[{','.join(map(str, where))}] == {value:g}")
    for first, second in _ties(examination):
        for value in (None, 9.0, -9.0):
            tied = float(examination.point.x[first]) if value is None else value
            told = f"the tie x[{','.join(map(str, first))}] == x[{','.join(map(str, second))}]"
            yield from _at_kink(examination, {first: tied, second: tied}, told)


def _arguments(examination: Examination) -> list[float]:
    numbers = [value for value in examination.subject.arguments.values() if isinstance(value, (int, float))]
    return [sign * float(value) for value in numbers if value and abs(value) < 1e3 for sign in (1, -1)]


def _entries(examination: Examination) -> list[tuple[int, ...]]:
    shape = examination.point.x.shape
    count = 4 if examination.level == "thorough" else 1
    return [tuple(int(examination.rng.integers(length)) for length in shape) for _ in range(count)]


def _ties(examination: Examination) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
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


def _at_kink(examination: Examination, changes: dict[tuple[int, ...], float], told: str) -> Iterator[Finding]:
    probe, point = examination.probe, examination.point
    x = point.x.copy()
    for where, value in changes.items():
        x[where] = value
    y, gradients = probe.run(point.with_(x=x))
    y, own = np.array(y), _flat(gradients)
    around = []
    signs = np.array([[1, 0.7], [-1, -0.7], [1, -1], [-1, 1], [1, 0.5], [-1, 0.5], [0.5, -1], [-0.5, 1]])
    for pattern in signs[: 2 if len(changes) == 1 else 8]:
        near = x.copy()
        for where, sign in zip(changes, pattern, strict=False):
            near[where] += sign * NEAR * max(1.0, abs(near[where]))
        beside, nearby = probe.run(point.with_(x=near))
        if not np.abs(beside - y).max(initial=0) <= 1e3 * NEAR * max(1.0, float(np.abs(y).max(initial=0))):
            examination.certificate.cover("kinks", f"jump at {told}")
            return  # the function itself jumps: it has no gradient here
        around.append(_flat(nearby))
    hull = np.array(around)
    if not np.isfinite(hull).all() or np.abs(hull).max(initial=0) > 1e4 * _usual(examination):
        return  # a pole
    scale = np.abs(hull).max(initial=0) or _usual(examination)
    if np.isfinite(own).all() and distance(hull, own) <= HULL * scale:
        if np.ptp(hull, axis=0).max(initial=0) > HULL * scale:
            examination.certificate.cover("kinks", told)
        return
    target, n = _culprit(gradients, own, hull)
    where_, source = source_of(examination.subject.example, target)
    low, high = hull.min(axis=0)[n], hull.max(axis=0)[n]
    tie = (
        "outside the hull at a tie: tied entries must share one gradient"
        if len(changes) > 1
        else (
            f"at {told} the gradient is no convex combination of its neighbours: {own[n]:.6g} is not in [{low:.6g}, {high:.6g}]"
        )
    )
    yield Finding(
        "subgradient",
        f"{target} is no convex combination of its neighbours at {told}",
        target,
        why=tie,
        where=where_,
        source=source,
        detail=f"input {x.shape}",
    )


def _usual(examination: Examination) -> float:
    return float(max(np.abs(value).max(initial=0) for value in examination.reference[1].values() if value is not None))


def _flat(gradients: Arrays) -> Array:
    return np.concatenate([np.asarray(value, float).ravel() for value in gradients.values() if value is not None])


def _culprit(gradients: Arrays, own: Array, hull: Array) -> tuple[str, int]:
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
    from scipy.optimize import nnls

    # The row of ones makes the weights add up to one.
    heavy = 1e3 * scale
    columns = np.vstack([hull.T, np.full(len(hull), heavy)])
    weights, _ = nnls(columns, np.append(own, heavy))
    return float(np.abs(hull.T @ weights - own).max(initial=0))


@register_check("path-integral", after=("numeric", "mode"), level="standard")
def path_integral(examination: Examination) -> Iterator[Finding]:
    """Along straight paths the gradient adds up to the change of the output: no interval can hide a wrong derivative."""
    if is_integer(examination.subject.domain) or examination.subject.domain != "real":
        raise Skipped("paths run through real inputs")
    paths = 2 if examination.level == "standard" else 12
    told = ""
    for training in (True, False):
        point = examination.point.with_(training=training)
        stacked = independent(examination, point)
        if not training and not examination.modes_differ:
            continue
        for _ in range(paths if stacked else max(1, paths // 2)):
            direction = examination.rng.standard_normal(point.x.shape)
            along = (_stacked if stacked else _one_by_one)(examination, point, direction)
            yield from _judge(examination, point, direction, _walk(examination, along, stacked), "")
    for name, value in examination.point.parameters.items():
        direction = examination.rng.standard_normal(value.shape)
        along = _parameter(examination, examination.point, name, direction)
        result = _walk(examination, along, False)
        told = f" along a path of {name}"
        yield from _judge(examination, examination.point, direction, result, told)


Along = Callable[[Array], tuple[Array, Array]]


def _walk(examination: Examination, along: Along, cheap: bool) -> PathResult:
    thorough = examination.level == "thorough"
    if cheap or thorough:
        return path_integral_test(along, most=20_000 if thorough else 5_000)
    return path_integral_test(along, panels=6, most=400, depth=6)


def _stacked(examination: Examination, point: Point, direction: Array) -> Along:
    """All positions as rows of one batch: allowed because rows are independent."""
    probe = examination.subject.at(point)

    def along(t: Array) -> tuple[Array, Array]:
        rows = len(point.x)
        x = (point.x + t.reshape(-1, *([1] * point.x.ndim)) * direction).reshape(-1, *point.input_shape)
        y = probe.forward(x, point.training)
        dy = np.concatenate([point.dy] * len(t))
        dx = probe.backward(dy)["dx"]
        per_row = [len(t), rows, -1]
        change = (y * dy).reshape(per_row).sum(axis=(1, 2))
        slope = (dx.reshape(per_row) * direction.reshape(1, rows, -1)).sum(axis=(1, 2))
        return change, slope

    return along


def _one_by_one(examination: Examination, point: Point, direction: Array) -> Along:
    probe = examination.subject.at(point)

    def at(t: float) -> tuple[float, float]:
        y = probe.forward(point.x + t * direction, point.training)
        return float((y * point.dy).sum()), float((probe.backward(point.dy.copy())["dx"] * direction).sum())

    return lambda t: tuple(np.array([at(float(position)) for position in t]).T)  # type: ignore[return-value]


def _parameter(examination: Examination, point: Point, name: str, direction: Array) -> Along:
    from minidl.testing.subject import target_of

    probe = examination.subject.at(point)
    start, view = point.parameters[name], probe.values[name]

    def at(t: float) -> tuple[float, float]:
        view[...] = start + t * direction
        y = probe.forward(point.x.copy(), point.training)
        return float((y * point.dy).sum()), float((probe.backward(point.dy.copy())[target_of(name)] * direction).sum())

    return lambda t: tuple(np.array([at(float(position)) for position in t]).T)  # type: ignore[return-value]


def _judge(
    examination: Examination, point: Point, direction: Array, result: PathResult, told: str
) -> Iterator[Finding]:
    if result.jumps:
        examination.certificate.cover("kinks", "jumps of the function on a path")
    if result.agrees:
        return
    low, high = result.worst
    if not told:
        # What the path has found, an ordinary comparison there says best.
        for t in (0.5 * (low + high), low, high):
            there = point.with_(x=point.x + t * direction)
            try:
                finding = examination.compare(there, f"found on a path at t = {t:.6g}", hard=True)
            except Unverified:
                finding = None
            if finding is not None:
                finding.message = "the gradient does not add up to the change of the output along a path"
                yield finding
    where, source = source_of(examination.subject.example, "dx")
    yield Finding(
        "path-integral",
        f"the gradient does not add up to the change of the output{told}: "
        f"{result.discrepancy:.3g} is missing +- {result.resolution:.0e}, most of it for t in [{low:.6g}, {high:.6g}]",
        "dx",
        where=where,
        source=source,
        detail=f"input {point.x.shape}",
        why="the derivative is wrong on an interval that single points miss",
    )
