"""Ratios: the wrong gradient is the right one times something that can be named."""

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Source
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis, bits_of
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


def zero(e: Evidence) -> Claims:
    """The gradient is zero everywhere: it was never computed; or it is zero here only."""
    if not e.first.analytic.size or any(np.any(s.analytic) for s in e.visible):
        return
    if any(np.any(s.analytic) for s in e.samples):
        text = "gradient is identically zero here, though not elsewhere: an early exit, or a mask of zeros"
        yield Hypothesis(text, OPEN)
    else:
        yield Hypothesis("gradient is identically zero: never computed or never stored")


def constant_ratio(e: Evidence) -> Claims:
    """analytic = c * numeric with one number c, which has a name, or is the same in each call, or is not."""
    ratios = ratios_of(e)
    if ratios is None or abs(ratios[0]) < 1e-12 or (e.first.analytic.size < 2 and len(e.visible) < 2):
        return
    r, close_to_one = ratios[0], bool(np.abs(np.array(ratios) - 1).max() < 1e-4)
    for source in (numbers, norms) if not close_to_one else ():
        name = named_ratio(e, source)
        if name:
            told = f"one number, {name}: normalised by it, or it is missing" if source is norms else ""
            yield Hypothesis(f"analytic/numeric is {told or f'constant {number(r)}{equal(name, r)}'}")
            return
    if close_to_one and np.allclose(np.array(ratios) - 1, r - 1, rtol=1e-2, atol=0):
        text = f"analytic/numeric is constant {r:.12g}: a factor differs from 1 by {number(r - 1)}"
        yield Hypothesis(f"{text}, an epsilon or an approximation (a finite difference, float32)", 6)
    elif e.context is None or (len(ratios) > 1 and np.allclose(ratios, r, rtol=1e-6, atol=0) and not close_to_one):
        yield Hypothesis(f"analytic/numeric is constant {number(r)}: a factor is wrong", 7)
    else:
        shown = ", ".join(number(value - close_to_one) for value in ratios[:3])
        what = f"1 + {shown}: an approximation, or float32" if close_to_one else shown
        yield Hypothesis(f"analytic/numeric is one number in each call, but another one each time ({what})", OPEN)


def ratios_of(e: Evidence) -> list[float] | None:
    """Return analytic/numeric for each sample, if it is one number in each."""
    ratios = [least_squares(s.numeric, s.analytic) for s in e.visible]
    return ratios if all(tolerance(s, r) > 0 for s, r in zip(e.visible, ratios, strict=True)) else None


def tolerance(s: Sample, r: float) -> float:
    """Return how well it is known that analytic is r * numeric; 0 if it is not. Forward may be float32."""
    if s.fits(s.analytic, r * s.numeric):
        return 1e-6
    return 1e-4 if s.is_residual((1 - r) * s.numeric) else 0.0


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
            found = [n for n in found if abs(abs(r) - abs(float(table.get(name_in(n, table), np.nan)))) < 1e-6] or found
    named = [name for name in found if any(setting in name for setting in e.settings)]
    return " or ".join(with_count(e.first, name) for name in dict.fromkeys([*found[:1], *named[:1]]))


def name_in(table_name: str, table: dict[str, Array]) -> str:
    """Return the name that a quantity has in another table, where the values in brackets differ."""
    start = table_name.removeprefix("-").partition(" (")[0]
    return next((other for other in table if other.partition(" (")[0] == start), "")


def is_ratio(s: Sample, value: Array, sign: int) -> bool:
    """Return whether analytic/numeric is this number."""
    wanted, r = sign * float(value), least_squares(s.numeric, s.analytic)
    return abs(r - wanted) <= tolerance(s, r) * abs(wanted)


def equal(name: str, r: float) -> str:
    """Return " = 1/batch size (3): divided by m once too often", or less where the name is the number itself."""
    told = next((text for start, text in MEANINGS.items() if f"{name} ".startswith(start)), "")
    return ("" if name == number(r) else f" = {name}") + (f": {told}" if told else "")


def factor(e: Evidence) -> Claims:
    """analytic = q * numeric or numeric / q, where q is a known value per row, per feature or per entry."""
    if e.context is None or e.first.gap < 1e-9 * e.first.scale or ratios_of(e) is not None:
        return
    for source, more in ((factors, 0.0), (elementwise, OPEN - 2)):
        for inverse in (False, True):
            for sign in (1, -1):
                name = next(e.names(source, is_factor, inverse, sign), "")
                if name:
                    q = dict(source(e.first))[name]
                    word = "missing" if inverse else "a factor too many"
                    word = "missing, or a factor too many" if set(np.unique(q)) <= {-1, 1} else word
                    kind, minus = ratio_kind(e.first.analytic.shape, q.shape), "-" if sign < 0 else ""
                    shown = f"{minus}{'1/' if inverse else ''}{name}"
                    text = f"ratio analytic/numeric {kind} is {shown}: {name} is {word}"
                    yield Hypothesis(text, more + bits_of(2))
                    return


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


TESTS = [zero, constant_ratio, factor]
