"""Formulas: expressions that equal the wrong gradient, the correct one, or their difference.

The expressions combine dy, x, y, the parameters and the layer's cached values.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Named
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import Sample, least_squares, number
from minidl.testing.diagnosis.what.quantities import FORMS, arrays_of_shape, elementwise, fits_beside, functions_of
from minidl.typing import Array, Shape

WHICH = ("analytic", "numeric", "residual")
NEARLY_ONE = 0.99999  # squared cosine above which an expression is examined closely
MOST = 6  # number of arrays that are combined in pairs
LARGE = 2000  # entries; for larger gradients only the simple expressions are tried


class Formula(NamedTuple):
    """``factor * name``, the same on every sample; ``rank`` is the position of the name in the list of expressions."""

    factor: float
    name: str
    rank: int

    def __str__(self) -> str:
        size, sign = abs(self.factor), "-" if self.factor < 0 else ""
        return f"{sign}{self.name}" if size == 1 else f"{sign}{number(size)}*{self.name}"

    def __neg__(self) -> "Formula":
        return self._replace(factor=-self.factor)


def formulas(e: Evidence) -> list[Formula | None]:
    """Return the simplest formula for each of the analytic gradient, the numeric gradient and their difference."""
    found: list[Formula | None] = [None, None, None]
    s = e.first
    if s.analytic.size < 2 and len(e.visible) < 3:
        return found
    values = np.array([getattr(s, which).ravel() for which in WHICH])
    squares = (values * values).sum(axis=1)
    for rank, (name, term) in enumerate(expressions(s)):
        t = term.ravel()
        square = float(t @ t)
        if term.shape != s.analytic.shape or not 0 < square < np.inf:
            continue
        for k in np.flatnonzero((values @ t) ** 2 > NEARLY_ONE * squares * square):
            if found[k] is None and squares[k] > 0:
                found[k] = formula(e, name, WHICH[k], rank)
        if None not in found[:2]:
            break
    return found


def formula(e: Evidence, name: str, which: str, rank: int) -> Formula | None:
    """Return the formula for a name if its factor is constant over the samples, up to a power of the batch size."""
    terms = [e.quantity(expressions, s, name) for s in e.visible]
    pairs = [(s, t, getattr(s, which)) for s, t in zip(e.visible, terms, strict=True) if t is not None]
    if len(pairs) < len(terms) or not all(is_proportional(s, t, v, which) for s, t, v in pairs):
        return None
    found, rows = np.array([least_squares(t, v) for _, t, v in pairs]), np.array([len(s.x) for s in e.visible])
    for c, more in ((found, ""), (found * rows, " / batch size"), (found / rows, " * batch size")):
        if np.allclose(c, c[0], rtol=1e-3 if which == "residual" else 1e-6, atol=0):
            nearest = round(2 * c[0]) / 2
            shown = name.removeprefix("dy*") if e.first.dy.size == 1 else name  # for a loss, dy is a single number
            factor = nearest if abs(c[0] - nearest) < 1e-3 * abs(nearest) else float(c[0])
            return Formula(factor, shown + more, rank)
    return None


def is_proportional(s: Sample, term: Array, value: Array, which: str) -> bool:
    """Return whether the analytic gradient, the numeric gradient or the difference is a multiple of a term."""
    c = least_squares(term, value)
    return c != 0 and (s.is_residual(c * term) if which == "residual" else s.fits(value, c * term))


def equals_formula(e: Evidence) -> Claims:
    """Claim a formula for the wrong gradient, the correct one, or the missing term."""
    if not e.first.dy.size:
        return
    found, expected, missing = formulas(e)
    bits = 1 + bits_of(max((f.rank for f in (found, expected, missing) if f is not None), default=0))
    is_dy = found is not None and str(found) == "dy"
    if found is not None and str(found) == str(expected):
        return  # correct except for the last digits
    if missing is not None and missing.name == "dy" and abs(missing.factor) == 1:
        text = "numeric - analytic equals dy: the identity path is missing"
        if missing.factor < 0:
            text = "analytic - numeric equals dy: the identity path is counted twice, or does not exist"
        yield Hypothesis(text, 2)
    elif is_dy and e.everywhere(is_mask_of_dy):
        yield Hypothesis("equals dy: the mask is all ones", bits_of(8))
    elif found is not None and expected is not None:
        more = difference(str(found), str(expected))
        yield Hypothesis(f"equals {found}, expected {expected}{more}", bits_of(8) if is_dy else bits)
    elif found is not None and missing is not None:
        yield Hypothesis(f"equals {found}: the term {missing} is missing", bits_of(8) if is_dy else bits)
    elif is_dy:
        yield Hypothesis("equals dy: the layer's own derivative is missing", bits_of(8))
    elif expected is not None and missing is not None:
        yield Hypothesis(f"analytic - numeric equals {-missing}: expected only {expected}, the rest is too much", bits)
    elif missing is not None and e.first.gap > 1e-4 * e.first.scale:
        more = f", or {-missing} is too much" if missing.factor < 0 else ""
        yield Hypothesis(f"numeric - analytic equals {missing}: this term is missing{more}", bits + 2)
    elif expected is not None and e.first.gap > 1e-3 * e.first.scale:
        yield Hypothesis(f"the right gradient is {expected}, and this one is not", OPEN + bits)


def is_mask_of_dy(s: Sample) -> bool:
    """Return whether the correct gradient equals dy in some entries and 0 in the others."""
    return s.fits(s.numeric, np.where(np.abs(s.numeric) > 1e-9 * s.scale, s.dy, 0))


def difference(short: str, long: str) -> str:
    """Return ": the factor (1-y**2) is missing" where one formula extends the other by a factor."""
    if short.replace(".T", "") == long.replace(".T", ""):
        return ": a transpose is missing, or one too many"
    for one, other, told in ((short, long, "missing"), (long, short, "too much")):
        if other.startswith(f"{one}*") and not other.startswith(f"{one}**"):
            return f": the factor {other[len(one) + 1 :]} is {told}"
    return ""


def expressions(s: Sample) -> Iterator[Named]:
    """Yield expressions with the shape of the gradient, simple ones first."""
    yield from in_shape(s, "dy", s.dy)
    for axis in range(s.dy.ndim if s.dy.shape == s.analytic.shape else 0):
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
    """Yield an array multiplied and divided by each factor."""
    for name, q in factors:
        yield f"{told}*{name}", d * q
        yield f"{told}/{name}", d / q


def pairs(s: Sample, shape: Shape) -> Iterator[Named]:
    """Yield products of two arrays of the given shape, or of their usual derivatives."""
    known = list(arrays_of_shape(s, shape))[:MOST]
    forms = [form for name, q in known for form in functions_of(name, q, FORMS)]
    for (one, p), (other, q) in combinations(forms, 2):
        yield f"{one}*{other}", p * q


def sums_along_axes(s: Sample) -> Iterator[Named]:
    """Yield sums along an axis, of dy or of dy times an array: the building blocks of terms through a sum."""
    if s.dy.ndim > 1 and s.dy.shape == s.analytic.shape:
        for name, q in (("", np.ones(s.dy.shape)), *((f"*{name}", q) for name, q in arrays_of_shape(s, s.dy.shape))):
            for axis in range(s.dy.ndim):
                yield f"sum(dy{name}, axis={axis})", (s.dy * q).sum(axis=axis, keepdims=True)


def in_shape(s: Sample, told: str, d: Array) -> Iterator[Named]:
    """Yield the ways to bring ``d``, which has one value per output, to the shape of the gradient."""
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
    for name, p in s.parameters.items() if d.ndim > 1 and d.shape[:-1] == shape[:-1] else ():
        for shown, matrix in ((f"{name}.T", p.T), (name, p)):
            if matrix.shape == (d.shape[-1], shape[-1]):
                yield f"{told} @ {shown}", d @ matrix
    for name, v in (("x", s.x), *s.attributes.items(), ("y", s.y)):
        if v.ndim > 1 and v.dtype.kind == "f" and v.shape[:-1] == d.shape[:-1] and shape == (v.shape[-1], d.shape[-1]):
            yield f"{name}.T @ {told}", v.reshape(-1, v.shape[-1]).T @ d.reshape(-1, d.shape[-1])
