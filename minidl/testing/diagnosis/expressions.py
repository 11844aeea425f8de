"""Expressions: what one may write with dy, x, y, the parameters and what the layer keeps, in a gradient's shape."""

from collections.abc import Iterable, Iterator
from itertools import combinations

import numpy as np

from minidl.testing.diagnosis.evidence import Named
from minidl.testing.diagnosis.quantities import arrays_of_shape, elementwise, fits_beside, functions_of
from minidl.testing.diagnosis.sample import Sample
from minidl.typing import Array, Shape

MOST = 6  # arrays of which pairs are tried
FORMS = ("{}", "(1-{})", "{}*(1-{})", "(1-{}**2)", "({} > 0)")
LARGE = 2000  # entries; of larger gradients only the simple expressions are tried


def expressions(s: Sample) -> Iterator[Named]:
    """Yield expressions in the shape of the gradient, the simple ones first."""
    yield from in_shape(s, "dy", s.dy)
    if s.dy.shape == s.analytic.shape:
        yield "(dy > 0)*dy", np.maximum(s.dy, 0)
        yield "(dy < 0)*dy", np.minimum(s.dy, 0)
        for axis in range(s.dy.ndim):
            if s.dy.shape[axis] > 1:
                yield f"dy summed cumulatively along axis {axis}", np.cumsum(s.dy, axis)
                back = np.flip(np.cumsum(np.flip(s.dy, axis), axis), axis)
                yield f"dy summed cumulatively from the end of axis {axis}", back
    if s.dy.size > LARGE or s.analytic.size > LARGE:
        return
    if s.analytic.size > 1:
        factors, two = list(elementwise(s)), list(pairs(s, s.analytic.shape))
        for told, d in (*in_shape(s, "dy", s.dy), *sums_along_axes(s)):
            yield from products(told, d, factors)
            yield from ((f"{told}*{name}", d * q) for name, q in two)
    if s.dy.size > 1:
        two_of_dy = ((f"dy*{name}", s.dy * q) for name, q in pairs(s, s.dy.shape))
        for told, d in (*products("dy", s.dy, elementwise(s, s.dy.shape)), *two_of_dy):
            yield from summed(told, d, s.analytic.shape)
            yield from through_matrices(s, f"({told})", d)


def products(told: str, d: Array, factors: Iterable[Named]) -> Iterator[Named]:
    """Yield an array times, and divided by, each of the factors."""
    for name, q in factors:
        yield f"{told}*{name}", d * q
        yield f"{told}/{name}", d / q


def pairs(s: Sample, shape: Shape) -> Iterator[Named]:
    """Yield products of two arrays of a shape, and of their usual derivatives."""
    known = list(arrays_of_shape(s, shape))[:MOST]
    forms = [form for name, q in known for form in functions_of(name, q, FORMS)]
    for (one, p), (other, q) in combinations(forms, 2):
        yield f"{one}*{other}", p * q


def sums_along_axes(s: Sample) -> Iterator[Named]:
    """Yield what is multiplied last in a term through a sum: sums of dy, or of dy times an array, along an axis."""
    if s.dy.ndim > 1 and s.dy.shape == s.analytic.shape:
        for name, q in (("", np.ones(s.dy.shape)), *((f"*{name}", q) for name, q in arrays_of_shape(s, s.dy.shape))):
            for axis in range(s.dy.ndim):
                yield f"sum(dy{name}, axis={axis})", (s.dy * q).sum(axis=axis, keepdims=True)


def in_shape(s: Sample, told: str, d: Array) -> Iterator[Named]:
    """Yield the ways in which ``d``, one value an output, gets the shape of the gradient."""
    shape = s.analytic.shape
    if d.shape == shape or d.size == 1:
        yield told, np.broadcast_to(d, shape)
    for axis in range(1, d.ndim + 1 if d.ndim < len(shape) else 1):
        put_in = np.expand_dims(d, axis)
        if fits_beside(put_in.shape, shape):
            yield f"{told}[{', '.join([':'] * axis)}, None]", np.broadcast_to(put_in, shape)
    yield from summed(told, d, shape)
    yield from through_matrices(s, told, d)


def summed(told: str, d: Array, shape: Shape) -> Iterator[Named]:
    """Yield the sums of ``d`` over one or more axes that have the shape of a parameter's gradient."""
    for count in range(1, d.ndim + 1 if len(shape) < d.ndim else 1):
        for axes in combinations(range(d.ndim), count):
            if tuple(length for k, length in enumerate(d.shape) if k not in axes) == shape:
                yield f"sum({told}, axis={axes[0] if count == 1 else axes})", np.asarray(d.sum(axis=axes))


def through_matrices(s: Sample, told: str, d: Array) -> Iterator[Named]:
    """Yield products of ``d`` with parameters and inputs: ``dy @ W.T``, ``x.T @ dy``."""
    shape = s.analytic.shape
    for name, p in s.parameters.items():
        if p.ndim != 2 or not d.ndim or d.shape[:-1] != shape[:-1] or d.ndim < 2:
            continue
        if (d.shape[-1], shape[-1]) == p.shape[::-1]:
            yield f"{told} @ {name}.T", d @ p.T
        if (d.shape[-1], shape[-1]) == p.shape:
            yield f"{told} @ {name}", d @ p
    for name, v in (("x", s.x), *s.attributes.items(), ("y", s.y)):
        if v.ndim < 2 or d.ndim != v.ndim or v.shape[:-1] != d.shape[:-1] or v.dtype.kind != "f":
            continue
        flat, flat_d = v.reshape(-1, v.shape[-1]), d.reshape(-1, d.shape[-1])
        if shape == (v.shape[-1], d.shape[-1]):
            yield f"{name}.T @ {told}", flat.T @ flat_d
        elif shape == (d.shape[-1], v.shape[-1]):
            yield f"{told}.T @ {name}", flat_d.T @ flat
