"""layout: results do not depend on the memory layout of arrays."""

import itertools
from collections.abc import Iterator

import numpy as np

from minidl.testing.agreement import finite
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.probe import Point
from minidl.testing.registry import register_check
from minidl.typing import Array

IN_MEMORY = 'right only for C-contiguous memory: look for ravel("K"), reshape or a view of another shape'


def layouts(array: Array) -> Iterator[tuple[str, Array]]:
    """Yield copies of ``array`` with equal values but different memory layouts."""
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
    unaligned = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    unaligned[...] = array
    yield "unaligned", unaligned


@register_check("layout", after=("numeric", "state"))
def layout(examination: Examination) -> Iterator[Finding]:
    """Try inputs and upstream gradients in C and Fortran order, strided, reversed, broadcast, offset and read-only."""
    if examination.level == "quick":
        yield from _everywhere(examination, examination.point)
        return
    for point in examination.batches():
        yield from _everywhere(examination, point)
    # For layers that act on the last axis, rows with more axes have a memory order of their own.
    for point in examination.drawn(input_shape=(5, *examination.point.input_shape)):
        yield from _everywhere(examination, point)


def _everywhere(examination: Examination, point: Point) -> Iterator[Finding]:
    """Compare calls on arrays of other layouts, or broadcast ones, with the same call in C order."""
    tries = []
    for (told, x), (_, dy) in zip(layouts(point.x), layouts(point.dy), strict=True):
        ways = [(f"x and dy is {told}", x, dy), (f"x is {told}", x, point.dy), (f"dy is {told}", point.x, dy)]
        tries += ways[: 1 if examination.level == "quick" else 3]
    in_order = [examination.results(point)] * len(tries)
    for part in (point.dy[:1], point.dy[..., :1], point.dy.ravel()[0]):
        tries.append(("dy is broadcast (stride 0)", point.x, np.broadcast_to(part, point.dy.shape)))
    tries.append(("x is broadcast (stride 0)", np.broadcast_to(point.x[:1], point.x.shape), point.dy))
    others = (examination.results(point.with_(x=np.array(x), dy=np.array(dy))) for _, x, dy in tries[len(in_order) :])
    for (told, x, dy), expected in zip(tries, itertools.chain(in_order, others), strict=True):
        examination.certificate.cover("layouts", told)
        if finite({"y": expected["y"]}):
            found = examination.subject.at(point).call(x, dy, point.training)
            yield from examination.unequal(expected, found, f"{{}} is wrong when {told}", IN_MEMORY, tolerance=1e-11)
