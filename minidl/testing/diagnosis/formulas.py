"""Formulas: what the wrong gradient, the right one, and the difference of the two are equal to."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minidl.testing.diagnosis.evidence import NAMED, PLACED, SHAPED, Evidence, Hypothesis
from minidl.testing.diagnosis.expressions import expressions
from minidl.testing.diagnosis.quantities import elementwise, factors
from minidl.testing.diagnosis.sample import Sample, largest, least_squares, number
from minidl.typing import Array


class Formula(NamedTuple):
    """``factor * name``, the same on every sample."""

    factor: float
    name: str

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
        return Formula(-self.factor, self.name)


WHICH = ("analytic", "numeric", "residual")


def formulas(e: Evidence) -> list[Formula | None]:
    """Return the simplest expressions for the analytic, the numeric gradient and their difference, up to a factor."""
    found: list[Formula | None] = [None, None, None]
    s = e.first
    values = np.array([getattr(s, which).ravel() for which in WHICH])
    squares = (values * values).sum(axis=1)
    if s.analytic.size < 2 and len(e.visible) < 3:
        return found
    for name, term in expressions(s):
        if term.shape != s.analytic.shape:
            continue
        t = term.ravel()
        square = float(t @ t)
        if not 0 < square < np.inf:
            continue
        for k in np.flatnonzero((values @ t) ** 2 > 0.99999 * squares * square):
            if found[k] is None and squares[k] > 0:
                found[k] = formula(e, name, WHICH[k])
        if None not in found[:2]:
            break
    return found


def formula(e: Evidence, name: str, which: str) -> Formula | None:
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
            return Formula(nearest if abs(c[0] - nearest) < 1e-3 * abs(nearest) else float(c[0]), shown + more)
    return None


def is_proportional(s: Sample, term: Array, value: Array, which: str) -> bool:
    """Return whether the analytic or the numeric gradient or their difference is a multiple of a term."""
    c = least_squares(term, value)
    return c != 0 and (s.is_residual(c * term) if which == "residual" else s.fits(value, c * term))


def equals_formula(e: Evidence) -> Iterator[Hypothesis]:
    """The gradient equals a formula; so does the right one, or what is missing."""
    if not e.first.dy.size:
        return
    found, expected, missing = formulas(e)
    if found is not None and str(found) == str(expected):
        return  # it is right but for the last digits
    if missing is not None and str(missing) == "dy":
        yield Hypothesis("numeric - analytic equals dy: the identity path is missing", 0.95)
    elif missing is not None and str(missing) == "-dy":
        text = "analytic - numeric equals dy: the identity path is counted twice, or does not exist"
        yield Hypothesis(text, 0.95)
    elif found is not None and str(found) == "dy":
        yield Hypothesis(f"equals dy{explain_identity(e, expected, missing)}", NAMED)
    elif found is not None and expected is not None:
        yield Hypothesis(f"equals {found}, expected {expected}{difference(str(found), str(expected))}", 0.93)
    elif found is not None and missing is not None:
        yield Hypothesis(f"equals {found}: the term {missing} is missing", NAMED)
    elif expected is not None and missing is not None:
        yield Hypothesis(f"analytic - numeric equals {-missing}: expected only {expected}, the rest is too much", NAMED)
    elif missing is not None and e.first.gap < 1e-4 * e.first.scale:
        text = f"right to {e.first.gap / e.first.scale:.1g} but not exact: numeric - analytic equals {missing}"
        yield Hypothesis(f"{text}, a constant in such a term is rounded, or an epsilon is added", SHAPED)
    elif missing is not None:
        yield Hypothesis(told_term(missing), SHAPED + 0.02)
    elif expected is not None and found is None and e.first.gap > 1e-3 * e.first.scale:
        yield Hypothesis(f"the right gradient is {expected}, and this one is not", PLACED + 0.01)
    elif found is not None and e.first.gap > 1e-3 * e.first.scale:
        yield Hypothesis(f"equals {found}: a factor or a term is missing or wrong", SHAPED - 0.02)


def told_term(missing: Formula) -> str:
    """Return what a formula for the residual means."""
    more = f", or {-missing} is too much" if missing.factor < 0 else ""
    return f"numeric - analytic equals {missing}: this term is missing{more}"


def difference(short: str, long: str) -> str:
    """Return ": the factor (1-y**2) is missing" where one formula is the other with more after it."""
    if short.replace(".T", "") == long.replace(".T", ""):
        return ": a transpose is missing, or one too many"
    for one, other, told in ((short, long, "missing"), (long, short, "too much")):
        bare = one.replace("(dy)", "dy")
        if other.startswith(f"{bare}*") and not other.startswith(f"{bare}**"):
            return f": the factor {other[len(bare) + 1 :]} is {told}"
        inside = one.replace("dy", "(dy*", 1).partition("(dy*")
        if inside[1] and other.startswith(inside[0] + inside[1]) and other.endswith(f"){inside[2]}"):
            return f": the factor {other[len(inside[0]) + 4 : len(other) - len(inside[2]) - 1]} of dy is {told}"
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


def at_the_output(e: Evidence) -> Iterator[Hypothesis]:
    """The derivative is taken at y."""
    s = e.first
    if e.context is None or s.y.shape != s.x.shape or s.x.dtype.kind != "f" or e.target != "dx":
        return
    if e.equals_numeric(s.analytic, x=s.y) and not e.equals_numeric(s.dy, x=s.y):
        yield Hypothesis("equals the derivative at y instead of x: taken at the output", 0.95)


def independent_of_dy(e: Evidence) -> Iterator[Hypothesis]:
    """What is too much is a constant, or a multiple of a parameter, whatever dy."""
    if len(e.visible) < 2 or e.first.analytic.size < 2:
        return
    known = [("", np.ones(e.first.analytic.shape)), *e.first.parameters.items()]
    for name, p in known:
        if p.shape[-e.first.analytic.ndim :] != e.first.analytic.shape and name:
            continue
        bases = [s.parameters[name] if name else np.ones(s.analytic.shape) for s in e.visible]
        if any(b.shape != s.analytic.shape for b, s in zip(bases, e.visible, strict=True)):
            continue
        c = [-least_squares(b, s.residual) for b, s in zip(bases, e.visible, strict=True)]
        same = np.allclose(c, c[0], rtol=1e-2, atol=0) and largest(np.array(c)) > 0
        if same and all(s.is_residual(-k * b) for k, b, s in zip(c, bases, e.visible, strict=True)):
            told = f"{number(c[0])}*{name}, a multiple of {name}"
            text = (
                f"something is added to the gradient: {told}"
                if name
                else f"the constant {number(c[0])} is added to the gradient"
            )
            yield Hypothesis(text, 0.95)
            return


TESTS = [at_the_output, equals_formula, independent_of_dy]
