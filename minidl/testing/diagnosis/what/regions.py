"""Regions: the gradient is wrong exactly where some condition holds, or only in some rows or columns."""

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis
from minidl.testing.diagnosis.sample import Sample, largest, least_squares, number
from minidl.testing.diagnosis.what.quantities import targets
from minidl.typing import Array


def condition(e: Evidence) -> Claims:
    """Wrong where a value of x, y or dy lies beyond a threshold or inside an interval.

    All other entries must be correct up to rounding: an error that fades near a point is present everywhere.
    """
    samples = [s for s in e.samples if s.analytic.shape[1:] == e.first.analytic.shape[1:]]
    wrong = np.concatenate([s.wrong.ravel() for s in samples])
    if not 0 < wrong.sum() < wrong.size or any(
        s.shows and largest(s.residual[~s.wrong]) > 30 * s.noise for s in samples
    ):
        return
    for name in conditions(e.first):
        arrays = [conditions(s).get(name, np.zeros(0)) for s in samples]
        if all(v.shape == s.analytic.shape for v, s in zip(arrays, samples, strict=True)):
            values = np.concatenate([v.ravel() for v in arrays])
            bad, good = values[wrong], values[~wrong]
            where = beyond(bad, good, name) or beyond(np.abs(bad), np.abs(good), f"|{name}|") or within(bad, good, name)
            if where:
                few = min(len(np.unique(bad)), len(np.unique(good))) < 4
                yield Hypothesis(f"wrong exactly where {where}{what_there(samples)}", OPEN if few else 7.0)


def conditions(s: Sample) -> dict[str, Array]:
    """Return the arrays whose values may decide where the gradient is wrong."""
    known = {"x": s.x, "dy": s.dy, "y": s.y, **dict(targets(s, s.analytic.shape))}
    return known | {
        name: v for name, v in s.attributes.items() if v.shape == s.analytic.shape and len(np.unique(v)) > 2
    }


def beyond(bad: Array, good: Array, name: str) -> str:
    """Return the threshold that separates the wrong values from the correct ones; empty if there is none."""
    if bad.max() < good.min():
        return f"{name} < {between(bad.max(), good.min())}"
    return f"{name} > {between(good.max(), bad.min())}" if bad.min() > good.max() else ""


def within(bad: Array, good: Array, name: str) -> str:
    """Return an interval that contains the wrong values and none of the correct ones; empty if there is none."""
    below, above = good[good < bad.min()], good[good > bad.max()]
    if len(below) + len(above) < len(good) or len(np.unique(good)) < 6:
        return ""
    return f"{between(below.max(), bad.min())} < {name} < {between(bad.max(), above.min())}"


def between(low: float, high: float) -> str:
    """Return the roundest number between two numbers."""
    if low <= 0 <= high:
        return "0"
    rounded = (round((low + high) / 2, digits) for digits in range(-3, 8))
    return number(next((middle for middle in rounded if low <= middle <= high), (low + high) / 2))


def what_there(samples: list[Sample]) -> str:
    """Return a description of the gradient in the wrong entries."""
    a, n, dy = (
        np.concatenate([getattr(s, name)[s.wrong] for s in samples if getattr(s, name).shape == s.wrong.shape] or [[]])
        for name in ("analytic", "numeric", "dy")
    )
    if not np.any(a):
        return ": it is zero there"
    for other, told in ((dy, "it equals {}*dy there"), (n, "{} times the right value there")):
        c = least_squares(other, a) if len(other) == len(a) else 0.0
        if c and np.abs(a - c * other).max() <= 1e-6 * np.abs(a).max():
            return f": {told.format(number(c)).replace('equals 1*dy', 'equals dy')}"
    return ""


def positions(e: Evidence) -> Claims:
    """Claim that only some rows, columns or positions along the axes are wrong."""
    s = e.first
    if s.wrong.all():
        return
    told = [told for axis in range(s.analytic.ndim) if (told := along(e, axis))]
    if told:
        there = np.ix_(*[bad_indices(s, axis) for axis in range(s.analytic.ndim)])
        what = what_there([s]) if s.wrong[there].all() and s.wrong.sum() > 1 else ""
        telling = bool(what) or any(end in told[0] for end in ("the last", "the first"))
        yield Hypothesis(f"wrong only in {' and '.join(told)}{what}", OPEN + 2 if telling else 2 * OPEN + 4)


def along(e: Evidence, axis: int) -> str:
    """Return a description of the few wrong indices along an axis; empty if they are not few."""
    s = e.first
    length, indices = s.analytic.shape[axis], bad_indices(s, axis)
    alike = [v for v in e.visible if axis or v.analytic.shape == s.analytic.shape]
    by_chance = axis == 0 and e.target == "dx" and len(alike) < 2  # the order of the rows is random
    if by_chance or not 0 < len(indices) < length or any(bad_indices(v, axis) != indices for v in alike):
        return ""
    last = axis == s.analytic.ndim - 1
    kind = "rows" if axis == 0 else "columns" if last and axis == 1 else f"positions along axis {axis}"
    ends = {"the last": [length - 1], "the first": [0], "the first and the last": [0, length - 1]}
    which = next((f" ({name})" for name, found in ends.items() if found == indices), "")
    if not which and indices == list(range(len(indices))) and axis > 0 and not last:
        rest = length - len(indices)
        which = f" (all but the last{f' {rest}' if rest > 1 else ''}: what is carried back from step to step)"
    return f"{kind} {', '.join(map(str, indices[:6]))}{which} of {length}"


def bad_indices(s: Sample, axis: int) -> list[int]:
    """Return the indices along an axis at which any entry is wrong."""
    others = tuple(k for k in range(s.analytic.ndim) if k != axis)
    return [int(i) for i in np.flatnonzero(s.wrong.any(axis=others))]
