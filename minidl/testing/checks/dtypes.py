"""dtype: float32 stays float32 and float64 float64, with equal results; integers are promoted, not truncated."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from minidl.testing.agreement import close, finite, named, with_states
from minidl.testing.checks.variations import variations
from minidl.testing.diagnosis.upcast import origin_of_upcast
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import Refused, normal, rows_of
from minidl.testing.probe import Arrays, Gradients, LayerFailure, Point
from minidl.testing.registry import register_check
from minidl.typing import Array

FAR = 3000.0
ARGUMENTS = 12  # variations of them in float32
SMALLEST, LARGEST = 1e-30, 1e37  # what float32 has to hold, with all its digits
MANY = 40  # rows of integers


@register_check("dtype")
def dtype(examination: Examination) -> Iterator[Finding]:
    """A float32 clone against a float64 clone, in both modes; integer inputs against the same floats."""
    for point in _points(examination):
        yield from _types(examination, named(*examination.run(point)), np.float64)
        yield from _single(examination, point)
    yield from _low_precision(examination)
    subject = examination.subject
    if examination.point.integer:
        yield from _other_ids(examination)
    elif subject.domain in ("real", "positive") and not subject.whole_batch:
        yield from _integers(examination)
    if subject.domain == "real" and examination.at_least("standard"):
        yield from _far_from_zero(examination)


def _points(examination: Examination) -> Iterator[Point]:
    for training in (True, False):
        yield examination.point.with_(training=training)
        for rows in (1, 9, 40) if examination.at_least("standard") else ():
            try:
                point = rows_of(examination.subject, examination.rng, examination.point.with_(training=training), rows)
                examination.run(point)
            except LayerFailure:
                continue  # the number of rows is tested by `batch`
            if point.x.reshape(rows, -1).any(axis=1).all():  # a guard for rows of zeros may be too small for float32
                yield point
    for changed in variations(examination)[:ARGUMENTS] if examination.at_least("standard") else ():
        try:
            point = examination.draw(arguments=changed)
            examination.run(point)
        except (Refused, LayerFailure):
            continue
        yield point


def _types(
    examination: Examination, arrays: Gradients, expected: Any, origin: Callable[[], tuple[str, str, str]] | None = None
) -> Iterator[Finding]:
    for name in ("dx",) if examination.subject.whole_batch else ("y", "dx"):
        if name in arrays and arrays[name].dtype != expected:
            message = f"a {np.dtype(expected)} layer returns {name} in {arrays[name].dtype}"
            why = "a cast, or an array of a fixed dtype, loses digits: the layer computes in the dtype of its input"
            finding = examination.finding(message, name, why)
            if origin is not None:
                finding.why, where, source = origin()
                finding.where, finding.source = (where, source) if where else (finding.where, finding.source)
            yield finding


def _low_precision(examination: Examination) -> Iterator[Finding]:
    if examination.rounding > 1e-15 and not examination.subject.whole_batch:
        message = "y of a float64 layer is exactly representable in float32"
        yield examination.finding(message, "y", "forward passes through float32, by a cast or a float32 array")


def _single(examination: Examination, point: Point) -> Iterator[Finding]:
    """Compare a float32 clone with its float64 clone, at values that both can hold."""
    rounded = point.with_(
        x=_round(point.x), dy=_round(point.dy), parameters=_rounded(point.parameters), states=_rounded(point.states)
    )
    probe, double = examination.subject.at(rounded, np.float32), examination.subject.at(rounded)
    x = rounded.x if rounded.integer else rounded.x.astype(np.float32)
    y = probe.forward(x, point.training)
    found = with_states(named(y, probe.backward(rounded.dy.astype(np.float32))), probe.states)

    def once_more() -> None:
        again = examination.subject.at(rounded, np.float32)
        again.forward(x, point.training)
        again.backward(rounded.dy.astype(np.float32))

    yield from _types(examination, found, np.float32, partial(origin_of_upcast, probe.layer, once_more))
    expected = with_states(named(*double.run(rounded)), double.states)
    if not all((np.abs(value) < LARGEST).all() for value in expected.values()):
        return
    # A gradient is a sum of products of dy and x: what is small compared with those may cancel or underflow.
    natural = float(np.abs(rounded.dy).max(initial=0)) * max(1.0, float(np.abs(rounded.x).max(initial=0))) ** 2
    for name, value in expected.items():
        least = SMALLEST if name == "y" else 1e-2 * natural
        if close(found.get(name), value, 1e-6, least):
            continue
        if not close(found.get(name), value, max(1e-5, _conditioning(examination, rounded, expected, name)), least):
            message = f"{name} of a float32 layer differs from that of its float64 clone"
            yield examination.finding(message, name, "a step loses far more digits than float32 has")


def _round(value: Array) -> Array:
    return value if value.dtype.kind in "iub" else value.astype(np.float32).astype(float)


def _rounded(arrays: Arrays) -> Arrays:
    return {name: _round(value) for name, value in arrays.items()}


def _conditioning(examination: Examination, point: Point, expected: Gradients, name: str) -> float:
    """Return 100 times what a rounding of input and parameters to float32 does by itself."""

    def noisy(value: Array) -> Array:
        return value if value.dtype.kind in "iub" else value * (1 + 6e-8 * normal(examination.rng, value.shape))

    changes = [0.0]
    for _ in range(3):
        probe = examination.subject.at(point.with_(parameters={key: noisy(v) for key, v in point.parameters.items()}))
        found = with_states(named(*probe.run(point.with_(x=noisy(point.x)))), probe.states)[name]
        changes.append(float(np.abs(found - expected[name]).max(initial=0)))
    return 100 * max(changes) / (float(np.abs(expected[name]).max(initial=0)) or 1.0)


def _integers(examination: Examination) -> Iterator[Finding]:
    """Compare integers with the same numbers in floating point."""
    point, real = examination.point, examination.subject.domain == "real"
    here = point.with_(training=point.training and not examination.probe.draws[point.training])
    points = [here.with_(x=point.x.round() + (point.x > 0 if real else 1))]
    try:
        many = rows_of(examination.subject, examination.rng, here, MANY)
        # Small ones: y is whole for many integers, as for those that a hard threshold lets pass.
        points.append(many.with_(x=examination.rng.integers(-3 if real else 1, 4, many.x.shape) + 0.0))
    except LayerFailure:
        pass  # the number of rows is tested by `batch`
    why = "integers are truncated: an array made like the input takes its dtype"
    for point in points:
        yield from _converted(examination, point, np.int64, "{} for int64 inputs differs from that for float64", why)


def _other_ids(examination: Examination) -> Iterator[Finding]:
    """Ids arrive as smaller integers too, and as floating-point numbers where a model has converted its data."""
    for kind in (np.int32, np.uint8, np.float32):
        message = f"{{}} for ids in {np.dtype(kind)} differs from that for the same ids in int64"
        why = "convert the ids first, or refuse them"
        yield from _converted(examination, examination.point, kind, message, why)


def _converted(examination: Examination, point: Point, kind: Any, message: str, why: str) -> Iterator[Finding]:
    probe = examination.subject.at(point)
    expected = named(*examination.run(point))
    expected.pop("dx", None)  # of no use for integers: they are the data
    try:
        found = named(probe.forward(point.x.astype(kind), point.training), probe.backward(point.dy.copy()))
    except LayerFailure:
        examination.certificate.cover("inputs", f"{np.dtype(kind)} refused")
        return
    if finite(expected):
        yield from examination.unequal(expected, found, message, why, tolerance=1e-9)


def _far_from_zero(examination: Examination) -> Iterator[Finding]:
    """Inputs that differ little compared with their size cost some digits of float32, but not all of them."""
    point = examination.point.with_(x=_round(FAR + examination.point.x))
    double, single = examination.subject.at(point), examination.subject.at(point, np.float32)
    expected = double.forward(point.x.copy(), point.training)
    found = single.forward(point.x.astype(np.float32), point.training)
    size = float(np.abs(expected).max(initial=0))
    if not SMALLEST < size < LARGEST:
        return
    lost = float(np.abs(found - expected).max(initial=0)) / size
    if lost > 0.05 and lost > 10 * _conditioning(examination, point, named(*double.run(point)), "y"):
        message = f"y of a float32 layer is off by {lost:.0%} for inputs around {FAR:g}"
        why = "cancellation: a difference of large numbers, such as mean(x**2) - mean(x)**2 for a variance"
        yield examination.finding(message, "y", why)
