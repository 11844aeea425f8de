"""layout: the same numbers however an array lies in memory."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.agreement import named
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import Refused
from minidl.testing.probe import Gradients, LayerFailure, Point
from minidl.testing.registry import register_check
from minidl.typing import Array

IN_MEMORY = 'right only for C-contiguous memory: look for ravel("K"), reshape or a view of another shape'


def layouts(array: Array) -> Iterator[tuple[str, Array]]:
    """Yield copies of ``array``, equal in value, that lie differently in memory."""
    yield "C order", np.ascontiguousarray(array)
    yield "Fortran order", np.asfortranarray(array)
    twice = np.repeat(array, 2, axis=-1)
    twice[..., 1::2] = 7
    yield "every second column of a larger array", twice[..., ::2]
    twice = np.repeat(array, 2, axis=0)
    twice[1::2] = 7
    yield "every second row of a larger array", twice[::2]
    yield "negative strides", np.ascontiguousarray(array[::-1])[::-1]
    yield "negative strides in the columns", np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    yield "an offset", np.append(array.ravel()[:1], array.ravel())[1:].reshape(array.shape)
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
    yield from _everywhere(examination, examination.point)
    if examination.at_least("standard"):
        yield from _everywhere(examination, examination.point.with_(training=False))
        try:  # for layers that act on the last axis, rows of more axes have their own order
            point = examination.draw(input_shape=(5, *examination.point.input_shape))
            examination.run(point)
        except (Refused, LayerFailure):
            return
        yield from _everywhere(examination, point)


def _everywhere(examination: Examination, point: Point) -> Iterator[Finding]:
    expected = named(*examination.run(point))
    if not np.isfinite(expected["y"]).all():
        return
    for (told, x), (_, dy) in zip(layouts(point.x), layouts(point.dy), strict=True):
        ways = ((f"x and dy is {told}", x, dy), (f"x is {told}", x, point.dy), (f"dy is {told}", point.x, dy))
        for which, given, upstream in ways[: 1 if examination.level == "quick" else 3]:
            yield from _laid(examination, point, given, upstream, which, expected)
    row, column, one = point.dy[:1], point.dy[..., :1], point.dy.ravel()[0]
    for told, part in (("equal rows", row), ("equal columns", column), ("one number", one)):
        dy = np.broadcast_to(part, point.dy.shape)
        expected = named(*examination.run(point.with_(dy=np.array(dy))))
        yield from _laid(examination, point, point.x, dy, f"dy is broadcast from {told} (stride 0)", expected)
    x = np.broadcast_to(point.x[:1], point.x.shape)
    expected = named(*examination.run(point.with_(x=np.array(x))))
    if np.isfinite(expected["y"]).all():
        yield from _laid(examination, point, x, point.dy, "x is broadcast (stride 0)", expected)


def _laid(
    examination: Examination, point: Point, x: Array, dy: Array, told: str, expected: Gradients
) -> Iterator[Finding]:
    """Compare a call with the same call in C order."""
    examination.certificate.cover("layouts", told)
    fresh = examination.subject.at(point)
    found = named(fresh.forward(x, point.training), fresh.backward(dy))
    yield from examination.unequal(expected, found, "{} is wrong when " + told, IN_MEMORY, tolerance=1e-11)
