"""Residuals: the structure of what is missing, ``numeric - analytic``, names the term that was forgotten."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Named
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import Sample, least_squares
from minidl.typing import Array

Axes = tuple[int, ...]


def terms_of_statistics(e: Evidence) -> Claims:
    """The residual is constant along an axis, or proportional to x - mean, x or y along it, or both."""
    s = e.first
    if s.analytic.ndim < 2 or s.wrong.mean() < 0.5:
        return
    tries = [(axes, across, name) for axes, across in axes_to_try(s) for name, _ in vectors(s, axes)]
    constant = [(axes, across, "") for axes, across in axes_to_try(s)]
    tries.sort(key=lambda one: [name for name, _ in vectors(s, (0,))].index(one[2]))
    for rank, (axes, across, name) in enumerate([*constant, *tries]):
        if e.everywhere(spanned_by, name, axes):
            yield Hypothesis(name_of_term(e, name, axes, across), 5 + bits_of(rank) / 4)
            return
    for axes, across, name in tries:
        if e.everywhere(spanned_by, name, axes, True):
            terms = f"the terms through a sum and through {name} are missing or wrong"
            if "mean)" in name:
                terms = "the through-the-mean and the through-the-variance terms are missing or wrong"
            yield Hypothesis(f"error is a constant plus a multiple of {name} along {across}: {terms}", 7)
            return


def axes_to_try(s: Sample) -> Iterator[tuple[Axes, str]]:
    """Yield the axes along which statistics are usually taken."""
    ndim, shape = s.analytic.ndim, s.analytic.shape
    if shape[:1] != s.x.shape[:1] or ndim != s.x.ndim:  # a parameter
        yield from (((axis,), f"axis {axis}") for axis in range(ndim) if shape[axis] > 2)
    else:
        names = {0: "the batch axis", ndim - 1: "the feature axis (per row)"}
        yield from (((axis,), names[axis]) for axis in (0, ndim - 1) if shape[axis] > 2)
        if ndim > 2:
            yield tuple(range(ndim - 1)), "the batch and inner axes"
            yield tuple(range(1, ndim)), "all but the batch axis"
            yield from (((axis,), f"axis {axis}") for axis in range(1, ndim - 1) if shape[axis] > 2)
    if shape[0] > 1 and s.analytic.size > 5:
        yield tuple(range(ndim)), "all axes"


def vectors(s: Sample, axes: Axes) -> Iterator[Named]:
    """Yield what a term through a statistic is proportional to."""
    shape = s.analytic.shape
    arrays = {name: v for name, v in (("x", s.x), ("y", s.y)) if v.shape == shape and v.dtype.kind == "f"}
    if "x" not in arrays:
        arrays |= {name: p for name, p in s.parameters.items() if p.shape == shape}
    for name, v in arrays.items():
        if name != "y":
            yield f"({name} - mean)", v - v.mean(axis=axes, keepdims=True)
    for name, v in sorted(arrays.items(), key=lambda item: item[0] != "y"):
        yield name, v
    if "x" in arrays:
        yield "sign(x)", np.sign(s.x)
        yield "x**3", s.x**3
    if "y" in arrays:
        yield "exp(y)", np.exp(np.minimum(s.y, 300))
        yield "y**2", s.y**2
    yield from ((name, v) for name, v in s.attributes.items() if v.shape == shape)


def spanned_by(s: Sample, name: str, axes: Axes, with_constant: bool = False) -> bool:
    """Return whether the residual is a multiple of a vector (and a constant), or only constant, along the axes."""
    basis = [v for n, v in vectors(s, axes) if n == name]
    if name and not basis:
        return False
    constant = [] if name and not with_constant else [np.ones(s.analytic.shape)]
    return s.is_residual(project(s.residual, [*constant, *basis], axes))


def name_of_term(e: Evidence, name: str, axes: Axes, across: str) -> str:
    """Return which term is constant, or proportional to a vector, along the axes."""
    if not name:
        term = "the through-the-mean term" if e.first.dy.size > 1 else "a term with a sum over it"
        return f"error is constant along {across}: {term} is missing, wrong or too much"
    per = "per-row " if axes == (e.first.analytic.ndim - 1,) else ""
    if name.endswith(" - mean)"):
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
    others = [axis for axis in range(v.ndim) if axis not in axes]
    order = (*others, *axes)
    length = int(np.prod([v.shape[axis] for axis in axes]))
    if length <= len(basis) + 1 or (len(others) and length * len(basis) >= v.size):
        return np.zeros_like(v)
    flat = v.transpose(order).reshape(-1, length)
    columns = np.stack([b.transpose(order).reshape(-1, length) for b in basis], axis=-1)
    fitted = np.stack([c @ np.linalg.lstsq(c, row, rcond=None)[0] for c, row in zip(columns, flat, strict=True)])
    shape = [v.shape[axis] for axis in order]
    return np.asarray(fitted.reshape(shape).transpose(np.argsort(order)))


TESTS = [terms_of_statistics]
