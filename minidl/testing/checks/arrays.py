"""layout, dtype, extreme: the same numbers however an array lies in memory, in every precision, and far out."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.derivative import LONG
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, Skipped, source_of
from minidl.testing.points import is_integer
from minidl.testing.subject import Arrays, LayerFailure, Point
from minidl.typing import Array

BIG = 1e150  # beyond this at half the input, the output may rightly overflow


def layouts(array: Array) -> Iterator[tuple[str, Array]]:
    """Yield copies of ``array``, equal in value, that lie differently in memory."""
    yield "C order", np.ascontiguousarray(array)
    yield "Fortran order", np.asfortranarray(array)
    strided = np.full((*array.shape[:-1], 2 * array.shape[-1]), 7).astype(array.dtype)
    strided[..., ::2] = array
    yield "every second column of a larger array", strided[..., ::2]
    rows = np.full((2 * len(array), *array.shape[1:]), 7).astype(array.dtype)
    rows[::2] = array
    yield "every second row of a larger array", rows[::2]
    yield "negative strides", np.ascontiguousarray(array[::-1])[::-1]
    yield "negative strides in the columns", np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    offset = np.zeros(array.size + 1, array.dtype)
    offset[1:] = array.ravel()
    yield "an offset", offset[1:].reshape(array.shape)
    axes = tuple(reversed(range(array.ndim)))
    yield "a transposed array", np.ascontiguousarray(array.transpose(axes)).transpose(axes)
    fixed = array.copy()
    fixed.flags.writeable = False
    yield "read-only", fixed
    unaligned = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    unaligned[...] = array
    yield "unaligned", unaligned


@register_check("layout", after=("numeric", "state"))
def layout(examination: Examination) -> Iterator[Finding]:
    """Input and upstream gradient in C and Fortran order, strided, reversed, broadcast, with an offset, read-only."""
    point = examination.point
    reference = examination.run(point)
    for (told, x), (_, dy) in zip(layouts(point.x), layouts(point.dy), strict=True):
        for which, given, upstream in (("x", x, point.dy.copy()), ("dy", point.x.copy(), dy), ("x and dy", x, dy)):
            yield from _laid(examination, point, given, upstream, reference, f"{which} is {told}")
    row = np.broadcast_to(point.dy[:1], point.dy.shape)
    column = np.broadcast_to(point.dy[..., :1], point.dy.shape)
    single = np.broadcast_to(point.dy.ravel()[0], point.dy.shape)
    for told, dy in (("equal rows", row), ("equal columns", column), ("one number", single)):
        expected = examination.run(point.with_(dy=np.array(dy)))
        yield from _laid(examination, point, point.x.copy(), dy, expected, f"dy is broadcast from {told} (stride 0)")
    same = point.with_(x=np.array(np.broadcast_to(point.x[:1], point.x.shape)))
    if np.isfinite(examination.run(same)[0]).all():
        x = np.broadcast_to(point.x[:1], point.x.shape)
        yield from _laid(examination, same, x, point.dy.copy(), examination.run(same), "x is broadcast (stride 0)")


def _laid(
    examination: Examination, point: Point, x: Array, dy: Array, reference: tuple[Array, Arrays], told: str
) -> Iterator[Finding]:
    probe = examination.probe
    examination.certificate.cover("layouts", told)
    y = probe.forward(x, point.training)
    found, expected = {"y": y, **probe.backward(dy)}, {"y": reference[0], **reference[1]}
    for name in expected:
        if found[name] is None and expected[name] is None:
            continue
        if not close(found[name], expected[name], 1e-11):
            where, source = source_of(examination.subject.example, name)
            yield Finding(
                "layout",
                f"{name} is wrong when {told}",
                name,
                where=where,
                source=source,
                why='right only for C-contiguous memory: look for ravel("K"), reshape or a view of another shape',
            )


def close(found: Array, expected: Array, tolerance: float, least: float = 0.0) -> bool:
    """Return whether two arrays agree to ``tolerance`` of the largest entry, or of ``least``."""
    if np.shape(found) != np.shape(expected):
        return False
    size = np.abs(expected).max(initial=least, where=np.isfinite(expected))
    with np.errstate(invalid="ignore"):
        equal = (np.abs(np.asarray(found, LONG) - expected) <= tolerance * size) | (np.asarray(found, LONG) == expected)
    return bool((equal | (np.isnan(found) & np.isnan(expected))).all())


@register_check("dtype")
def dtype(examination: Examination) -> Iterator[Finding]:
    """float32 stays float32 and float64 float64, with equal results; integers are promoted, not truncated."""
    point = examination.point
    for training in (True, False):
        here = point.with_(training=training)
        y, gradients = examination.run(here)
        yield from _types(examination, {"y": y, "dx": gradients["dx"]}, np.float64)
        yield from _single(examination, here, {"y": y, **gradients})
    if not is_integer(examination.subject.domain) and not examination.subject.whole_batch:
        yield from _integers(examination, point)


def _types(examination: Examination, arrays: dict[str, Any], expected: Any) -> Iterator[Finding]:
    if examination.subject.whole_batch:
        arrays.pop("y", None)
    for name, value in arrays.items():
        if value is not None and value.dtype != expected:
            where, source = source_of(examination.subject.example, name if name != "y" else "dx")
            yield Finding(
                "dtype",
                f"a {np.dtype(expected)} layer returns {name} in {value.dtype}",
                name,
                where=where,
                source=source,
                why="NumPy scalars such as np.sqrt(2.0) and new arrays are float64 unless told otherwise",
            )


def _single(examination: Examination, point: Point, reference: dict[str, Any]) -> Iterator[Finding]:
    """Compare a float32 clone with its float64 clone."""
    subject = examination.subject
    rounded = point.with_(
        x=_round(point.x),
        dy=_round(point.dy),
        parameters={name: _round(value) for name, value in point.parameters.items()},
        states={name: _round(value) for name, value in point.states.items()},
    )
    probe = subject.at(rounded, np.float32)
    x = rounded.x if is_integer(subject.domain) else rounded.x.astype(np.float32)
    y = probe.forward(x, point.training)
    found = {"y": y, **probe.backward(rounded.dy.astype(np.float32))}
    yield from _types(examination, {"y": found["y"], "dx": found["dx"]}, np.float32)
    y, gradients = examination.run(rounded)
    for name, value in {"y": y, **gradients}.items():
        least = 0.0 if name == "y" else 1e-6 * float(np.abs(rounded.dy).max(initial=0))  # float32 underflows early
        if value is not None and not close(found[name], value, _allowance(examination, rounded, name), least):
            where, source = source_of(subject.example, name if name != "y" else "dx")
            yield Finding(
                "dtype",
                f"{name} of a float32 layer differs from that of its float64 clone",
                name,
                where=where,
                source=source,
                why="a step loses far more digits than float32 has",
            )


def _round(value: Array) -> Array:
    return value if value.dtype.kind in "iub" else value.astype(np.float32).astype(float)


def _allowance(examination: Examination, point: Point, name: str) -> float:
    """Return 1e-4, or more where the layer is ill-conditioned: 30 times what a float32 rounding of x does."""
    if point.x.dtype.kind in "iub":
        return 1e-4
    y, gradients = examination.run(point)
    moved = point.with_(x=point.x * (1 + 6e-8 * examination.rng.standard_normal(point.x.shape)))
    y2, gradients2 = examination.run(moved)
    first, second = ({"y": a, **b}[name] for a, b in ((y, gradients), (y2, gradients2)))
    size = float(np.abs(first).max(initial=0)) or 1.0
    return max(1e-4, 30 * float(np.abs(second - first).max(initial=0)) / size)


def _integers(examination: Examination, point: Point) -> Iterator[Finding]:
    whole = np.abs(point.x).round() + 1 if examination.subject.domain != "real" else point.x.round() + (point.x > 0)
    if examination.subject.domain not in ("real", "positive"):
        return
    here = point.with_(x=whole, training=point.training and not examination.probe.draws[point.training])
    try:
        probe = examination.subject.at(here)
        y = probe.forward(whole.astype(np.int64), here.training)
        found = {"y": y, **probe.backward(point.dy.copy())}
    except LayerFailure:
        examination.certificate.cover("inputs", "int64 refused")
        return
    y, gradients = examination.run(here)
    for name, value in {"y": y, **gradients}.items():
        if value is None or found[name] is None:
            continue
        if np.isfinite(value).all() and not close(found[name], value, 1e-9) and np.shape(found[name]) == value.shape:
            where, source = source_of(examination.subject.example, name)
            yield Finding(
                "dtype",
                f"{name} for int64 inputs differs from that for the same float64 inputs",
                name,
                where=where,
                source=source,
                why="integers are truncated: an array made like the input takes its dtype",
            )


@register_check("extreme", level="standard")
def extreme(examination: Examination) -> Iterator[Finding]:
    """Inputs of +-30, +-800, 1e4 and denormal size: finite and right wherever the true values are finite."""
    if examination.subject.domain not in ("real", "positive"):
        raise Skipped("inputs are confined to a domain")
    numeric = examination.certificate.verdicts.get("numeric")
    sizes = (30.0, 800.0, 1e4, 1e-310) if examination.subject.domain == "real" else (30.0, 800.0, 1e4)
    for size in sizes:
        for spread in (True, False):
            x = _far(examination, size, spread)
            for training in (True, False):
                point = examination.point.with_(x=x, training=training)
                yield from _far_out(examination, point, size, right=numeric is None or numeric.outcome == "PASS")


def _far(examination: Examination, size: float, spread: bool) -> Array:
    shape, rng = examination.point.x.shape, examination.rng
    x = size * (rng.uniform(0.5, 1.0, shape) if spread else 1 + 0.01 * rng.standard_normal(shape))
    return x if examination.subject.domain == "positive" else x * rng.choice([-1.0, 1.0], shape)


def _far_out(examination: Examination, point: Point, size: float, right: bool) -> Iterator[Finding]:
    subject = examination.subject
    y, gradients = examination.run(point)
    long = subject.at(point, LONG)
    try:
        true = {"y": np.asarray(long.forward(point.x.astype(LONG), point.training))}
        true.update(long.backward(point.dy.astype(LONG)))
    except LayerFailure:
        true = {}
    exact = bool(true) and true["y"].dtype == LONG
    for name, value in {"y": y, **gradients}.items():
        if not isinstance(value, np.ndarray):
            continue  # an objection of `contract`
        finite = np.isfinite(value)
        if exact:
            # A true value that float64 cannot hold is no fault; one that longdouble cannot compute either is.
            expected = ~(np.isfinite(true[name]) & (np.abs(true[name]) > 1e300))
        else:
            expected = np.full(np.shape(value), not _overflows(examination, point))
        if (~finite & expected).any():
            where, source = source_of(subject.example, name if name != "y" else "dx")
            yield Finding(
                "extreme",
                f"{name} is not finite for inputs of size {size:g}",
                name,
                where=where,
                source=source,
                why=f"not finite at {size:g}: an intermediate value overflows, or 0/0 or 0*inf appears",
            )
        usual = {"y": examination.reference[0], **examination.reference[1]}[name]
        least = 1e-6 * float(np.abs(usual).max(initial=0))  # what underflows beside usual values may do so
        held = exact and bool((np.abs(true[name]) < 1e300).all())
        if held and right and not close(value, true[name], 1e-6, least):
            if _ill_conditioned(examination, point, name):
                continue
            where, source = source_of(subject.example, name if name != "y" else "dx")
            yield Finding(
                "extreme",
                f"{name} loses its digits for inputs of size {size:g}",
                name,
                where=where,
                source=source,
                why="cancellation or underflow: float64 and longdouble disagree in the sixth digit",
            )


def _overflows(examination: Examination, point: Point) -> bool:
    half = examination.run(point.with_(x=point.x / 2))
    return any(np.abs(value).max(initial=0) > BIG for value in (half[0], *half[1].values()))


def _ill_conditioned(examination: Examination, point: Point, name: str) -> bool:
    """Return whether a rounding of the input alone moves the result as much."""
    y, gradients = examination.run(point)
    moved = point.with_(x=point.x * (1 + 1e-15 * examination.rng.standard_normal(point.x.shape)))
    y2, gradients2 = examination.run(moved)
    return not close({"y": y2, **gradients2}[name], {"y": y, **gradients}[name], 1e-8)
