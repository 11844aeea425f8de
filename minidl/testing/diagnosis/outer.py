"""Outer products: with one row and few steps, a weight's gradient ``a.T @ d`` shows ``a``, and ``d`` up to rounding.

``d``, what arrives at the weight from above, is known to nobody, least of all behind a recurrence. But as long as ``a``
has fewer rows than columns, one can tell which of the arrays that the layer keeps is ``a``, and then work out ``d``.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from minidl.testing.diagnosis.calls import tiny
from minidl.testing.diagnosis.evidence import NAMED, PLACED, Evidence, Hypothesis, Named
from minidl.testing.diagnosis.quantities import FEWER, functions_of
from minidl.testing.diagnosis.sample import largest
from minidl.typing import Array

STEPS = (1, 2, 3)


class Small(NamedTuple):
    """A call with one row: both gradients, and what is known beside them."""

    analytic: Array
    numeric: Array
    known: dict[str, Array]


def wrong_operand(e: Evidence) -> Iterator[Hypothesis]:
    """One of the two operands of ``a.T @ d`` is another than it should be; confirmed for a second row."""
    if e.target == "dx" or e.first.analytic.ndim != 2 or tiny(e) or e.first.x.ndim not in (2, 3):
        return
    for steps in STEPS[: 1 if e.first.x.ndim == 2 else 3]:
        calls = [small(e, row, steps) for row in range(min(2, len(e.first.x)))]
        told = [list(of_operands(call, e.target)) if call is not None else [] for call in calls]
        both = [text for text in told[0] if all(text in others for others in told)]
        if both:
            yield Hypothesis(both[0], NAMED if ":" in both[0] or ";" in both[0] else PLACED - 0.005)
            return


def small(e: Evidence, row: int, steps: int) -> Small | None:
    """Return a call with one row of so many steps, if the layer takes it and the gradients differ there."""
    assert e.context is not None
    x = e.first.x[row : row + 1]
    x = x[:, :steps] if x.ndim == 3 else x
    try:
        y, known = e.context.forward(x=x), e.context.held(x=x)
    except Exception:  # the layer needs more rows or steps
        return None
    dy = e.rng.standard_normal(y.shape)
    analytic, numeric = e.analytic_at(x=x, dy=dy), e.quick_numeric(x=x, dy=dy)
    if analytic is None or numeric is None or analytic.shape != numeric.shape or largest(numeric) < 1e-9:
        return None
    if largest(analytic - numeric) < 1e-5 * largest(numeric):
        return None
    return Small(analytic, numeric, {"x": x.astype(float), **known, "y": y})


def of_operands(s: Small, target: str) -> Iterator[str]:
    """Yield what is wrong with the left operand, or with the right one."""
    candidates = sorted((c for turned in (False, True) for c in operands(s, turned)), key=lambda c: len(c[1]))
    for name, a, turned in candidates:
        analytic, numeric = (m.T if turned else m for m in (s.analytic, s.numeric))
        arriving = solved(a, numeric)
        if arriving is None:
            continue
        found = solved(a, analytic)
        if found is not None:
            yield from of_factors(s, target, found, arriving)
            return
        for other, b, turned_too in candidates:
            if turned_too == turned and solved(b, analytic) is not None:
                yield f"{target} is a product of {other} with what arrives from above; {name} belongs there"
                return


def operands(s: Small, turned: bool) -> Iterator[tuple[str, Array, bool]]:
    """Yield the arrays, and products of two, that may be the left operand: with fewer rows, but zeros, than columns."""
    length = s.numeric.shape[1 if turned else 0]
    named = [(n, v) for n, v in s.known.items() if v.ndim > 1 and f"{n}[1:]" not in s.known]
    fits = [(n, v.reshape(-1, length)) for n, v in named if v.shape[-1] == length]
    products = [(f"{n}*{m}", v * w) for (n, v), (m, w) in combinations(fits, 2) if v.shape == w.shape]
    for name, v in [*fits, *products]:
        rows = v[np.any(v != 0, axis=1)]
        if 0 < len(rows) < length:
            yield name, rows, turned


def solved(a: Array, gradient: Array) -> Array | None:
    """Return ``d`` such that ``gradient`` is ``a.T @ d``, if there is one."""
    d = np.linalg.lstsq(a.T, gradient, rcond=None)[0]
    return d if largest(a.T @ d - gradient) <= 1e-6 * largest(gradient) else None


def of_factors(s: Small, target: str, found: Array, arriving: Array) -> Iterator[str]:
    """Yield in which columns what arrives is wrong, and by which factor or term, if that has a name."""
    off = np.abs(found - arriving) > 1e-6 * largest(arriving)
    columns = np.flatnonzero(np.any(off, axis=0))
    where = "" if len(columns) == off.shape[1] else f" in columns {listed(columns)} of {off.shape[1]} only"
    one, other = found[:, columns], arriving[:, columns]
    what = next(named_difference(s, one, other), "")
    if what or where:
        yield f"what arrives at {target} from above is wrong{where}{what}"


def named_difference(s: Small, found: Array, arriving: Array) -> Iterator[str]:
    """Yield the factor by which two arrays differ, or what their difference is a multiple of in each row."""
    size = largest(arriving) or largest(found)
    for name, q in beside_arriving(s, found.shape):
        if largest(found * q - arriving) <= 1e-6 * size:
            yield f": the factor {name} is missing"
        elif largest(found - arriving * q) <= 1e-6 * size:
            yield f": the factor {name} is too much"
    for name, q in beside_arriving(s, found.shape) if found.shape[1] > 1 else ():
        missing, square = arriving - found, (q * q).sum(axis=1, keepdims=True)
        c = (missing * q).sum(axis=1, keepdims=True) / np.where(square == 0, 1, square)
        if largest(missing - c * q) <= 1e-6 * size:
            yield f": a multiple of {name} in each row is missing, such as {name} times a sum"


def listed(columns: Array) -> str:
    """Return "0, 1, 2, ..." for a block, in full where it is short."""
    return ", ".join(map(str, columns[:8].tolist())) + (", ..." if len(columns) > 8 else "")


def beside_arriving(s: Small, shape: tuple[int, ...]) -> Iterator[Named]:
    """Yield functions of what is known in the shape of what arrives."""
    for name, v in s.known.items():
        if v.size == np.prod(shape) and v.shape[-1] == shape[-1]:
            yield from functions_of(name, v.reshape(shape), (*FEWER, "(1+{})"))


TESTS = [wrong_operand]
