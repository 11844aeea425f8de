"""layout: the same numbers however an array lies in memory."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.checks.calls import KEPT
from minidl.testing.checks.equality import close, named
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.probe import Gradients, Point
from minidl.testing.registry import register_check
from minidl.typing import Array


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


IN_MEMORY = 'right only for C-contiguous memory: look for ravel("K"), reshape or a view of another shape'


@register_check("layout", after=("numeric", "state"))
def layout(examination: Examination) -> Iterator[Finding]:
    """Input and upstream gradient in C and Fortran order, strided, reversed, broadcast, with an offset, read-only."""
    yield from _everywhere(examination, examination.point)
    if examination.at_least("standard"):
        yield from _everywhere(examination, examination.point.with_(training=False))


def _everywhere(examination: Examination, point: Point) -> Iterator[Finding]:
    reference = examination.run(point)
    for (told, x), (_, dy) in zip(layouts(point.x), layouts(point.dy), strict=True):
        ways = (("x and dy", x, dy), ("x", x, point.dy.copy()), ("dy", point.x.copy(), dy))
        for which, given, upstream in ways[: 1 if examination.level == "quick" else 3]:
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
    examination: Examination, point: Point, x: Array, dy: Array, reference: tuple[Array, Gradients], told: str
) -> Iterator[Finding]:
    probe = examination.probe
    examination.certificate.cover("layouts", told)
    y = probe.forward(x, point.training)
    found, usual = named(y, probe.backward(dy)), named(*examination.reference)
    for name, value in named(*reference).items():
        # What cancels, as equal upstream gradients do in softmax, is rounding beside the usual values.
        least = float(np.abs(usual[name]).max(initial=0)) if name in usual else 0.0
        if not close(found.get(name), value, 1e-11, least):
            fresh = examination.subject.at(point)
            again = named(fresh.forward(x, point.training), fresh.backward(dy))
            why = KEPT if close(again.get(name), value, 1e-11, least) else IN_MEMORY
            yield examination.finding(f"{name} is wrong when {told}", name, why)
