"""path-integral: what lies between the points that were tried; no interval can hide a wrong derivative."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.testing.checks.rows import independent
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped, Unverified
from minidl.testing.paths import PathResult, path_integral_test
from minidl.testing.points import is_integer, normal
from minidl.testing.probe import Point, target_of
from minidl.testing.registry import register_check
from minidl.typing import Array

Along = Callable[[Array], tuple[Array, Array]]
Curve = Callable[[Array], tuple[Array, Array]]


@register_check("path-integral", after=("numeric", "mode"), level="standard")
def path_integral(examination: Examination) -> Iterator[Finding]:
    """Along straight paths the gradient adds up to the change of the output."""
    domain = examination.subject.domain
    if callable(domain) or is_integer(domain) or examination.surrogate:
        raise Skipped("paths run through intervals of inputs, of layers whose gradient is a derivative")
    paths = 2 if examination.level == "standard" else 12
    for training in (True, False):
        point = examination.point.with_(training=training)
        stacked = independent(examination, point)
        if not training and not examination.modes_differ:
            continue
        for _ in range(paths if stacked else max(1, paths // 2)):
            path = curve(domain, point.x, normal(examination.rng, point.x.shape))
            along = (_stacked if stacked else _one_by_one)(examination, point, path)
            yield from _judge(examination, point, path, _walk(examination, along, stacked), "")
    for name, value in examination.point.parameters.items():
        direction = normal(examination.rng, value.shape)
        result = _walk(examination, _parameter(examination, name, direction), False)
        yield from _judge(examination, examination.point, None, result, f" along a path of {name}")


def _walk(examination: Examination, along: Along, cheap: bool) -> PathResult:
    thorough = examination.level == "thorough"
    if cheap or thorough:
        return path_integral_test(along, most=20_000 if thorough else 5_000)
    return path_integral_test(along, panels=6, most=400, depth=6)


def curve(domain: Any, x: Array, direction: Array) -> Curve:
    """Return position and velocity of a path through ``x`` that stays in the domain, a straight line if it may."""

    def straight(t: Array) -> tuple[Array, Array]:
        return x + t * direction, np.broadcast_to(direction, np.broadcast_shapes(t.shape, x.shape))

    def positive(t: Array) -> tuple[Array, Array]:
        position = x * np.exp(0.5 * t * direction)
        return position, 0.5 * direction * position

    def between(t: Array) -> tuple[Array, Array]:
        low, high = (0.0, 1.0) if domain == "probability" else domain
        share = (x - low) / (high - low)
        share = 1 / (1 + (1 / share - 1) * np.exp(-0.5 * t * direction))
        return low + (high - low) * share, (high - low) * 0.5 * direction * share * (1 - share)

    return straight if domain in ("real", None) else positive if domain == "positive" else between


def _stacked(examination: Examination, point: Point, path: Curve) -> Along:
    """All positions as rows of one batch: allowed because rows are independent."""
    probe = examination.subject.at(point)

    def along(t: Array) -> tuple[Array, Array]:
        rows = len(point.x)
        x, velocity = path(t.reshape(-1, *([1] * point.x.ndim)))
        y = probe.forward(x.reshape(-1, *point.input_shape), point.training)
        dy = np.concatenate([point.dy] * len(t))
        dx = probe.backward(dy)["dx"]
        per_row = [len(t), rows, -1]
        change = (y * dy).reshape(per_row).sum(axis=(1, 2))
        slope = (dx.reshape(per_row) * velocity.reshape(per_row)).sum(axis=(1, 2))
        return change, slope

    return along


def _one_by_one(examination: Examination, point: Point, path: Curve) -> Along:
    probe = examination.subject.at(point)

    def at(t: float) -> tuple[float, float]:
        x, velocity = path(np.array(t))
        y = probe.forward(np.array(x), point.training)
        return float((y * point.dy).sum()), float((probe.backward(point.dy.copy())["dx"] * velocity).sum())

    return lambda t: tuple(np.array([at(float(position)) for position in t]).T)


def _parameter(examination: Examination, name: str, direction: Array) -> Along:
    point, probe = examination.point, examination.subject.at(examination.point)
    start, view = point.parameters[name], probe.values[name]

    def at(t: float) -> tuple[float, float]:
        view[...] = start + t * direction
        y = probe.forward(point.x.copy(), point.training)
        return float((y * point.dy).sum()), float((probe.backward(point.dy.copy())[target_of(name)] * direction).sum())

    return lambda t: tuple(np.array([at(float(position)) for position in t]).T)


def _judge(
    examination: Examination, point: Point, path: Curve | None, result: PathResult, told: str
) -> Iterator[Finding]:
    if result.jumps:
        examination.certificate.cover("kinks", "jumps of the function on a path")
    if result.agrees:
        return
    low, high = result.worst
    if path is not None:
        # What the path has found, an ordinary comparison there says best.
        for t in (0.5 * (low + high), low, high):
            there = point.with_(x=np.array(path(np.array(t))[0]))
            try:
                finding = examination.compare(there, f"found on a path at t = {t:.6g}", hard=True)
            except Unverified:
                finding = None
            if finding is not None:
                finding.message = "the gradient does not add up to the change of the output along a path"
                yield finding
    message = (
        f"the gradient does not add up to the change of the output{told}: {result.discrepancy:.3g} is missing "
        f"+- {result.resolution:.0e}, most of it for t in [{low:.6g}, {high:.6g}]"
    )
    why, y = (
        "the derivative is wrong on an interval that single points miss",
        np.asarray(examination.reference[0], float),
    )
    if np.array_equal(y.astype(np.float32), y) and np.any(y % 1):
        why = "every output is exactly representable in float32: forward loses digits, and the gradient may be right"
    yield examination.finding(message, "dx", why, detail=f"input {point.x.shape}")
