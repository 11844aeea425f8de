"""path-integral: tests the gradient between the tested points, so that no interval can hide a wrong derivative."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from minidl.testing.checks.rows import independent
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped, Unverified
from minidl.testing.paths import PathResult, path_integral_test
from minidl.testing.points import normal
from minidl.testing.probe import Point, target_of
from minidl.testing.registry import register_check
from minidl.typing import Array

Along = Callable[[Array], tuple[Array, Array]]


@register_check("path-integral", after=("numeric", "mode"), level="standard")
def path_integral(examination: Examination) -> Iterator[Finding]:
    """Along straight paths, the integral of the gradient equals the change of the output."""
    domain = examination.subject.domain
    if callable(domain) or examination.point.integer or examination.surrogate:
        raise Skipped("paths run through intervals of inputs, of layers whose gradient is a derivative")
    paths = 2 if examination.level == "standard" else 12
    for training in examination.subject.modes:
        point = examination.point.with_(training=training)
        stacked = independent(examination, point)
        if not training and not examination.modes_differ:
            continue
        for _ in range(paths if stacked else max(1, paths // 2)):
            path = curve(domain, point.x, normal(examination.rng, point.x.shape))
            along = (_stacked if stacked else _one_by_one)(examination, point, path)
            yield from _verdict(examination, point, path, _walk(examination, along, stacked), "")
    for name, value in examination.point.parameters.items():
        path = curve("real", value, normal(examination.rng, value.shape))
        result = _walk(examination, _one_by_one(examination, examination.point, path, name), False)
        yield from _verdict(examination, examination.point, None, result, f" along a path of {name}")


def _walk(examination: Examination, along: Along, cheap: bool) -> PathResult:
    y, dy = examination.reference["y"], examination.point.dy
    # A gradient far smaller than the values it is computed from is 0 up to rounding.
    noise = max(1e-14, 100 * examination.rounding) * float(np.abs(dy).sum() + np.abs(y * dy).sum())
    if cheap or examination.level == "thorough":
        return path_integral_test(along, most=20_000 if examination.level == "thorough" else 5_000, noise=noise)
    return path_integral_test(along, panels=6, most=400, depth=6, noise=noise)


def curve(domain: Any, x: Array, direction: Array) -> Along:
    """Return position and velocity of a path through ``x`` that stays in the domain, straight if possible."""
    low, high = domain if isinstance(domain, tuple) else (0.0, 1.0)

    def along(t: Array) -> tuple[Array, Array]:
        if domain in ("real", None):
            return x + t * direction, np.broadcast_to(direction, np.broadcast_shapes(t.shape, x.shape))
        if domain == "positive":
            position = x * np.exp(0.5 * t * direction)
            return position, 0.5 * direction * position
        part = 1 / (1 + ((high - x) / (x - low)) * np.exp(-0.5 * t * direction))
        return low + (high - low) * part, (high - low) * 0.5 * direction * part * (1 - part)

    return along


def _stacked(examination: Examination, point: Point, path: Along) -> Along:
    """Evaluate all positions as rows of one batch, which is allowed because rows are independent."""
    probe = examination.subject.at(point)

    def along(t: Array) -> tuple[Array, Array]:
        x, velocity = path(t.reshape(-1, *([1] * point.x.ndim)))
        y = probe.forward(x.reshape(-1, *point.input_shape), point.training)
        dy = np.concatenate([point.dy] * len(t))
        slope = probe.backward(dy)["dx"].reshape(velocity.shape) * velocity
        return (y * dy).reshape(len(t), -1).sum(axis=1), slope.reshape(len(t), -1).sum(axis=1)

    return along


def _one_by_one(examination: Examination, point: Point, move: Along, parameter: str = "") -> Along:
    """Evaluate each position alone; ``move`` returns the input or parameter value there, and the velocity."""
    probe = examination.subject.at(point)

    def at(t: float) -> tuple[float, float]:
        value, velocity = move(np.array(t))
        if parameter:
            probe.values[parameter][...] = value
        y = probe.forward(point.x.copy() if parameter else np.array(value), point.training)
        slope = probe.backward(point.dy.copy())[target_of(parameter or "x")]
        return float((y * point.dy).sum()), float((slope * velocity).sum())

    return lambda t: tuple(np.array([at(float(position)) for position in t]).T)


def _verdict(
    examination: Examination, point: Point, path: Along | None, result: PathResult, told: str
) -> Iterator[Finding]:
    if result.jumps:
        examination.certificate.cover("kinks", "jumps of the function on a path")
    if result.agrees:
        return
    low, high = result.worst
    for t in (0.5 * (low + high), low, high):
        if path is None:
            break
        there = point.with_(x=np.array(path(np.array(t))[0]))
        with suppress(Unverified):  # an ordinary comparison there explains best what the path has found
            for finding in examination.compare(there, f"found on a path at t = {t:.6g}", hard=True):
                finding.message = "the gradient does not add up to the change of the output along a path"
                yield finding
    message = (
        f"the gradient does not add up to the change of the output{told}: {result.discrepancy:.3g} is missing "
        f"+- {result.resolution:.0e}, most of it for t in [{low:.6g}, {high:.6g}]"
    )
    why = (
        "the derivative is wrong on an interval that single points miss, or the function jumps there: a gradient that "
        "is no derivative on purpose is declared by surrogate_gradient = True"
    )
    yield examination.finding(message, "dx", why, detail=f"input {point.x.shape}")
