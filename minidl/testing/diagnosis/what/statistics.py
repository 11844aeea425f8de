"""Statistics: a missing term through a mean, a variance or a norm, identified by the structure of the error."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Named
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import Sample, least_squares

Axes = tuple[int, ...]
BOTH = "a constant plus a multiple of (x - mean)"


def terms_of_statistics(e: Evidence) -> Claims:
    """Claim that the error is constant along an axis, or proportional to x - mean, x or y along it."""
    s = e.first
    if s.analytic.ndim < 2 or s.wrong.mean() < 0.5:
        return
    axes = list(axes_to_try(s))
    names = ["", *(name for name, _ in vectors(s, (0,))), BOTH]
    for rank, (name, (along, across)) in enumerate((name, one) for name in names for one in axes):
        if e.everywhere(spanned_by, name, along):
            yield Hypothesis(name_of_term(e, name, along, across), 5 + bits_of(rank) / 4)
            return


def axes_to_try(s: Sample) -> Iterator[tuple[Axes, str]]:
    """Yield the axes along which statistics are usually taken."""
    ndim, shape = s.analytic.ndim, s.analytic.shape
    if shape[:1] != s.x.shape[:1] or ndim != s.x.ndim:  # the gradient of a parameter
        yield from (((axis,), f"axis {axis}") for axis in range(ndim) if shape[axis] > 2)
    else:
        names = {0: "the batch axis", ndim - 1: "the feature axis (per row)"}
        order = (0, ndim - 1, *range(1, ndim - 1))
        yield from (((axis,), names.get(axis, f"axis {axis}")) for axis in order if shape[axis] > 2)
        if ndim > 2:
            yield tuple(range(ndim - 1)), "the batch and inner axes"
            yield tuple(range(1, ndim)), "all but the batch axis"
    if shape[0] > 1 and s.analytic.size > 5:
        yield tuple(range(ndim)), "all axes"


def vectors(s: Sample, axes: Axes) -> Iterator[Named]:
    """Yield the vectors to which a term through a statistic is proportional."""
    shape = s.analytic.shape
    arrays = {name: v for name, v in (("y", s.y), ("x", s.x)) if v.shape == shape and v.dtype.kind == "f"}
    if "x" in arrays:
        yield "(x - mean)", s.x - s.x.mean(axis=axes, keepdims=True)
    else:
        arrays |= {name: p for name, p in s.parameters.items() if p.shape == shape}
    yield from arrays.items()
    if "y" in arrays:
        yield "exp(y)", np.exp(np.minimum(s.y, 300))
    yield from ((name, v) for name, v in s.attributes.items() if v.shape == shape)


def spanned_by(s: Sample, name: str, axes: Axes) -> bool:
    """Return whether the error is a multiple of the named vector along the axes, or constant if the name is empty."""
    table = {"": np.ones(s.analytic.shape), **dict(vectors(s, axes))}
    parts = [table.get(part) for part in (("", "(x - mean)") if name == BOTH else (name,))]
    length = int(np.prod([s.analytic.shape[axis] for axis in axes]))
    if length <= len(parts) + 1 or (len(axes) < s.analytic.ndim and length * len(parts) >= s.analytic.size):
        return False
    fitted = np.zeros(s.analytic.shape)
    for v in parts:  # the parts are orthogonal
        if v is None:
            return False
        square = (v * v).sum(axis=axes, keepdims=True)
        fitted += v * (v * s.residual).sum(axis=axes, keepdims=True) / np.where(square, square, 1)
    return s.is_residual(fitted)


def name_of_term(e: Evidence, name: str, axes: Axes, across: str) -> str:
    """Return the description of an error that is constant along the axes or a multiple of a vector."""
    if not name:
        term = "the through-the-mean term" if e.first.dy.size > 1 else "a term with a sum over it"
        return f"error is constant along {across}: {term} is missing, wrong or too much"
    if name == BOTH:
        told = "the through-the-mean and the through-the-variance terms are missing or wrong"
        return f"error is {name} along {across}: {told}"
    per = "per-row " if axes == (e.first.analytic.ndim - 1,) else ""
    if name.endswith(" - mean)"):
        return f"error is proportional to {name} along {across}: the through-the-variance term is missing or wrong"
    more = ": a term with a sum over it is missing or wrong"
    if name in ("y", "exp(y)") and per:
        inner = "dy*y" if name == "y" else "dy"
        more = f": the term -{name}*sum({inner}) is {missing_or_wrong(e.first, name, axes)}"
    elif name in ("x", "y", *e.first.parameters):
        more = f": the term through the norm or the mean square of {name} is missing or wrong"
    return f"error is a {per}multiple of {name}{'' if per else f' along {across}'}{more}"


def missing_or_wrong(s: Sample, name: str, axes: Axes) -> str:
    """Return whether the term -y*sum(dy*y) is "missing", "wrong", or, if that is unknown, "missing or wrong"."""
    v = dict(vectors(s, axes))[name]
    term = -v * (s.dy * (v if name == "y" else 1)).sum(axis=axes, keepdims=True)
    c = least_squares(term, s.residual)
    return "missing or wrong" if not s.is_residual(c * term) else "missing" if abs(c - 1) < 1e-3 else "wrong"
