"""Factors: the wrong gradient is the right one times something that can be named."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minidl.testing.diagnosis.evidence import NAMED, SHAPED, Evidence, Hypothesis, Source
from minidl.testing.diagnosis.numbers import norms, numbers, with_count
from minidl.testing.diagnosis.quantities import elementwise, factors, fits_beside
from minidl.testing.diagnosis.sample import Sample, least_squares, number
from minidl.typing import Array, Shape

# What a constant factor means, by the first words of its name.
MEANINGS = {
    "-1": "wrong sign",
    "2 ": "counted twice, or a factor 1/2 is missing",
    "1/2 ": "a factor 2 is missing",
    "1/batch size (": "divided by m once too often",
    "batch size (": "missing division by m",
    "1/length of": "divided once too often: a mean where a sum belongs",
    "length of": "a division is missing: a sum where a mean belongs",
    "1/number of": "divided once too often: a mean where a sum belongs",
    "number of": "a division is missing: a sum where a mean belongs",
    "1/(": "divided by it in backward, but not in forward",
}


def zero(e: Evidence) -> Iterator[Hypothesis]:
    """The gradient is zero everywhere: it was never computed; or it is zero here only."""
    if not e.first.analytic.size or any(np.any(s.analytic) for s in e.visible):
        return
    if any(np.any(s.analytic) for s in e.samples):
        text = (
            "gradient is identically zero here, though not elsewhere: an early exit, or a mask that covers everything"
        )
        yield Hypothesis(text, 0.96)
    else:
        yield Hypothesis("gradient is identically zero: never computed or never stored", 0.99)


def constant_ratio(e: Evidence) -> Iterator[Hypothesis]:
    """analytic = c * numeric with one number c, which has a name, or is the same in each call, or is not."""
    ratios = ratios_of(e)
    if ratios is None or abs(ratios[0]) < 1e-12 or (e.first.analytic.size < 2 and len(e.visible) < 2):
        return
    r, close_to_one = ratios[0], bool(np.abs(np.array(ratios) - 1).max() < 1e-4)
    for source, score in ((numbers, 0.96), (norms, 0.93)) if not close_to_one else ():
        name = named_ratio(e, source)
        if name:
            told = f"one number, {name}: normalised by it, or it is missing" if source is norms else ""
            yield Hypothesis(f"analytic/numeric is {told or f'constant {number(r)}{equal(name, r)}'}", score)
            return
    if close_to_one and np.allclose(np.array(ratios) - 1, r - 1, rtol=1e-2, atol=0):
        text = f"analytic/numeric is constant {r:.12g}: a factor differs from 1 by {number(r - 1)}"
        yield Hypothesis(f"{text}, an epsilon or an approximation (a finite difference, float32)", 0.905)
    elif e.context is None or (len(ratios) > 1 and np.allclose(ratios, r, rtol=1e-6, atol=0) and not close_to_one):
        yield Hypothesis(f"analytic/numeric is constant {number(r)}: a factor is wrong", 0.9)
    else:
        shown = ", ".join(number(value - close_to_one) for value in ratios[:3])
        what = f"1 + {shown}: an approximation, or float32" if close_to_one else shown
        yield Hypothesis(f"analytic/numeric is one number in each call, but another one each time ({what})", SHAPED)


def ratios_of(e: Evidence) -> list[float] | None:
    """Return analytic/numeric for each sample, if it is one number in each."""
    ratios = [least_squares(s.numeric, s.analytic) for s in e.visible]
    fit = all(s.fits(s.analytic, r * s.numeric) for s, r in zip(e.visible, ratios, strict=True))
    return ratios if fit else None


def named_ratio(e: Evidence, source: Source) -> str:
    """Return the name of the number that analytic/numeric is in every sample; two, where nothing tells which."""
    found: list[str] = []
    for sign, prefix in ((1, ""), (-1, "-")):
        found += [(prefix + name).removeprefix("--") for name in e.names(source, is_ratio, sign)]
    found = list(dict.fromkeys(found))
    for name, setting in e.settings.items() if len(found) > 1 else ():
        changed = e.with_argument(name, setting)
        if changed is not None:
            table, r = dict(source(changed)), least_squares(changed.numeric, changed.analytic)
            found = [n for n in found if abs(abs(r) - abs(float(table.get(alike(n, table), np.nan)))) < 1e-6] or found
    named = [name for name in found if any(setting in name for setting in e.settings)]
    return " or ".join(with_count(e.first, name) for name in dict.fromkeys([*found[:1], *named[:1]]))


def alike(name: str, table: dict[str, Array]) -> str:
    """Return the name that a quantity has in another table, where the values in brackets differ."""
    start = name.removeprefix("-").partition(" (")[0]
    return next((other for other in table if other.partition(" (")[0] == start), "")


def is_ratio(s: Sample, value: Array, sign: int) -> bool:
    """Return whether analytic/numeric is this number."""
    wanted = sign * float(value)
    return abs(least_squares(s.numeric, s.analytic) - wanted) <= 1e-6 * abs(wanted)


def equal(name: str, r: float) -> str:
    """Return " = 1/batch size (3): divided by m once too often", or less where the name is the number itself."""
    told = next((text for start, text in MEANINGS.items() if f"{name} ".startswith(start)), "")
    return ("" if name == number(r) else f" = {name}") + (f": {told}" if told else "")


class Factor(NamedTuple):
    """A quantity by which the gradient is multiplied, or divided, too much."""

    name: str
    inverse: bool
    sign: int
    shape: Shape
    is_a_sign: bool


def factor(e: Evidence) -> Iterator[Hypothesis]:
    """analytic = q * numeric or numeric / q, where q is a known value per row, per feature or per entry."""
    if e.context is None or e.first.gap < 1e-9 * e.first.scale or ratios_of(e) is not None:
        return
    for source, score in ((factors, NAMED), (elementwise, SHAPED)):
        found = next(named_factors(e, source), None)
        if found is None:
            continue
        kind = ratio_kind(e.first.analytic.shape, found.shape)
        shown = f"{'-' if found.sign < 0 else ''}{'1/' if found.inverse else ''}{found.name}"
        word = "missing" if found.inverse else "a factor too many"
        word = "missing, or a factor too many" if found.is_a_sign else word
        yield Hypothesis(f"ratio analytic/numeric {kind} is {shown}: {found.name} is {word}", score)
        return


def named_factors(e: Evidence, source: Source) -> Iterator[Factor]:
    """Yield the factors of a source that explain the error on every sample."""
    for inverse in (False, True):
        for sign in (1, -1):
            for name in e.names(source, is_factor, inverse, sign):
                q = dict(source(e.first))[name]
                yield Factor(name, inverse, sign, q.shape, set(np.unique(q)) <= {-1, 1})


def is_factor(s: Sample, q: Array, inverse: bool, sign: int) -> bool:
    """Return whether the gradient is multiplied, or divided, by q."""
    if not fits_beside(q.shape, s.analytic.shape) or set(np.unique(q)) <= {0, 1}:
        return False  # where a mask matters, `regions` tells
    if inverse:
        return s.fits(s.analytic * q, sign * s.numeric, s.numeric)
    return s.fits(s.analytic, sign * s.numeric * q)


def ratio_kind(shape: Shape, of: Shape) -> str:
    """Return whether a factor of shape ``of`` has one value a row, a feature or an entry."""
    if len(of) == len(shape) and of[0] > 1 and np.prod(of[1:]) == 1:
        return "per row"
    return "per entry" if of == shape and len(shape) > 1 else "per feature"


def varying_ratio(e: Evidence) -> Iterator[Hypothesis]:
    """analytic / numeric is one number along an axis (per feature, per row), of no known origin."""
    s = e.first
    for axis in range(s.analytic.ndim) if s.analytic.ndim > 1 else ():
        if s.analytic.shape[axis] < 2 or not e.everywhere(one_ratio, axis):
            continue
        total = np.abs(s.numeric).sum(axis=axis)
        r = (s.analytic * np.sign(s.numeric)).sum(axis=axis) / np.where(total == 0, 1, total)
        if (np.abs(r - 1) < 1e-9).any() or (np.abs(r - 1) < 1e-4).all() or np.ptp(r) <= 1e-9 * np.abs(r).max():
            return  # wrong in places only, which `regions` tells, or everywhere by the same factor
        kind = "feature" if axis == 0 else "row" if axis == s.analytic.ndim - 1 else f"line along axis {axis}"
        shown = ", ".join(number(value) for value in r.ravel()[:4])
        yield Hypothesis(
            f"ratio analytic/numeric is constant per {kind} ({shown}{', ...' if r.size > 4 else ''}): "
            f"a factor that depends on the {kind} is wrong or missing",
            SHAPED - 0.01,
        )
        return


def one_ratio(s: Sample, axis: int) -> bool:
    """Return whether analytic is a multiple of numeric along an axis."""
    square = (s.numeric**2).sum(axis=axis, keepdims=True)
    r = (s.analytic * s.numeric).sum(axis=axis, keepdims=True) / np.where(square == 0, 1, square)
    return s.fits(s.analytic, r * s.numeric)


TESTS = [zero, constant_ratio, factor, varying_ratio]
