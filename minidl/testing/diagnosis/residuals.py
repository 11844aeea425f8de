"""Residuals: the structure of what is missing, ``numeric - analytic``, names the term that was forgotten."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Hypothesis, Named
from minidl.testing.diagnosis.sample import Sample, largest, least_squares
from minidl.typing import Array

Axes = tuple[int, ...]


def terms_of_statistics(e: Evidence) -> Iterator[Hypothesis]:
    """The residual is constant along an axis, or proportional to x - mean, x or y along it, or both."""
    s = e.first
    if s.analytic.ndim < 2 or s.wrong.mean() < 0.5:
        return
    for axes, across in axes_to_try(s):
        if e.everywhere(spanned, "", axes):
            term = "the through-the-mean term" if s.dy.size > 1 else "a term with a sum over it"
            yield Hypothesis(f"error is constant along {across}: {term} is missing, wrong or too much", 0.92)
            return
    for name, _ in vectors(s, (0,)):
        for axes, across in axes_to_try(s):
            if e.everywhere(spanned, name, axes):
                yield Hypothesis(name_of_term(e, name, axes, across), 0.91)
                return
    for axes, across in axes_to_try(s):
        for name, _ in vectors(s, axes):
            if e.everywhere(spanned, name, axes, True):
                terms = f"the terms through a sum and through {name} are missing or wrong"
                if "mean)" in name:
                    terms = "the through-the-mean and the through-the-variance terms are missing or wrong"
                yield Hypothesis(f"error is a constant plus a multiple of {name} along {across}: {terms}", 0.9)
                return


def axes_to_try(s: Sample) -> Iterator[tuple[Axes, str]]:
    """Yield the axes along which statistics are usually taken."""
    ndim = s.analytic.ndim
    if s.analytic.shape[:1] != s.x.shape[:1] or s.analytic.ndim != s.x.ndim:  # a parameter
        yield from (((axis,), f"axis {axis}") for axis in range(ndim) if s.analytic.shape[axis] > 2)
        yield tuple(range(ndim)), "all axes"
        return
    if s.analytic.shape[0] > 2:
        yield (0,), "the batch axis"
    if s.analytic.shape[-1] > 2:
        yield (ndim - 1,), "the feature axis (per row)"
    if ndim > 2:
        yield tuple(range(ndim - 1)), "the batch and inner axes"
        yield tuple(range(1, ndim)), "all but the batch axis"
        for axis in range(1, ndim - 1):
            if s.analytic.shape[axis] > 2:
                yield (axis,), f"axis {axis}"
    if s.analytic.shape[0] > 1 and s.analytic.size > 5:
        yield tuple(range(ndim)), "all axes"


def vectors(s: Sample, axes: Axes) -> Iterator[Named]:
    """Yield what a term through a statistic is proportional to."""
    shape = s.analytic.shape
    for name, p in s.parameters.items():
        if p.shape == shape and s.x.shape != shape:
            yield f"({name} - mean)", centred(p, axes)
            yield name, p
    if s.x.shape == shape and s.x.dtype.kind == "f":
        yield "(x - mean)", centred(s.x, axes)
    if s.y.shape == shape:
        yield "y", s.y
    if s.x.shape == shape and s.x.dtype.kind == "f":
        yield "x", s.x
        yield "sign(x)", np.sign(s.x)
        yield "|x|", np.abs(s.x)
        yield "x**3", s.x**3
    if s.y.shape == shape:
        yield "exp(y)", np.exp(np.minimum(s.y, 300))
        yield "(y - mean)", centred(s.y, axes)
        yield "y**2", s.y**2
    for name, v in s.held.items():
        if v.shape == shape:
            yield name, v


def centred(v: Array, axes: Axes) -> Array:
    """Return v less its mean over the axes."""
    return v - v.mean(axis=axes, keepdims=True)


def spanned(s: Sample, name: str, axes: Axes, with_constant: bool = False) -> bool:
    """Return whether the residual is a multiple of a vector (and a constant), or only constant, along the axes."""
    basis = [v for n, v in vectors(s, axes) if n == name]
    if name and not basis:
        return False
    constant = [] if name and not with_constant else [np.ones(s.analytic.shape)]
    return s.is_residual(project(s.residual, [*constant, *basis], axes))


def name_of_term(e: Evidence, name: str, axes: Axes, across: str) -> str:
    """Return which term is proportional to a vector along the axes."""
    per = "per-row " if axes == (e.first.analytic.ndim - 1,) else ""
    if name.endswith(" - mean)") and not name.startswith("(y"):
        return f"error is proportional to {name} along {across}: the through-the-variance term is missing or wrong"
    more = ""
    if name in ("y", "exp(y)") and per:
        inner = "dy*y" if name == "y" else "dy"
        more = f": the term -{name}*sum({inner}) is {missing_or_wrong(e.first, name, axes)}"
    elif name in ("x", "y", *e.first.parameters):
        more = f": the term through the norm or the mean square of {name} is missing or wrong"
    elif per:
        more = f": a term {name} times a sum over the row is missing or wrong"
    return f"error is a {per}multiple of {name}{'' if per else f' along {across}'}{more}"


def missing_or_wrong(s: Sample, name: str, axes: Axes) -> str:
    """Return "missing" where the residual is all of the term -y*sum(dy*y)."""
    v = dict(vectors(s, axes))[name]
    if s.dy.shape != v.shape:
        return "missing or wrong"
    term = -v * (s.dy * (v if name == "y" else 1)).sum(axis=axes, keepdims=True)
    c = least_squares(term, s.residual)
    if not s.is_residual(c * term):
        return "missing or wrong"
    return "missing" if abs(c - 1) < 1e-3 else "wrong"


def project(v: Array, basis: list[Array], axes: Axes) -> Array:
    """Return the least-squares fit of ``v`` by multiples of ``basis``, separately for each index outside ``axes``."""
    kept = [axis for axis in range(v.ndim) if axis not in axes]
    order = (*kept, *axes)
    length = int(np.prod([v.shape[axis] for axis in axes]))
    if length <= len(basis) + 1 or (len(kept) and length * len(basis) >= v.size):
        return np.zeros_like(v)
    flat = v.transpose(order).reshape(-1, length)
    columns = np.stack([b.transpose(order).reshape(-1, length) for b in basis], axis=-1)
    fitted = np.stack([c @ np.linalg.lstsq(c, row, rcond=None)[0] for c, row in zip(columns, flat, strict=True)])
    shape = [v.shape[axis] for axis in order]
    return np.asarray(fitted.reshape(shape).transpose(np.argsort(order)))


def column_space(e: Evidence) -> Iterator[Hypothesis]:
    """Each row of the residual is a combination of the columns of a parameter: the term that passes through it."""
    s = e.first
    if e.target != "dx" or s.analytic.ndim < 2 or s.analytic.size <= s.analytic.shape[-1]:
        return
    for name, p in s.parameters.items():
        if p.ndim != 2 or p.shape[0] != s.analytic.shape[-1] or p.shape[1] >= p.shape[0]:
            continue
        basis = np.linalg.qr(p)[0]
        if inside(s.residual, basis) and not inside(s.numeric, basis):
            yield Hypothesis(
                f"numeric - analytic lies in the column space of {name}: the term through {name} is missing or wrong",
                0.84,
            )
            return


def inside(v: Array, basis: Array) -> bool:
    """Return whether each row of ``v`` is a combination of the columns of ``basis``."""
    flat = v.reshape(-1, v.shape[-1])
    return largest(flat - flat @ basis @ basis.T) <= 1e-5 * largest(flat)


TESTS = [terms_of_statistics, column_space]
