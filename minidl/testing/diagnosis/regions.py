"""Regions: the gradient is wrong exactly where some condition holds, or in some rows or columns only."""

from collections.abc import Callable

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis
from minidl.testing.diagnosis.quantities import fitting, occurrences
from minidl.testing.diagnosis.sample import Sample, number
from minidl.typing import Array


def condition(e: Evidence) -> Claims:
    """Wrong where a value of x, y, dy or a parameter lies beyond a threshold or inside an interval.

    The rest has to be right to rounding: an error that fades away near a point is everywhere, only smaller there.
    """
    samples = [s for s in e.samples if s.analytic.shape[1:] == e.first.analytic.shape[1:]]
    wrong = np.concatenate([s.wrong.ravel() for s in samples])
    if wrong.size < 3 or not wrong.any() or wrong.all():
        return
    if any(s.shows and np.any(np.abs(s.residual)[~s.wrong] > 30 * s.noise) for s in samples):
        return
    tables = [variables(s) for s in samples]
    for name in tables[0]:
        if not all(name in table for table in tables):
            continue
        values = np.concatenate([table[name].ravel() for table in tables])
        where = describe(values, wrong, name)
        support = min(len(np.unique(values[wrong])), len(np.unique(values[~wrong])))
        plain = name in ("x", "y", "dy")
        if where and (support >= 2 or plain):
            bits = 7.0 if support >= 4 else OPEN if plain else 2 * OPEN + 6
            yield Hypothesis(f"wrong exactly where {where}{what_there(e, samples)}", bits)
            return


def variables(s: Sample) -> dict[str, Array]:
    """Return what can be compared with each entry of the gradient."""
    known = [("x", s.x), ("dy", s.dy), ("y", s.y), *s.parameters.items(), *s.attributes.items()]
    fit = [q for name, v in known if v.dtype.kind in "fiu" for q in fitting(name, v, s.analytic.shape)]
    return {name: np.broadcast_to(v, s.analytic.shape) for name, v in (*fit, *occurrences(s))}


def describe(values: Array, wrong: Array, name: str) -> str:
    """Return the condition on ``values`` under which all are wrong, and no others; empty if there is none."""
    bad, good = values[wrong], values[~wrong]
    if np.ptp(bad) == 0 and not (good == bad[0]).any():
        return f"{name} is {number(float(bad[0]))}" if len(bad) > 2 else ""
    if np.ptp(good) == 0 and len(good) > 2 and not (bad == good[0]).any():
        return f"{name} is not {number(float(good[0]))}"
    return beyond(bad, good, name) or beyond(np.abs(bad), np.abs(good), f"|{name}|") or within(bad, good, name)


def beyond(bad: Array, good: Array, name: str) -> str:
    """Return the threshold that separates the wrong from the right."""
    if bad.max() < good.min():
        return f"{name} < {number(between(float(bad.max()), float(good.min())))}"
    if bad.min() > good.max():
        return f"{name} > {number(between(float(good.max()), float(bad.min())))}"
    return ""


def within(bad: Array, good: Array, name: str) -> str:
    """Return the interval inside or outside of which all are wrong, given enough values to tell."""
    inside = (good > bad.min()) & (good < bad.max())
    if not inside.any() and len(np.unique(good)) >= 6 and len(np.unique(bad)) >= 2:
        low, high = good[good <= bad.min()], good[good >= bad.max()]
        return f"{number(float(low.max(initial=bad.min())))} < {name} < {number(float(high.min(initial=bad.max())))}"
    inside = (bad > good.min()) & (bad < good.max())
    if not inside.any() and len(np.unique(bad)) >= 4 and len(np.unique(good)) >= 4:
        return f"{name} lies outside [{number(float(good.min()))}, {number(float(good.max()))}]"
    return ""


def between(low: float, high: float) -> float:
    """Return the roundest number between two."""
    if low <= 0 <= high:
        return 0.0
    rounded = (round((low + high) / 2, digits) for digits in range(-3, 8))
    return next((middle for middle in rounded if low <= middle <= high), (low + high) / 2)


def what_there(e: Evidence, samples: list[Sample]) -> str:
    """Return what the gradient is in the wrong entries."""
    a, n = (np.concatenate([v[s.wrong].ravel() for s, v in pairs]) for pairs in (
        [(s, s.analytic) for s in samples], [(s, s.numeric) for s in samples]
    ))  # fmt: skip
    if not np.any(a):
        return ": it is zero there"
    if e.first.dy.shape == e.first.analytic.shape:
        c = ratio_of(a, np.concatenate([s.dy[s.wrong].ravel() for s in samples]))
        if c is not None:
            return f": it equals {'' if abs(c - 1) < 1e-6 else number(c) + '*'}dy there"
    if not np.any(np.abs(n) > 1e-9):
        return ": the right gradient is zero there"
    c = ratio_of(a, n)
    return "" if c is None else f": {number(c)} times the right value there"


def ratio_of(one: Array, other: Array) -> float | None:
    """Return the number that ``one / other`` is everywhere."""
    ratio = one / other
    return float(ratio[0]) if np.isfinite(ratio).all() and np.ptp(ratio) <= 1e-6 * abs(ratio[0]) else None


def positions(e: Evidence) -> Claims:
    """Wrong in some rows, columns or positions along the axes only."""
    s = e.first
    if s.analytic.size < 2 or not s.analytic.ndim or s.wrong.all():
        return
    told = [told for axis in range(s.analytic.ndim) if (told := along(e, axis))]
    if told:
        there = np.ix_(*[bad_indices(s, axis) for axis in range(s.analytic.ndim)])
        what = ""
        if s.wrong[there].all() and s.wrong.sum() > 1:
            what = what_there(e, [s]).replace("it is zero there", "zero there, forgotten")
        telling = bool(what) or any(end in told[0] for end in ("the last", "the first"))
        yield Hypothesis(f"wrong only in {' and '.join(told)}{what}", OPEN + 2 if telling else 2 * OPEN + 4)


def along(e: Evidence, axis: int) -> str:
    """Return the few indices along an axis where something is wrong, as words; empty if they are not few."""
    s = e.first
    length, indices = s.analytic.shape[axis], bad_indices(s, axis)
    if not indices or len(indices) == length or length < 2:
        return ""
    if axis == 0 and e.target == "dx" and sum(v.analytic.shape == s.analytic.shape for v in e.visible) < 2:
        return ""  # which rows stand where is chance
    same_rows = [v for v in e.visible if axis or v.analytic.shape == s.analytic.shape]
    if any(bad_indices(v, axis) != indices for v in same_rows):
        return ""
    kind = "entries" if s.analytic.ndim == 1 else "rows" if axis == 0 else f"positions along axis {axis}"
    kind = "columns" if axis == s.analytic.ndim - 1 == 1 else kind
    ends = {"the last": [length - 1], "the first": [0], "the first and the last": [0, length - 1]}
    which = next((f" ({name})" for name, found in ends.items() if found == indices), "")
    if not which and indices == list(range(len(indices))) and 0 < axis < s.analytic.ndim - 1:
        rest = length - len(indices)
        which = f" (all but the last{f' {rest}' if rest > 1 else ''}: what is carried back from step to step)"
    return f"{kind} {', '.join(map(str, indices[:6]))}{which} of {length}"


def bad_indices(s: Sample, axis: int) -> list[int]:
    """Return the indices along an axis where something is wrong."""
    others = tuple(k for k in range(s.analytic.ndim) if k != axis)
    return [int(i) for i in np.flatnonzero(s.wrong.any(axis=others))]


def interval(e: Evidence) -> Claims:
    """Where few entries are wrong at this very point: move the input there, and see how far the error reaches."""
    s = e.first
    if e.target != "dx" or s.x.shape != s.analytic.shape or s.wrong.mean() > 0.35 or s.x.dtype.kind != "f":
        return
    index = tuple(int(i) for i in np.argwhere(s.wrong)[0])
    value, entry = float(s.x[index]), np.array([np.ravel_multi_index(index, s.x.shape)])

    def is_wrong(at: float) -> bool:
        x = s.x.copy()
        x[index] = at
        analytic, matrix = e.analytic_at(x=x), e.jacobian("dx", entry, x=x)
        if analytic is None or matrix is None:
            return False
        return bool(abs(analytic[index] - matrix[0] @ s.dy.ravel()) > 1e-7 * s.scale)

    if not is_wrong(value) or not acts_alone(e, index):
        return
    low, high = (reach(is_wrong, value, side) for side in (-1.0, 1.0))
    if low is None and high is None:
        return
    where = f"{number(low or 0.0)} < x < {number(high or 0.0)}"
    where = f"x < {number(high or 0.0)}" if low is None else f"x > {number(low)}" if high is None else where
    text = f"wrong exactly where {where}{what_there(e, [s])} (a region, around x{list(index)} = {number(value)})"
    yield Hypothesis(text, 7)


def acts_alone(e: Evidence, index: tuple[int, ...]) -> bool:
    """Return whether y depends on this entry of x in the same place only, wherever the entry is."""
    if e.context is None or e.first.y.shape != e.first.x.shape:
        return False
    for value in (-3.0, 0.37, 3.0):
        x = e.first.x.copy()
        x[index] = value
        changed = np.abs(e.context.forward(x=x) - e.first.y) > 1e-12 * (np.abs(e.first.y).max() or 1.0)
        changed[index] = False
        if changed.any():
            return False
    return True


def reach(is_wrong: Callable[[float], bool], start: float, side: float) -> float | None:
    """Return where the error ends to one side, rounded; None if it does not end."""
    inner, step = start, 1e-3
    while step < 40 and is_wrong(start + side * step):
        inner, step = start + side * step, 2 * step
    if step >= 40:
        return None
    outer = start + side * step
    for _ in range(22):
        middle = (inner + outer) / 2
        inner, outer = (middle, outer) if is_wrong(middle) else (inner, middle)
    return round(outer, 2 if abs(outer - start) > 0.1 else 4) + 0.0


TESTS = [condition, interval, positions]
