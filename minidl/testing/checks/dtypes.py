"""dtype: float32 stays float32 and float64 float64, with equal results; integers are promoted, not truncated."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.checks.equality import close, named
from minidl.testing.checks.variations import made_with, variations
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import Refused, is_integer, normal, rows_of
from minidl.testing.probe import Gradients, LayerFailure, Point, Probe
from minidl.testing.registry import register_check
from minidl.typing import Array

FAR = 3000.0
ARGUMENTS = 12  # variations of them in float32
SMALLEST, LARGEST = 1e-30, 1e37  # what float32 has to hold, with all its digits
MANY = 40  # rows of integers


@register_check("dtype")
def dtype(examination: Examination) -> Iterator[Finding]:
    """A float32 clone against a float64 clone, in both modes; integer inputs against the same floats."""
    for training in (True, False):
        point = examination.point.with_(training=training)
        yield from _types(examination, named(*examination.run(point)), np.float64)
        yield from _through_float32(examination, point)
        yield from _single(examination, point)
        for rows in (1, 9, 40) if examination.at_least("standard") else ():
            try:
                other = rows_of(examination.subject, examination.rng, point, rows)
                if not other.x.reshape(rows, -1).any(axis=1).all():
                    continue  # a guard for rows of zeros may be too small for float32
                yield from _types(examination, named(*examination.run(other)), np.float64)
                yield from _single(examination, other)
            except LayerFailure:
                continue  # the number of rows is an affair of `batch`
    if is_integer(examination.subject.domain):
        yield from _other_ids(examination)
    elif examination.subject.domain in ("real", "positive") and not examination.subject.whole_batch:
        yield from _integers(examination)
    if examination.subject.domain == "real" and examination.at_least("standard"):
        yield from _far_from_zero(examination)
    if examination.at_least("standard"):
        yield from _arguments(examination)


def _types(examination: Examination, arrays: Gradients, expected: Any) -> Iterator[Finding]:
    for name in ("dx",) if examination.subject.whole_batch else ("y", "dx"):
        if name in arrays and arrays[name].dtype != expected:
            message = f"a {np.dtype(expected)} layer returns {name} in {arrays[name].dtype}"
            why = "NumPy scalars such as np.sqrt(2.0) and new arrays are float64 unless told otherwise"
            yield examination.finding(message, name, why)


def _through_float32(examination: Examination, point: Point) -> Iterator[Finding]:
    y = examination.run(point)[0]
    if examination.subject.whole_batch or y.dtype != np.float64 or np.array_equal(point.x, _round(point.x)):
        return
    if np.array_equal(y, _round(y)) and not np.array_equal(y, np.round(y)) and np.unique(y).size > 3:
        message = "y of a float64 layer is exactly representable in float32"
        yield examination.finding(message, "y", "forward passes through float32, by a cast or a float32 array")


def _single(examination: Examination, point: Point) -> Iterator[Finding]:
    """Compare a float32 clone with its float64 clone, at values that both can hold."""
    rounded = point.with_(
        x=_round(point.x),
        dy=_round(point.dy),
        parameters={name: _round(value) for name, value in point.parameters.items()},
        states={name: _round(value) for name, value in point.states.items()},
    )
    probe = examination.subject.at(rounded, np.float32)
    x = rounded.x if is_integer(examination.subject.domain) else rounded.x.astype(np.float32)
    y = probe.forward(x, point.training)
    found = {**named(y, probe.backward(rounded.dy.astype(np.float32))), **_states(probe)}
    yield from _types(examination, found, np.float32)
    double = examination.subject.at(rounded)
    expected = {**named(*double.run(rounded)), **_states(double)}
    if not all((np.abs(value) < LARGEST).all() for value in expected.values()):
        return
    # A gradient is a sum of products of dy and x: what is small beside those may cancel or underflow.
    natural = float(np.abs(rounded.dy).max(initial=0)) * max(1.0, float(np.abs(rounded.x).max(initial=0))) ** 2
    for name, value in expected.items():
        least = SMALLEST if name == "y" else 1e-2 * natural
        if close(found.get(name), value, 1e-6, least):
            continue
        if not close(found.get(name), value, max(1e-5, _conditioning(examination, rounded, expected, name)), least):
            message = f"{name} of a float32 layer differs from that of its float64 clone"
            yield examination.finding(message, name, "a step loses far more digits than float32 has")


def _states(probe: Probe) -> Gradients:
    return {f"the state {name}": value.copy() for name, value in probe.states.items()}


def _round(value: Array) -> Array:
    return value if value.dtype.kind in "iub" else value.astype(np.float32).astype(float)


def _conditioning(examination: Examination, point: Point, expected: Gradients, name: str) -> float:
    """Return 100 times what a rounding of input and parameters to float32 does by itself."""

    def rounded(value: Array) -> Array:
        return value if value.dtype.kind in "iub" else value * (1 + 6e-8 * normal(examination.rng, value.shape))

    changes = [0.0]
    for _ in range(3):
        parameters = {name: rounded(value) for name, value in point.parameters.items()}
        probe = examination.subject.at(point.with_(parameters=parameters))
        found = {**named(*probe.run(point.with_(x=rounded(point.x)))), **_states(probe)}[name]
        changes.append(float(np.abs(found - expected[name]).max(initial=0)))
    return 100 * max(changes) / (float(np.abs(expected[name]).max(initial=0)) or 1.0)


def _integers(examination: Examination) -> Iterator[Finding]:
    point, real = examination.point, examination.subject.domain == "real"
    here = point.with_(training=point.training and not examination.probe.draws[point.training])
    yield from _whole(examination, here.with_(x=point.x.round() + (point.x > 0 if real else 1)))
    try:
        many = rows_of(examination.subject, examination.rng, here, MANY)
    except LayerFailure:
        return  # the number of rows is an affair of `batch`
    # Small ones: y is whole for many integers, as for those that a hard threshold lets pass.
    yield from _whole(examination, many.with_(x=examination.rng.integers(-3 if real else 1, 4, many.x.shape) + 0.0))


def _whole(examination: Examination, point: Point) -> Iterator[Finding]:
    """Compare integers with the same numbers in floating point."""
    probe = examination.subject.at(point)
    try:
        y = probe.forward(point.x.astype(np.int64), point.training)
        found = named(y, probe.backward(point.dy.copy()))
    except LayerFailure:
        examination.certificate.cover("inputs", "int64 refused")
        return
    for name, value in named(*examination.run(point)).items():
        # dx is of no use for integers: they are the data. An array like x may hold it, cut off.
        if name != "dx" and np.isfinite(value).all() and not close(found.get(name), value, 1e-9):
            message = f"{name} for int64 inputs differs from that for the same float64 inputs"
            why = "integers are truncated: an array made like the input takes its dtype"
            yield examination.finding(message, name, why)


def _other_ids(examination: Examination) -> Iterator[Finding]:
    """Ids arrive as smaller integers too, and as floating-point numbers where a model has converted its data."""
    point = examination.point
    for dtype in (np.int32, np.uint8, np.float32):
        probe = examination.subject.at(point)
        try:
            found = named(probe.forward(point.x.astype(dtype), point.training), probe.backward(point.dy.copy()))
        except LayerFailure:
            continue  # refused
        for name, value in named(*examination.reference).items():
            if name != "dx" and not close(found.get(name), value, 1e-9):
                message = f"{name} for ids in {np.dtype(dtype)} differs from that for the same ids in int64"
                yield examination.finding(message, name, "convert the ids first, or refuse them")


def _arguments(examination: Examination) -> Iterator[Finding]:
    """A float32 layer made with other arguments."""
    for changed in variations(examination)[:ARGUMENTS]:
        try:
            yield from _single(examination, made_with(examination, changed))
        except (Refused, LayerFailure):
            continue


def _far_from_zero(examination: Examination) -> Iterator[Finding]:
    """Inputs that differ little beside their size cost some digits of float32, but not all of them."""
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
