"""Expressions: what one may write with dy, x, y, the parameters and what the layer keeps, in a gradient's shape."""

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from minidl.testing.diagnosis.evidence import Named
from minidl.testing.diagnosis.quantities import beside, elementwise, fits_beside, functions_of
from minidl.testing.diagnosis.sample import Sample
from minidl.typing import Array

LARGE = 2000  # entries; of larger gradients only the simple expressions are tried
MOST = 7  # quantities whose products are tried
FORMS = ("{}", "(1-{})", "{}*(1-{})", "(1-{}**2)", "({} > 0)")


def expressions(s: Sample) -> Iterator[Named]:
    """Yield expressions in the shape of the gradient, the simple ones first."""
    yield from carried(s)
    for told, d in upstream(s):
        if s.dy.size == s.analytic.size == 1 or s.analytic.size > LARGE:
            continue
        for name, q in elementwise(s):
            yield f"{told}*{name}", d * q
        for name, q in elementwise(s):
            with np.errstate(all="ignore"):
                yield f"{told}/{name}", d / q
    if s.dy.size > 1 and s.dy.size <= LARGE:
        for name, q in elementwise(s, s.dy.shape):
            yield from placed(s, f"(dy*{name})", s.dy * q, same_shape=False)
            with np.errstate(all="ignore"):
                yield from placed(s, f"(dy/{name})", s.dy / q, same_shape=False)
    yield from products(s)


def carried(s: Sample) -> Iterator[Named]:
    """Yield dy as it is, summed, spread, turned, or carried through a matrix; no other factor."""
    yield from placed(s, "dy", s.dy)
    if s.dy.shape == s.analytic.shape:
        yield "(dy > 0)*dy", np.maximum(s.dy, 0)
        yield "(dy < 0)*dy", np.minimum(s.dy, 0)
        for axis in range(s.dy.ndim):
            if s.dy.shape[axis] > 1:
                yield f"dy reversed along axis {axis}", np.flip(s.dy, axis)
                for by in (1, -1):
                    yield f"dy shifted by {by} along axis {axis}", shifted(s.dy, by, axis)
                yield f"dy summed cumulatively along axis {axis}", np.cumsum(s.dy, axis)
                back = np.flip(np.cumsum(np.flip(s.dy, axis), axis), axis)
                yield f"dy summed cumulatively from the end of axis {axis}", back


def shifted(v: Array, by: int, axis: int) -> Array:
    """Return v moved along an axis, zeros coming in."""
    moved = np.moveaxis(np.roll(v, by, axis), axis, 0).copy()
    moved[slice(0, by) if by > 0 else slice(by, None)] = 0
    return np.moveaxis(moved, 0, axis)


def upstream(s: Sample) -> Iterator[Named]:
    """Yield what a factor is multiplied with last: dy, its sums along an axis, dy carried through a matrix."""
    yield from placed(s, "dy", s.dy)
    if s.dy.ndim > 1 and s.dy.shape == s.analytic.shape:
        for name, q in (("", np.ones(s.dy.shape)), *((f"*{name}", q) for name, q in beside(s, s.dy.shape))):
            for axis in range(s.dy.ndim):
                yield f"sum(dy{name}, axis={axis})", (s.dy * q).sum(axis=axis, keepdims=True)
    elif s.analytic.ndim == 2 and s.x.shape[-1:] == s.analytic.shape[:1] and len(s.dy) == len(s.x) == s.dy.size:
        for name, q in (("x", s.x), ("x**2", s.x**2), ("x*(1-x)", s.x * (1 - s.x))):
            yield f"sum(dy*{name}, axis=0)[:, None]", (s.dy.reshape(-1, 1) * q).sum(axis=0)[:, None]


def placed(s: Sample, told: str, d: Array, *, same_shape: bool = True) -> Iterator[Named]:
    """Yield the ways in which ``d``, one value an output, gets the shape of the gradient."""
    shape = s.analytic.shape
    if d.shape == shape or d.size == 1:
        if same_shape:
            yield told, np.broadcast_to(d, shape)
    elif d.ndim < len(shape):
        for axis in range(1, d.ndim + 1):
            put_in = np.expand_dims(d, axis)
            if same_shape and fits_beside(put_in.shape, shape):
                yield f"{told}[{', '.join([':'] * axis)}, None]", np.broadcast_to(put_in, shape)
    yield from summed(told, d, shape)
    yield from through_matrices(s, told, d)
    if same_shape:
        for name, v in s.held.items():
            if v.ndim == d.ndim == 3 and v.shape[:2] == d.shape[:2]:
                yield from through_matrices(s, f"{name}.T @ {told}", v.swapaxes(1, 2) @ d)


def summed(told: str, d: Array, shape: tuple[int, ...]) -> Iterator[Named]:
    """Yield the sums of ``d`` over one or more axes that have the shape of a parameter's gradient."""
    for count in range(1, d.ndim + 1 if len(shape) < d.ndim else 1):
        for axes in combinations(range(d.ndim), count):
            if tuple(length for k, length in enumerate(d.shape) if k not in axes) == shape:
                bare = told[1:-1] if told[0] == "(" else told
                yield f"sum({bare}, axis={axes[0] if count == 1 else axes})", np.asarray(d.sum(axis=axes))


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
    for name, v in (("x", s.x), *s.held.items(), ("y", s.y)):
        if v.ndim < 2 or d.ndim != v.ndim or v.shape[:-1] != d.shape[:-1] or v.dtype.kind != "f":
            continue
        flat, flat_d = v.reshape(-1, v.shape[-1]), d.reshape(-1, d.shape[-1])
        if shape == (v.shape[-1], d.shape[-1]):
            yield f"{name}.T @ {told}", flat.T @ flat_d
        elif shape == (d.shape[-1], v.shape[-1]):
            yield f"{told}.T @ {name}", flat_d.T @ flat


def products(s: Sample) -> Iterator[Named]:
    """Yield dy times two different quantities that are known, entry by entry."""
    if s.dy.size < 2 or s.dy.size > LARGE:
        return
    for told, d in placed(s, "dy", s.dy):
        if d.shape == s.analytic.shape:
            for name, q in pairs(s, s.analytic.shape):
                yield f"{told}*{name}", d * q
    for name, q in pairs(s, s.dy.shape):
        yield from placed(s, f"(dy*{name})", s.dy * q, same_shape=False)


def pairs(s: Sample, shape: tuple[int, ...]) -> Iterator[Named]:
    """Yield products of what can be set beside an array, and of its usual derivatives."""
    known = list(beside(s, shape))[:MOST]
    forms = [(name, v) for n, q in known for name, v in functions_of(n, q, FORMS)]
    for (one, p), (other, q) in combinations(forms, 2):
        yield f"{one}*{other}", p * q
    for (one, p), (other, q) in permutations(known, 2):
        with np.errstate(all="ignore"):
            yield f"{one}/{other}", p / q
