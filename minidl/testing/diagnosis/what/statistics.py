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
    names = ["", *(name for name, _ in vectors(s, (0,))), BOTH]
    for rank, (name, axes) in enumerate((name, axes) for name in names for axes in axes_to_try(s)):
        if e.everywhere(spanned_by, name, axes):
            yield Hypothesis(name_of_term(e, name, axes), 5 + bits_of(rank) / 4)


def axes_to_try(s: Sample) -> list[Axes]:
    """Return the axes along which statistics are usually taken."""
    ndim, shape = s.analytic.ndim, s.analytic.shape
    single = [(axis,) for axis in (0, ndim - 1, *range(1, ndim - 1)) if shape[axis] > 2]
    several = [tuple(range(ndim - 1)), tuple(range(1, ndim))] if ndim > 2 else []
    return [*single, *several, tuple(range(ndim))]


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


def name_of_term(e: Evidence, name: str, axes: Axes) -> str:
    """Return the description of an error that is constant along the axes or a multiple of a vector."""
    last: Axes = (e.first.analytic.ndim - 1,)
    of_rows = e.first.analytic.shape == e.first.x.shape
    known = {(0,): "the batch axis", last: "the feature axis (per row)"} if of_rows else {}
    across = known.get(axes) or f"axis {', '.join(map(str, axes))}"
    if not name:
        term = "the through-the-mean term" if e.first.dy.size > 1 else "a term with a sum over it"
        return f"error is constant along {across}: {term} is missing, wrong or too much"
    if name == BOTH:
        told = "the through-the-mean and the through-the-variance terms are missing or wrong"
        return f"error is {name} along {across}: {told}"
    if name.endswith(" - mean)"):
        return f"error is proportional to {name} along {across}: the through-the-variance term is missing or wrong"
    per_row = axes == last
    more = ": a term with a sum over it is missing or wrong"
    if name in ("y", "exp(y)") and per_row:
        inner = "dy*y" if name == "y" else "dy"
        more = f": the term -{name}*sum({inner}) is {missing_or_wrong(e.first, name, axes)}"
    elif name in ("x", "y", *e.first.parameters):
        more = f": the term through the norm or the mean square of {name} is missing or wrong"
    return f"error is a {'per-row ' if per_row else ''}multiple of {name}{'' if per_row else f' along {across}'}{more}"


def missing_or_wrong(s: Sample, name: str, axes: Axes) -> str:
    """Return whether the term -y*sum(dy*y) is "missing", "wrong", or, if that is unknown, "missing or wrong"."""
    v = dict(vectors(s, axes))[name]
    term = -v * (s.dy * (v if name == "y" else 1)).sum(axis=axes, keepdims=True)
    c = least_squares(term, s.residual)
    return "missing or wrong" if not s.is_residual(c * term) else "missing" if abs(c - 1) < 1e-3 else "wrong"
