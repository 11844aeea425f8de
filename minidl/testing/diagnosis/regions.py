"""Regions: the gradient is wrong exactly where some condition holds."""

from collections.abc import Callable, Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Hypothesis, Sample, number
from minidl.typing import Array


def condition(e: Evidence) -> Iterator[Hypothesis]:
    """Wrong where a value of x, y, dy or a parameter lies beyond a threshold or inside an interval."""
    samples = [s for s in e.samples if s.analytic.shape[1:] == e.first.analytic.shape[1:]]
    wrong = np.concatenate([s.wrong.ravel() for s in samples])
    if wrong.size < 3 or not wrong.any() or wrong.all():
        return
    tables = [variables(s) for s in samples]
    for name in tables[0]:
        if not all(name in table for table in tables):
            continue
        values = np.concatenate([table[name].ravel() for table in tables])
        where = describe(values, wrong, name)
        if where is not None:
            support = min(len(np.unique(values[wrong])), len(np.unique(values[~wrong])))
            if support >= 2 or name in ("x", "y", "dy"):
                score = 0.9 if support >= 4 else 0.83 if name in ("x", "y", "dy") else 0.6
                yield Hypothesis(f"wrong exactly where {where}{what_there(e, samples)}", score)
                return


def variables(s: Sample) -> dict[str, Array]:
    """Return what can be set beside each entry of the gradient."""
    found = {}
    for name, v in (("x", s.x), ("dy", s.dy), ("y", s.y), *s.parameters.items()):
        try:
            if v.dtype.kind in "fiu" and v.ndim and np.broadcast_shapes(v.shape, s.analytic.shape) == s.analytic.shape:
                found[name] = np.broadcast_to(v, s.analytic.shape)
        except ValueError:
            continue
    return found


def describe(values: Array, wrong: Array, name: str) -> str | None:
    """Return the condition on ``values`` under which all are wrong, and no others; None if there is none."""
    bad, good = values[wrong], values[~wrong]
    if np.ptp(bad) == 0 and not (good == bad[0]).any():
        return f"{name} is {number(float(bad[0]))}" if len(bad) > 2 else None
    if np.ptp(good) == 0 and len(good) > 2 and not (bad == good[0]).any():
        return f"{name} is not {number(float(good[0]))}"
    for shown, b, g in ((name, bad, good), (f"|{name}|", np.abs(bad), np.abs(good))):
        if b.max() < g.min():
            return f"{shown} < {number(between(float(b.max()), float(g.min())))}"
        if b.min() > g.max():
            return f"{shown} > {number(between(float(g.max()), float(b.min())))}"
    inside = (good > bad.min()) & (good < bad.max())
    if not inside.any() and len(np.unique(good)) >= 6 and len(np.unique(bad)) >= 2:
        low, high = good[good <= bad.min()], good[good >= bad.max()]
        return f"{number(float(low.max(initial=bad.min())))} < {name} < {number(float(high.min(initial=bad.max())))}"
    inside = (bad > good.min()) & (bad < good.max())
    if not inside.any() and len(np.unique(bad)) >= 4 and len(np.unique(good)) >= 4:
        return f"{name} lies outside [{number(float(good.min()))}, {number(float(good.max()))}]"
    return None


def between(low: float, high: float) -> float:
    """Return the roundest number between two."""
    if low <= 0 <= high:
        return 0.0
    for digits in range(-3, 8):
        middle = round((low + high) / 2, digits)
        if low <= middle <= high:
            return middle
    return (low + high) / 2


def what_there(e: Evidence, samples: list[Sample]) -> str:
    """Return what the gradient is in the wrong places."""
    a = np.concatenate([s.analytic[s.wrong].ravel() for s in samples])
    n = np.concatenate([s.numeric[s.wrong].ravel() for s in samples])
    if not np.any(a):
        return ": it is zero there"
    if e.first.dy.shape == e.first.analytic.shape:
        dy = np.concatenate([s.dy[s.wrong].ravel() for s in samples])
        if np.allclose(a, dy, rtol=1e-6):
            return ": it equals dy there"
        with np.errstate(all="ignore"):
            ratio = a / dy
        if np.isfinite(ratio).all() and np.ptp(ratio) <= 1e-6 * abs(ratio[0]):
            return f": it equals {number(float(ratio[0]))}*dy there"
    with np.errstate(all="ignore"):
        ratio = a / n
    if np.isfinite(ratio).all() and np.ptp(ratio) <= 1e-6 * abs(ratio[0]):
        return f": {number(float(ratio[0]))} times the right value there"
    if not np.any(np.abs(n) > 1e-9):
        return ": the right gradient is zero there"
    return ""


def places(e: Evidence) -> Iterator[Hypothesis]:
    """Wrong in one row, column or inner index only."""
    s = e.first
    if s.analytic.size < 2 or not s.analytic.ndim:
        return
    for axis in range(s.analytic.ndim):
        indices = [bad_indices(v, axis) for v in e.visible]
        length = s.analytic.shape[axis]
        if not indices[0] or len(indices[0]) == length or length < 2:
            continue
        if axis and any(i != indices[0] for i in indices):
            continue
        if len(indices[0]) > max(1, length // 2) and len(indices[0]) != length - 1:
            continue
        kind = (
            "entries"
            if s.analytic.ndim == 1
            else "rows"
            if axis == 0
            else "columns"
            if axis == s.analytic.ndim - 1
            else f"axis {axis}"
        )
        listed = ", ".join(map(str, indices[0][:6]))
        zero = not np.any(np.take(s.analytic, indices[0], axis))
        last = " (the last)" if indices[0] == [length - 1] else " (the first)" if indices[0] == [0] else ""
        what = ": zero there, forgotten" if zero else missing_or_extra(s, axis, indices[0])
        yield Hypothesis(f"wrong only in {kind} {listed}{last} of {length}{what}", 0.8 if zero or last else 0.6)
        return


def bad_indices(s: Sample, axis: int) -> list[int]:
    others = tuple(k for k in range(s.analytic.ndim) if k != axis)
    return [int(i) for i in np.flatnonzero(s.wrong.any(axis=others))]


def missing_or_extra(s: Sample, axis: int, indices: list[int]) -> str:
    return (
        ": the right gradient is zero there" if not np.any(np.abs(np.take(s.numeric, indices, axis)) > s.noise) else ""
    )


def interval(e: Evidence) -> Iterator[Hypothesis]:
    """Where few entries are wrong at this very point: move the input there, and see how far the error reaches."""
    s = e.first
    if e.target != "dx" or s.x.shape != s.analytic.shape or s.wrong.mean() > 0.35 or s.x.dtype.kind != "f":
        return
    index = tuple(int(i) for i in np.argwhere(s.wrong)[0])
    value = float(s.x[index])

    def is_wrong(at: float) -> bool:
        x = s.x.copy()
        x[index] = at
        analytic, matrix = e.analytic_at(x=x), e.jacobian("dx", np.array([np.ravel_multi_index(index, x.shape)]), x=x)
        if analytic is None or matrix is None:
            return False
        return bool(abs(analytic[index] - matrix[0] @ s.dy.ravel()) > 1e-7 * s.scale)

    if not is_wrong(value):
        return
    ends = [reach(is_wrong, value, side) for side in (-1.0, 1.0)]
    low, high = ends
    if low is None and high is None:
        return
    where = (
        f"x < {number(high)}" if low is None and high is not None
        else f"x > {number(low)}" if high is None and low is not None
        else f"{number(low or 0.0)} < x < {number(high or 0.0)}"
    )  # fmt: skip
    yield Hypothesis(
        f"wrong exactly where {where}{what_there(e, [s])} (a region, around x{list(index)} = {number(value)})", 0.9
    )


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


TESTS = [condition, interval, places]
