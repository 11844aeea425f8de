"""Factors: the wrong gradient is the right one times something that can be named."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.testing.diagnosis import quantities
from minidl.testing.diagnosis.evidence import Evidence, Hypothesis, Sample, number
from minidl.typing import Array

MEANINGS = {
    "-1": "wrong sign",
    "2": "counted twice, or a factor 1/2 is missing",
    "1/2": "a factor 2 is missing",
    "1/batch size": "divided by m once too often",
    "batch size": "missing division by m",
    "1/length": "divided once too often: a mean where a sum belongs",
    "length": "a division is missing: a sum where a mean belongs",
    "1/number of outputs": "divided once too often: a mean where a sum belongs",
}


def constant_ratio(e: Evidence) -> Iterator[Hypothesis]:
    """analytic = c * numeric with one number c."""
    ratios = [least_squares(s.numeric, s.analytic) for s in e.visible]
    if not all(s.fits(s.analytic, r * s.numeric) for s, r in zip(e.visible, ratios, strict=True)):
        return
    if e.first.analytic.size < 2 and len(e.visible) < 2:
        return
    r = ratios[0]
    if abs(r) < 1e-12:
        yield Hypothesis("gradient is identically zero: never computed or never stored", 0.99)
        return
    for name in matching(e, lambda s: quantities.constants(e, s), ratios):
        equal = "" if name == number(r) else f" = {name}"
        yield Hypothesis(f"analytic/numeric is constant {number(r)}{equal}{meaning(name)}", 0.96)
        return
    same = np.allclose(ratios, r, rtol=1e-6, atol=0) and not close_to_one(ratios)
    if (same and len(ratios) > 1) or e.context is None:
        yield Hypothesis(f"analytic/numeric is constant {number(r)}: a factor is wrong", 0.9)
        return
    if close_to_one(ratios) and np.allclose(np.array(ratios) - 1, r - 1, rtol=1e-2, atol=0):
        yield Hypothesis(f"analytic/numeric is constant {r:.12g}: a factor differs from 1 by {number(r - 1)}", 0.9)
        return
    for name in matching(e, quantities.norms, ratios):
        yield Hypothesis(f"analytic/numeric is one number, {name}: normalised by it, or it is missing", 0.93)
        return
    shown = ", ".join(number(value) for value in ratios[:3])
    yield Hypothesis(f"analytic/numeric is one number in each call, but another one each time ({shown})", 0.85)


def close_to_one(ratios: list[float]) -> bool:
    return bool(np.abs(np.array(ratios) - 1).max() < 1e-4)


def meaning(name: str) -> str:
    for start, text in MEANINGS.items():
        if name == start or name.startswith((f"{start} (", f"{start} of")):
            return f": {text}"
    return ""


def matching(e: Evidence, source: Callable[[Sample], Iterator[Any]], ratios: list[float]) -> Iterator[str]:
    """Yield the names of those numbers of ``source`` that equal the ratio of each sample."""
    tables = [dict_in_order(source(s)) for s in e.visible]
    for index, (name, value) in enumerate(tables[0]):
        for sign, prefix in ((1, ""), (-1, "-")):
            if close(ratios[0], sign * value):
                others = zip(tables[1:], ratios[1:], strict=True)
                if all(index < len(table) and close(r, sign * table[index][1]) for table, r in others):
                    yield prefix + name if prefix != "-" or name[0] != "-" else name[1:]


def dict_in_order(source: Iterator[Any]) -> list[Any]:
    return list(source)


def close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * abs(other)


def least_squares(basis: Array, values: Array) -> float:
    square = float((basis * basis).sum())
    return float((basis * values).sum()) / square if square > 0 else 0.0


def factor(e: Evidence) -> Iterator[Hypothesis]:
    """analytic = q * numeric or numeric / q, where q is a known value per row, per feature or per entry."""
    if e.context is None or e.first.gap < 1e-9 * e.first.scale:
        return
    if e.everywhere(lambda s: s.fits(s.analytic, least_squares(s.numeric, s.analytic) * s.numeric)):
        return  # one number
    for source, base in ((quantities.along_axes, 0.91), (quantities.elementwise, 0.86)):
        found = first_factor(e, source)
        if found is None:
            continue
        name, inverse, sign, shape = found
        kind = ratio_kind(e.first.analytic.shape, shape)
        shown = f"{sign}{'1/' if inverse else ''}{name}"
        word = "missing" if inverse else "a factor too many"
        yield Hypothesis(f"ratio {kind} is {shown}: {name} is {word}", base)
        return


def first_factor(e: Evidence, source: Any) -> tuple[str, bool, str, tuple[int, ...]] | None:
    s, *others = e.visible
    for index, (name, q) in enumerate(source(e, s)):
        if not fit_to_be_a_factor(q, s):
            continue
        for inverse in (False, True):
            for sign, prefix in ((1, ""), (-1, "-")):
                if scaled(s, q, inverse, sign) and all(
                    again(e, other, source, index, inverse, sign) for other in others
                ):
                    return name, inverse, prefix, np.shape(q)
    return None


def fit_to_be_a_factor(q: Array, s: Sample) -> bool:
    try:
        return np.broadcast_shapes(np.shape(q), s.analytic.shape) == s.analytic.shape and bool(np.isfinite(q).all())
    except ValueError:
        return False


def again(e: Evidence, s: Sample, source: Any, index: int, inverse: bool, sign: int) -> bool:
    table = list(source(e, s))
    return index < len(table) and fit_to_be_a_factor(table[index][1], s) and scaled(s, table[index][1], inverse, sign)


def scaled(s: Sample, q: Array, inverse: bool, sign: int) -> bool:
    if inverse:
        return s.fits(s.analytic * q, sign * s.numeric, s.numeric)
    return s.fits(s.analytic, sign * s.numeric * q)


def ratio_kind(shape: tuple[int, ...], of: tuple[int, ...]) -> str:
    if not of or (len(of) == len(shape) and of[0] > 1 and np.prod(of[1:]) == 1):
        return "per row" if of else ""
    return "per entry" if of == shape and len(shape) > 1 else "per feature"


def varying_ratio(e: Evidence) -> Iterator[Hypothesis]:
    """analytic / numeric is one number a feature or a row, of no known origin."""
    for axis, kind in ((0, "feature"), (-1, "row")):
        if e.first.analytic.ndim < 2 or e.first.analytic.shape[axis] < 2:
            continue

        def along(s: Sample, axis: int = axis) -> bool:
            square = (s.numeric**2).sum(axis=axis, keepdims=True)
            r = (s.analytic * s.numeric).sum(axis=axis, keepdims=True) / np.where(square == 0, 1, square)
            return s.fits(s.analytic, r * s.numeric)

        if e.everywhere(along):
            s = e.first
            total = np.abs(s.numeric).sum(axis=axis)
            r = (s.analytic * np.sign(s.numeric)).sum(axis=axis) / np.where(total == 0, 1, total)
            if (np.abs(r - 1) < 1e-9).any() or np.ptp(r) <= 1e-9 * np.abs(r).max():
                return  # wrong in places only, which `regions` tells, or everywhere by the same factor
            shown = ", ".join(number(value) for value in r.ravel()[:4])
            yield Hypothesis(
                f"ratio analytic/numeric is constant per {kind} ({shown}{', ...' if r.size > 4 else ''}): "
                f"a factor that depends on the {kind} is wrong or missing",
                0.85,
            )


TESTS = [constant_ratio, factor, varying_ratio]
