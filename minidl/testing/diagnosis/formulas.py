"""Formulas: what the wrong gradient, the right one, and the difference of the two are equal to."""

from typing import NamedTuple

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.expressions import expressions
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.quantities import elementwise, factors
from minidl.testing.diagnosis.sample import Sample, least_squares, number
from minidl.typing import Array


class Formula(NamedTuple):
    """``factor * name``, the same on every sample; ``rank`` is the name's place in the list of expressions."""

    factor: float
    name: str
    rank: int

    def __str__(self) -> str:
        size, sign = abs(self.factor), "-" if self.factor < 0 else ""
        if size == 1:
            return f"{sign}{self.name}"
        part = round(1 / size) if size < 1 else 0
        if part and abs(1 / size - part) < 1e-6:
            name, by, count = self.name.partition(" / ")
            return f"{sign}{name} / ({part} * {count})" if by else f"{sign}{name}/{part}"
        return f"{sign}{number(size)}*{self.name}"

    def __neg__(self) -> "Formula":
        return self._replace(factor=-self.factor)


WHICH = ("analytic", "numeric", "residual")


def formulas(e: Evidence) -> list[Formula | None]:
    """Return the simplest expressions for the analytic, the numeric gradient and their difference, up to a factor."""
    found: list[Formula | None] = [None, None, None]
    s = e.first
    values = np.array([getattr(s, which).ravel() for which in WHICH])
    squares = (values * values).sum(axis=1)
    if s.analytic.size < 2 and len(e.visible) < 3:
        return found
    for rank, (name, term) in enumerate(expressions(s)):
        t = term.ravel()
        square = float(t @ t)
        if term.shape != s.analytic.shape or not 0 < square < np.inf:
            continue
        for k in np.flatnonzero((values @ t) ** 2 > 0.99999 * squares * square):
            if found[k] is None and squares[k] > 0:
                found[k] = formula(e, name, WHICH[k], rank)
        if None not in found[:2]:
            break
    return found


def formula(e: Evidence, name: str, which: str, rank: int) -> Formula | None:
    """Return the expression with its factor, if that is the same on every sample, or falls or grows with the batch."""
    terms = [e.quantity(expressions, s, name) for s in e.visible]
    pairs = [(s, t, getattr(s, which)) for s, t in zip(e.visible, terms, strict=True) if t is not None]
    if len(pairs) < len(terms) or not all(is_proportional(s, t, v, which) for s, t, v in pairs):
        return None
    found, rows = np.array([least_squares(t, v) for _, t, v in pairs]), np.array([s.rows for s in e.visible])
    for c, more in ((found, ""), (found * rows, " / batch size"), (found / rows, " * batch size")):
        if np.allclose(c, c[0], rtol=1e-3 if which == "residual" else 1e-6, atol=0):
            nearest = round(2 * c[0]) / 2
            shown = name.removeprefix("dy*") if e.first.dy.size == 1 else name  # of a loss dy is one number
            factor = nearest if abs(c[0] - nearest) < 1e-3 * abs(nearest) else float(c[0])
            return Formula(factor, shown + more, rank)
    return None


def is_proportional(s: Sample, term: Array, value: Array, which: str) -> bool:
    """Return whether the analytic or the numeric gradient or their difference is a multiple of a term."""
    c = least_squares(term, value)
    return c != 0 and (s.is_residual(c * term) if which == "residual" else s.fits(value, c * term))


def equals_formula(e: Evidence) -> Claims:
    """The gradient equals a formula; so does the right one, or what is missing."""
    if not e.first.dy.size:
        return
    found, expected, missing = formulas(e)
    if found is not None and str(found) == str(expected):
        return  # it is right but for the last digits
    bits = 1 + bits_of(max((f.rank for f in (found, expected, missing) if f is not None), default=0))
    if missing is not None and missing.name == "dy" and abs(missing.factor) == 1:
        text = "numeric - analytic equals dy: the identity path is missing"
        if missing.factor < 0:
            text = "analytic - numeric equals dy: the identity path is counted twice, or does not exist"
        yield Hypothesis(text, 2)
    elif found is not None and str(found) == "dy":
        yield Hypothesis(f"equals dy{explain_identity(e, expected, missing)}", bits_of(8))
    elif found is not None and expected is not None:
        yield Hypothesis(f"equals {found}, expected {expected}{difference(str(found), str(expected))}", bits)
    elif found is not None and missing is not None:
        yield Hypothesis(f"equals {found}: the term {missing} is missing", bits)
    elif expected is not None and missing is not None:
        yield Hypothesis(f"analytic - numeric equals {-missing}: expected only {expected}, the rest is too much", bits)
    elif missing is not None and e.first.gap < 1e-4 * e.first.scale:
        text = f"right to {e.first.gap / e.first.scale:.1g} but not exact: numeric - analytic equals {missing}"
        yield Hypothesis(f"{text}, a constant in such a term is rounded, or an epsilon is added", OPEN)
    elif missing is not None:
        more = f", or {-missing} is too much" if missing.factor < 0 else ""
        yield Hypothesis(f"numeric - analytic equals {missing}: this term is missing{more}", bits + 2)
    elif e.first.gap > 1e-3 * e.first.scale and expected is not None:
        yield Hypothesis(f"the right gradient is {expected}, and this one is not", OPEN + bits)
    elif e.first.gap > 1e-3 * e.first.scale and found is not None:
        yield Hypothesis(f"equals {found}: a factor or a term is missing or wrong", OPEN + bits)


def difference(short: str, long: str) -> str:
    """Return ": the factor (1-y**2) is missing" where one formula is the other with more after it."""
    if short.replace(".T", "") == long.replace(".T", ""):
        return ": a transpose is missing, or one too many"
    for one, other, told in ((short, long, "missing"), (long, short, "too much")):
        if other.startswith(f"{one}*") and not other.startswith(f"{one}**"):
            return f": the factor {other[len(one) + 1 :]} is {told}"
    return ""


def explain_identity(e: Evidence, expected: Formula | None, missing: Formula | None) -> str:
    """Return what is missing where the gradient is dy itself."""

    def is_a_mask(s: Sample) -> bool:
        on = np.abs(s.numeric) > 1e-9 * s.scale
        return s.fits(s.numeric, np.where(on, s.dy, 0))

    def is_scaled(s: Sample, q: Array) -> bool:
        return s.fits(s.numeric, s.dy * q) if np.broadcast_shapes(q.shape, s.dy.shape) == s.dy.shape else False

    if e.everywhere(is_a_mask):
        return ": the mask is all ones"
    if expected is not None:
        return f", expected {expected}{difference('dy', str(expected))}"
    name = next(e.names(factors, is_scaled), "") or next(e.names(elementwise, is_scaled), "")
    if name:
        return f", expected dy*{name}: the factor {name} is missing"
    return f": the term {missing} is missing" if missing else ": the layer's own derivative is missing"


TESTS = [equals_formula]
