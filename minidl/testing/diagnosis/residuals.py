"""Residuals: the structure of what is missing, ``numeric - analytic``, names the term that was forgotten."""

from collections.abc import Callable, Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Hypothesis, Sample, number
from minidl.testing.diagnosis.ratios import least_squares
from minidl.typing import Array


def residual(s: Sample) -> Array:
    return s.numeric - s.analytic


def nothing_left(s: Sample, fitted: Array) -> bool:
    """Return whether ``fitted`` is the residual, to the accuracy with which that is known."""
    return bool(np.abs(residual(s) - fitted).max(initial=0) <= 1e-4 * s.gap + s.noise)


def identity_path(e: Evidence) -> Iterator[Hypothesis]:
    """numeric - analytic = c * dy."""
    s = e.first
    if s.dy.shape != s.analytic.shape or not s.dy.ndim:
        return
    factors = [least_squares(v.dy, residual(v)) for v in e.visible]
    if not all(nothing_left(v, c * v.dy) for v, c in zip(e.visible, factors, strict=True)):
        return
    c = factors[0]
    if np.allclose(factors, 1, rtol=1e-4):
        yield Hypothesis("numeric - analytic equals dy: the identity path is missing", 0.95)
    elif np.allclose(factors, -1, rtol=1e-4):
        yield Hypothesis("analytic - numeric equals dy: the identity path is counted twice, or does not exist", 0.95)
    elif np.allclose(factors, c, rtol=1e-3):
        yield Hypothesis(f"numeric - analytic is {number(c)} * dy: a multiple of dy is added or missing", 0.9)


def added_term(e: Evidence) -> Iterator[Hypothesis]:
    """analytic - numeric is a constant, or a multiple of a parameter: it was added to the gradient."""
    if len(e.visible) < 2 or e.first.analytic.size < 2:
        return
    constant = [-float(residual(s).mean()) for s in e.visible]
    if np.allclose(constant, constant[0], rtol=1e-2, atol=0) and all(
        nothing_left(s, np.full_like(s.analytic, -c)) for s, c in zip(e.visible, constant, strict=True)
    ):
        yield Hypothesis(f"the constant {number(constant[0])} is added to the gradient", 0.93)
        return
    for name, p in e.first.parameters.items():
        if p.shape != e.first.analytic.shape:
            continue
        c = [-least_squares(s.parameters[name], residual(s)) for s in e.visible]
        if np.allclose(c, c[0], rtol=1e-2, atol=0) and all(
            nothing_left(s, -value * s.parameters[name]) for s, value in zip(e.visible, c, strict=True)
        ):
            yield Hypothesis(f"something is added to the gradient: {number(c[0])}*{name}, a multiple of {name}", 0.95)
            return


def terms_of_statistics(e: Evidence) -> Iterator[Hypothesis]:
    """The residual is constant along an axis, or proportional to x - mean, x or y along it."""
    s = e.first
    if s.analytic.ndim < 2 or s.wrong.mean() < 0.5:
        return
    for axes, across in axes_to_try(s):
        if e.everywhere(lambda s, axes=axes: nothing_left(s, mean_over(residual(s), axes))):  # type: ignore[misc]
            yield Hypothesis(f"error is constant along {across}: the through-the-mean term is missing or wrong", 0.92)
            return
    for name, pick in vectors(s):
        for axes, across in axes_to_try(s):
            if e.everywhere(
                lambda s, axes=axes, pick=pick: nothing_left(s, project(residual(s), [pick(s, axes)], axes))
            ):  # type: ignore[misc]
                yield Hypothesis(name_of_term(e, name, axes, across), 0.91)
                return
    for axes, across in axes_to_try(s):
        for name, pick in vectors(s):
            if e.everywhere(
                lambda s, axes=axes, pick=pick: nothing_left(  # type: ignore[misc]
                    s, project(residual(s), [np.ones_like(s.analytic), pick(s, axes)], axes)
                )
            ):
                yield Hypothesis(
                    f"error is a constant plus a multiple of {name} along {across}: the through-the-mean and the "
                    "through-the-variance terms are missing, the statistics are taken as constants",
                    0.88,
                )
                return


def axes_to_try(s: Sample) -> Iterator[tuple[tuple[int, ...], str]]:
    ndim = s.analytic.ndim
    if s.analytic.shape[0] > 2:
        yield (0,), "the batch axis"
    if s.analytic.shape[-1] > 2:
        yield (ndim - 1,), "the feature axis (per row)"
    if ndim > 2:
        yield tuple(range(ndim - 1)), "the batch and inner axes"
        yield tuple(range(1, ndim)), "all but the batch axis"
        if s.analytic.shape[1] > 2:
            yield (1,), "axis 1"
    if s.analytic.shape[0] > 1 and s.analytic.size > 5:
        yield tuple(range(ndim)), "all axes"


def vectors(s: Sample) -> list[tuple[str, Callable[[Sample, tuple[int, ...]], Array]]]:
    found: list[tuple[str, Callable[[Sample, tuple[int, ...]], Array]]] = []
    for name, p in s.parameters.items():
        if p.shape == s.analytic.shape and s.x.shape != p.shape:
            found.append((f"({name} - mean)", lambda s, axes, name=name: centred(s.parameters[name], axes)))
            found.append((name, lambda s, axes, name=name: s.parameters[name]))
    if s.x.shape == s.analytic.shape and s.x.dtype.kind == "f":
        found.append(("(x - mean)", lambda s, axes: s.x - s.x.mean(axis=axes, keepdims=True)))
    if s.y.shape == s.analytic.shape:
        found.append(("y", lambda s, axes: s.y))
    if s.x.shape == s.analytic.shape and s.x.dtype.kind == "f":
        found.append(("x", lambda s, axes: s.x))
    if s.y.shape == s.analytic.shape:
        found.append(("exp(y)", lambda s, axes: np.exp(np.minimum(s.y, 300))))
        found.append(("(y - mean)", lambda s, axes: s.y - s.y.mean(axis=axes, keepdims=True)))
        found.append(("y**2", lambda s, axes: s.y**2))
    return found


def centred(v: Array, axes: tuple[int, ...]) -> Array:
    """Return v less its mean over the axes."""
    return v - v.mean(axis=axes, keepdims=True)


def name_of_term(e: Evidence, name: str, axes: tuple[int, ...], across: str) -> str:
    per = "per-row " if axes == (e.first.analytic.ndim - 1,) else ""
    if name.endswith(" - mean)") and not name.startswith("(y"):
        return f"error is proportional to {name} along {across}: the through-the-variance term"
    more = ""
    if name in ("y", "exp(y)") and per:
        inner = "dy*y" if name == "y" else "dy"
        more = f": the term -{name}*sum({inner}) is missing or wrong"
        v = vectors(e.first)[[n for n, _ in vectors(e.first)].index(name)][1](e.first, axes)
        if e.first.dy.shape == v.shape:
            total = (e.first.dy * (v if name == "y" else 1)).sum(axis=axes, keepdims=True)
            c = least_squares(-v * total, residual(e.first))
            if nothing_left(e.first, -c * v * total):
                more = f": the term -{name}*sum({inner}) is {'missing' if abs(c - 1) < 1e-3 else 'wrong'}"
    elif name == "x" and per:
        more = ": the term through the norm or the mean square of x is missing or wrong"
    return f"error is a {per}multiple of {name}{'' if per else f' along {across}'}{more}"


def mean_over(v: Array, axes: tuple[int, ...]) -> Array:
    return np.broadcast_to(v.mean(axis=axes, keepdims=True), v.shape)


def project(v: Array, basis: list[Array], axes: tuple[int, ...]) -> Array:
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
    return fitted.reshape(shape).transpose(np.argsort(order))


def elementwise_term(e: Evidence) -> Iterator[Hypothesis]:
    """numeric - analytic = c * dy * q with a known q."""
    from minidl.testing.diagnosis import quantities

    s, *others = e.visible
    if s.analytic.size < 3:
        return
    if s.dy.shape != s.analytic.shape:
        if s.dy.size == 1:
            yield from proportional_term(e)
        return
    for index, (name, q) in enumerate(quantities.elementwise(e, s)):
        if not np.isfinite(q).all():
            continue
        c = least_squares(s.dy * q, residual(s))
        if c and nothing_left(s, c * s.dy * q):
            tables = [list(quantities.elementwise(e, o))[index][1] for o in others]
            if all(nothing_left(o, c * o.dy * t) for o, t in zip(others, tables, strict=True)):
                yield Hypothesis(f"numeric - analytic equals {number(c)}*dy*{name}: this term is missing", 0.87)
                return


def term_per_feature(e: Evidence) -> Iterator[Hypothesis]:
    """numeric - analytic = c * dy * q with one c for each feature."""
    s = e.first
    if not s.upstream.size or s.analytic.ndim < 2 or len(s.analytic) < 3:
        return
    told: list[tuple[str, Callable[[Sample], Array]]] = [("dy", lambda v: v.upstream)]
    if s.x.shape == s.analytic.shape and s.x.dtype.kind == "f":
        told.append(("dy*x", lambda v: v.upstream * v.x))
    if s.y.shape == s.analytic.shape:
        told.append(("dy*y", lambda v: v.upstream * v.y))
    for name, pick in told:
        if e.everywhere(lambda v, pick=pick: nothing_left(v, project(residual(v), [pick(v)], (0,)))):  # type: ignore[misc]
            yield Hypothesis(
                f"numeric - analytic is {name} times a constant for each feature: this term is missing or wrong", 0.86
            )
            return


def proportional_term(e: Evidence) -> Iterator[Hypothesis]:
    """numeric - analytic = c * q with a known q, for a loss, whose dy is one number."""
    from minidl.testing.diagnosis import quantities

    def left(s: Sample, q: Array) -> bool:
        return bool(np.isfinite(q).all()) and nothing_left(s, least_squares(q, residual(s)) * q)

    tables = [list(quantities.elementwise(e, s)) for s in e.visible]
    for index, (name, _) in enumerate(tables[0]):
        if all(left(s, table[index][1]) for s, table in zip(e.visible, tables, strict=True)):
            yield Hypothesis(f"numeric - analytic is proportional to {name}: this term is missing", 0.88)
            return


def column_space(e: Evidence) -> Iterator[Hypothesis]:
    """Each row of the residual is a combination of the columns of a parameter: the term that passes through it."""
    s = e.first
    if e.target != "dx" or s.analytic.ndim < 2 or s.analytic.size <= s.analytic.shape[-1]:
        return
    for name, p in s.parameters.items():
        if p.ndim != 2 or p.shape[0] != s.analytic.shape[-1] or p.shape[1] >= p.shape[0]:
            continue
        basis = np.linalg.qr(p)[0]

        def inside(v: Array, basis: Array = basis) -> bool:
            flat = v.reshape(-1, v.shape[-1])
            return bool(np.abs(flat - flat @ basis @ basis.T).max() <= 1e-5 * np.abs(flat).max())

        if inside(residual(s)) and not inside(s.numeric):
            yield Hypothesis(
                f"numeric - analytic lies in the column space of {name}: the term through {name} is missing", 0.84
            )
            return


TESTS = [identity_path, added_term, terms_of_statistics, elementwise_term, term_per_feature, column_space]
