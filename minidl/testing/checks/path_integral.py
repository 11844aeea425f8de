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

Path = Callable[[Array], tuple[Array, Array]]
Along = Callable[[Array], tuple[Array, Array, Array]]


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
            along = _along(examination, point, path, stacked)
            yield from _verdict(examination, point, path, _walk(examination, along, stacked), "")
    for name, value in examination.point.parameters.items():
        path = curve("real", value, normal(examination.rng, value.shape))
        result = _walk(examination, _along(examination, examination.point, path, False, name), False)
        yield from _verdict(examination, examination.point, None, result, f" along a path of {name}")


def _walk(examination: Examination, along: Along, cheap: bool) -> PathResult:
    thorough = examination.level == "thorough"
    sizes = along(np.linspace(-7.0, 7.0, 15))[2]
    # A gradient far smaller than the values it is computed from is 0 up to rounding.
    size = float(np.abs(examination.point.dy).sum()) + sizes.max(where=np.isfinite(sizes), initial=0)
    limits = {"most": 20_000 if thorough else 5_000} if cheap or thorough else {"panels": 6, "most": 400, "depth": 6}
    noise = max(1e-14, 100 * examination.rounding) * size
    return path_integral_test(lambda t: along(t)[:2], noise=noise, **limits)


def curve(domain: Any, x: Array, direction: Array) -> Path:
    """Return positions and velocities of a path through ``x`` that stays in the domain, straight if possible."""
    low, high = domain if isinstance(domain, tuple) else (0.0, 1.0)

    def along(t: Array) -> tuple[Array, Array]:
        t = t.reshape(-1, *[1] * x.ndim)
        if domain in ("real", None):
            return x + t * direction, np.broadcast_to(direction, (len(t), *x.shape))
        if domain == "positive":
            position = x * np.exp(0.5 * t * direction)
            return position, 0.5 * direction * position
        part = 1 / (1 + ((high - x) / (x - low)) * np.exp(-0.5 * t * direction))
        return low + (high - low) * part, (high - low) * 0.5 * direction * part * (1 - part)

    return along


def _along(examination: Examination, point: Point, move: Path, stacked: bool, parameter: str = "") -> Along:
    """Return the sum of ``dy * y``, its slope and its size along a path of the input or of a parameter.

    ``move`` returns the value at each position and the velocity. Where rows are independent, all positions are
    stacked as rows of one batch.
    """
    probe = examination.subject.at(point)

    def at(t: Array) -> tuple[Array, Array, Array]:
        value, velocity = move(t)
        if parameter:
            probe.values[parameter][...] = value[0]
        x = point.x.copy() if parameter else value.reshape(-1, *point.input_shape)
        dy = np.concatenate([point.dy] * len(t))
        terms = (probe.forward(x, point.training) * dy).reshape(len(t), -1)
        slope = probe.backward(dy)[target_of(parameter or "x")].reshape(velocity.shape) * velocity
        return terms.sum(axis=1), slope.reshape(len(t), -1).sum(axis=1), np.abs(terms).sum(axis=1)

    if stacked:
        return at
    return lambda t: tuple(np.array([at(one) for one in t.reshape(-1, 1)])[..., 0].T)


def _verdict(
    examination: Examination, point: Point, path: Path | None, result: PathResult, told: str
) -> Iterator[Finding]:
    if result.jumps:
        examination.certificate.cover("kinks", "jumps of the function on a path")
    if result.agrees:
        return
    low, high = result.worst
    for t in (0.5 * (low + high), low, high):
        if path is None:
            break
        there = point.with_(x=path(np.array([t]))[0][0])
        with suppress(Unverified):  # an ordinary comparison there explains best what the path has found
            for finding in examination.compare(there, f"found on a path at t = {t:.6g}", hard=True):
                finding.message = "the gradient does not add up to the change of the output along a path"
                yield finding
    message = f"the gradient does not add up to the change of the output{told}: {result.discrepancy:.3g} is missing "
    message += f"+- {result.resolution:.0e}, most of it for t in [{low:.6g}, {high:.6g}]"
    why = "the derivative is wrong on an interval that single points miss, or the function jumps there: a gradient "
    why += "that is no derivative on purpose is declared by surrogate_gradient = True"
    yield examination.finding(message, "dx", why, detail=f"input {point.x.shape}")
