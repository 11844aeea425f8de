"""dtype, extreme: float32 stays float32, integers are promoted, and extreme inputs keep their precision."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from minidl.testing.agreement import close, finite
from minidl.testing.certificate import FEW_DIGITS
from minidl.testing.checks.variations import variations
from minidl.testing.derivative import LONG
from minidl.testing.diagnosis.where.source import origin_of_upcast
from minidl.testing.examination import Examination
from minidl.testing.findings import PASS, Finding, Skipped
from minidl.testing.points import normal, rows_of
from minidl.testing.probe import Arrays, LayerFailure, Point, Probe
from minidl.testing.registry import register_check
from minidl.typing import Array

FAR = 3000.0
ARGUMENTS = 12  # variations of arguments tried in float32
SMALLEST, LARGEST = 1e-30, 1e37  # values that float32 must represent with full precision
MANY = 40  # rows of integers
SAMPLES = 10  # of the rounding error of float64
ENDS = (-(2.0**15), -(2.0**7), 2.0**7 - 1, 2.0**8 - 1, 2.0**15 - 1)  # of the smaller integer types
SIZES = {"real": (30.0, 800.0, 1e4, 1e-310), "positive": (30.0, 800.0, 1e4)}
HUGE = 1e-8  # of the largest number: a true value beyond this need not be represented
BIG = 1e-4  # of its root: if the output at half the input exceeds this, it may overflow legitimately


@register_check("dtype")
def dtype(examination: Examination) -> Iterator[Finding]:
    """Compare a float32 clone with a float64 clone in both modes, and integer inputs with equal floats."""
    subject = examination.subject
    for point in _points(examination):
        yield from _types(examination, examination.results(point), np.float64)
        yield from _single(examination, point)
    if examination.rounding > 1e-15 and not subject.whole_batch:
        message = "y of a float64 layer is exactly representable in float32"
        yield examination.finding(message, "y", "forward passes through float32, by a cast or a float32 array")
    if examination.point.integer:
        yield from _other_ids(examination)
    elif subject.domain in ("real", "positive") and not subject.whole_batch:
        yield from _integers(examination)
    if subject.domain == "real" and examination.at_least("standard"):
        # Inputs that differ little compared with their magnitude cost some digits of float32, but not all.
        point = examination.point.with_(x=FAR + examination.point.x)
        why = "cancellation: a difference of large numbers, such as mean(x**2) - mean(x)**2 for a variance"
        yield from _single(examination, point, 0.05, f" for inputs around {FAR:g}", why)


def _points(examination: Examination) -> Iterator[Point]:
    for point in examination.batches(*((1, 9, 40) if examination.at_least("standard") else ())):
        # A guard for rows of zeros may be too small for float32.
        if point.x.shape == examination.point.x.shape or point.x.reshape(len(point.x), -1).any(axis=1).all():
            yield point
    for changed in variations(examination)[:ARGUMENTS] if examination.at_least("standard") else ():
        yield from examination.drawn(arguments=changed)


def _types(
    examination: Examination, arrays: Arrays, expected: Any, origin: Callable[[], tuple[str, str, str]] | None = None
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


def _single(
    examination: Examination, point: Point, tolerance: float = 1e-5, told: str = "", why: str = ""
) -> Iterator[Finding]:
    """Compare a float32 clone with its float64 clone, at values that both can represent exactly."""

    def rounded(value: Array) -> Array:
        return value if value.dtype.kind in "iub" else value.astype(np.float32).astype(float)

    point = _changed(point, rounded).with_(dy=rounded(point.dy))
    probe, x = examination.subject.at(point, np.float32), point.x
    x = x if point.integer else x.astype(np.float32)

    def run(probe: Probe) -> Arrays:
        return probe.call(x, point.dy.astype(np.float32), point.training) | probe.told_states()

    found = run(probe)
    origin = partial(origin_of_upcast, probe.layer, lambda: run(examination.subject.at(point, np.float32)))
    yield from _types(examination, found, np.float32, origin)
    expected = examination.subject.at(point).results_and_states(point)
    if not all((np.abs(value) < LARGEST).all() for value in expected.values()):
        return
    # A gradient is a sum of products of dy and x: values small compared with those may cancel or underflow.
    natural = float(np.abs(point.dy).max(initial=0)) * max(1.0, float(np.abs(point.x).max(initial=0))) ** 2
    for name, value in expected.items():
        least = SMALLEST if name == "y" else 1e-2 * natural
        if close(found.get(name), value, 1e-6, least):
            continue
        if close(found.get(name), value, max(tolerance, _conditioning(examination, point, value, name)), least):
            continue
        usual = _cancellation(examination, point, name) if examination.subject.whole_batch or not why else 0.0
        if close(found.get(name), value, usual / (float(np.abs(value).max(initial=0)) or 1.0), least):
            examination.certificate.cover(FEW_DIGITS, f"{name}   few digits in float32: large numbers cancel{told}")
            continue
        message = f"{name} of a float32 layer differs from that of its float64 clone{told}"
        yield examination.finding(message, name, why or "a step loses far more digits than float32 has")


def _cancellation(examination: Examination, point: Point, name: str) -> float:
    """Return 30 times the error of float32 to expect from that of float64: cancellation takes digits from both."""
    worst = 0.0
    for _ in range(SAMPLES):
        # Sums and products of numbers that float32 can represent are often exact in float64.
        there = _changed(point, partial(_noisy, examination.rng, 1e-9))
        long, value = _in_longdouble(examination, there), examination.subject.at(there).results_and_states(there)
        if name in long:
            worst = max(worst, float(np.abs(value[name] - long[name]).max(initial=0)))
    return 30 * worst * float(np.finfo(np.float32).eps / np.finfo(float).eps)


def _noisy(rng: np.random.Generator, noise: float, value: Array) -> Array:
    return value if value.dtype.kind in "iub" else value * (1 + noise * normal(rng, value.shape))


def _changed(point: Point, change: Callable[[Array], Array]) -> Point:
    """Return a copy of ``point`` with ``change`` applied to its values."""
    parameters, states = ({n: change(v) for n, v in arrays.items()} for arrays in (point.parameters, point.states))
    return point.with_(x=change(point.x), parameters=parameters, states=states)


def _conditioning(examination: Examination, point: Point, expected: Array, name: str, noise: float = 6e-8) -> float:
    """Return 100 times the relative effect of rounding input and parameters, by default to float32."""
    changes = [0.0]
    for _ in range(3):
        there = _changed(point, partial(_noisy, examination.rng, noise))
        found = examination.subject.at(there).results_and_states(there)[name]
        changes.append(float(np.abs(found - expected).max(initial=0)))
    return 100 * max(changes) / (float(np.abs(expected).max(initial=0)) or 1.0)


def _integers(examination: Examination) -> Iterator[Finding]:
    """Compare integer inputs with the same numbers in floating point."""
    point, real = examination.point, examination.subject.domain == "real"
    here = point.with_(training=point.training and not examination.probe.draws[point.training])
    points = [here.with_(x=point.x.round() + (point.x > 0 if real else 1))]
    with suppress(LayerFailure):  # the number of rows is tested by `batch`
        many = rows_of(examination.subject, examination.rng, here, MANY)
        # Small ones: y is an integer for many integers, as for those that pass a hard threshold.
        points.append(many.with_(x=examination.rng.integers(-3 if real else 1, 4, many.x.shape) + 0.0))
    points.append(here.with_(x=examination.rng.choice(ENDS[0 if real else 2 :], point.x.shape)))
    why = "integers are truncated or overflow: an array made like the input takes its dtype"
    for point in points:
        yield from _converted(examination, point, np.int64, "{} for int64 inputs differs from that for float64", why)


def _other_ids(examination: Examination) -> Iterator[Finding]:
    """Ids may also arrive as smaller integers, or as floating-point numbers if a model has converted its data."""
    for kind in (np.int32, np.uint8, np.float32):
        message = f"{{}} for ids in {np.dtype(kind)} differs from that for the same ids in int64"
        why = "convert the ids first, or refuse them"
        yield from _converted(examination, examination.point, kind, message, why)


def _converted(examination: Examination, point: Point, kind: Any, message: str, why: str) -> Iterator[Finding]:
    try:
        expected = examination.results(point)
        found = examination.subject.at(point).call(point.x.astype(kind), point.dy.copy(), point.training)
    except LayerFailure:
        examination.certificate.cover("inputs", f"{np.dtype(kind)} refused")
        return
    expected.pop("dx", None)  # useless for integers, which are the data
    if finite(expected):
        yield from examination.unequal(expected, found, message, why, tolerance=1e-9)


@register_check("extreme", level="standard")
def extreme(examination: Examination) -> Iterator[Finding]:
    """At inputs of magnitude 30, 800, 1e4 and denormal, results are finite and agree with longdouble."""
    domain, rng, shape = examination.subject.domain, examination.rng, examination.point.x.shape
    if domain not in ("real", "positive"):
        raise Skipped("inputs are confined to a domain")
    largest = float(np.finfo(np.float32 if examination.rounding > 1e-15 else float).max)
    sizes = [size for size in SIZES[domain] if size * largest > 1e-3]  # others vanish in float32
    for size, spread in itertools.product(sizes, (True, False)):
        x = size * (rng.uniform(0.5, 1.0, shape) if spread else 1 + 0.01 * normal(rng, shape))
        x = x if domain == "positive" else x * rng.choice([-1.0, 1.0], shape)
        for point in examination.batches():
            yield from _far_out(examination, point.with_(x=x), size, largest)


def _far_out(examination: Examination, point: Point, size: float, largest: float) -> Iterator[Finding]:
    true, verdict = _in_longdouble(examination, point), examination.certificate.verdicts.get("numeric")
    true = true if true and true["y"].dtype == LONG else {}
    results = examination.results(point)
    for name, value in results.items():
        if value.dtype.kind != "f" or name not in examination.reference:
            continue  # found by `contract`
        within = np.full(value.shape, True)
        within &= np.abs(true[name]) < HUGE * largest if true else not _overflows(examination, point, largest)
        if (~np.isfinite(value) & within).any():
            why = f"not finite at {size:g}: an intermediate value overflows, or 0/0 or 0*inf appears"
            yield examination.finding(f"{name} is not finite for inputs of size {size:g}", name, why)
        if not true or not within.all() or (verdict is not None and verdict.outcome != PASS):
            continue
        if name != "y" and not close(results["y"], true["y"], 1e-6):
            continue  # forward underflows, and the gradient follows it
        # Values far below the usual magnitude may underflow or cancel; products of two inputs grow quadratically.
        least = 1e-6 * max(1.0, size) ** 2 * examination.usual_size(name)
        if close(value, true[name], 1e-6, least):
            continue
        if not close(value, true[name], max(1e-6, _conditioning(examination, point, value, name, 1e-15)), least):
            why = "cancellation or underflow: float64 and longdouble disagree in the sixth digit"
            yield examination.finding(f"{name} loses its digits for inputs of size {size:g}", name, why)


def _in_longdouble(examination: Examination, point: Point) -> Arrays:
    """Return output and gradients computed in longdouble, or as far as the layer preserves that dtype."""
    with suppress(LayerFailure):
        probe = examination.subject.at(point, LONG)
        found = probe.call(point.x.astype(LONG), point.dy.astype(LONG), point.training)
        return found if examination.rounding < 1e-15 else {}
    return {}


def _overflows(examination: Examination, point: Point, largest: float) -> bool:
    half = examination.results(point.with_(x=point.x / 2))
    return any(not np.abs(value).max(initial=0) <= BIG * largest**0.5 for value in half.values())
