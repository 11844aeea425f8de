"""Shapes: gradients that become right when they are summed, transposed, turned round or put in another order."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations

import numpy as np

from minidl.testing.diagnosis.evidence import SURE, Evidence, Hypothesis
from minidl.testing.diagnosis.sample import Sample
from minidl.typing import Array, Shape


def wrong_shape(e: Evidence) -> Iterator[Hypothesis]:
    """The gradient has another shape than it should: which sum, or which transpose, mends it."""
    a, n = e.analytic, e.numeric
    if a.shape == n.shape:
        return
    for text, mended in reductions(a):
        if mended.shape == n.shape and np.allclose(mended, n, rtol=1e-5, atol=1e-7 * float(np.abs(n).max(initial=0))):
            yield Hypothesis(f"{e.target} has shape {a.shape}, expected {n.shape}: {text} gives the right answer", 1.0)
            return
    yield Hypothesis(
        f"{e.target} has shape {a.shape}, expected {n.shape}: no sum or transpose gives the right answer", 0.9
    )


def reductions(a: Array) -> Iterator[tuple[str, Array]]:
    """Yield the sums, means and transposes of an array."""
    for axis in range(a.ndim):
        yield f"summing axis {axis}", a.sum(axis=axis)
        yield f"summing axis {axis}, kept with length 1,", a.sum(axis=axis, keepdims=True)
        yield f"the mean over axis {axis}", a.mean(axis=axis)
    for count in range(2, a.ndim):
        yield f"summing the first {count} axes", a.sum(axis=tuple(range(count)))
    if a.ndim >= 2:
        yield "transposing", np.swapaxes(a, -1, -2)
    yield "summing everything", a.sum().reshape(())
    yield "squeezing", a.squeeze()


def not_numbers(e: Evidence) -> Iterator[Hypothesis]:
    """Entries that were never set, or are not finite."""
    a = e.first.analytic
    bad = ~np.isfinite(a)
    if not bad.any():
        return
    if np.isnan(a).all():
        yield Hypothesis("gradient is not a number everywhere: never computed or never stored", 1.0)
        return
    where = ""
    x = e.first.x
    if x.shape == a.shape and np.array_equal(bad, x == 0):
        where = ", exactly where x is 0: a division by x"
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    if not where and x.shape == a.shape:
        value = f"{list(index)}, where x is {float(x[index]):.4g}"
        where = ": an intermediate value overflows, or 0/0 or 0*inf appears"
    else:
        value = f"{list(index)}"
    yield Hypothesis(f"not finite in {int(bad.sum())} of {a.size} entries, first at {value}{where}", 1.0)


Change = Callable[[Array], Array]


def turned(e: Evidence) -> Iterator[Hypothesis]:
    """The right values in another place: transposed, reversed, shifted, with rows or columns permuted, cumulated."""
    for text, change in transformations(e.first.analytic.shape):
        if e.everywhere(becomes_right, change):
            yield Hypothesis(f"becomes right when it is {text}", 0.93)
            return
    if e.first.analytic.size > 1 and e.everywhere(same_values):
        for axis, kind in ((0, "rows"), (-1, "columns")):
            if e.first.analytic.ndim > 1 and e.everywhere(same_slices, axis):
                yield Hypothesis(f"the right {kind} in another order: {kind} are permuted", 0.9)
                return
        yield Hypothesis("the right values in another order: entries are permuted", 0.85)


def becomes_right(s: Sample, change: Change) -> bool:
    """Return whether the gradient, so changed, is right."""
    return s.fits(change(s.analytic), s.numeric)


def transformations(shape: Shape) -> Iterator[tuple[str, Change]]:
    """Yield ways to turn round an array of this shape."""
    for axis, length in enumerate(shape):
        if length > 1:
            yield from along(axis)
    for one, other in combinations(range(len(shape)), 2):
        if shape[one] == shape[other] > 1:
            last = (one, other) == (len(shape) - 2, len(shape) - 1)
            told = "a transpose is missing" if last else f"axes {one} and {other} exchanged"
            yield f"transposed: {told}", partial(np.swapaxes, axis1=one, axis2=other)
    if len(shape) >= 2:
        yield "read in the other order: a reshape where a transpose belongs", other_order


def along(axis: int) -> Iterator[tuple[str, Change]]:
    """Yield ways to turn round an array along an axis."""
    yield f"reversed along axis {axis}", partial(np.flip, axis=axis)
    yield f"shifted by one along axis {axis}", partial(np.roll, shift=1, axis=axis)
    yield f"shifted back by one along axis {axis}", partial(np.roll, shift=-1, axis=axis)
    yield (
        f"freed of a cumulative sum along axis {axis}: rows or entries are mixed",
        partial(np.diff, axis=axis, prepend=0),
    )
    yield f"summed cumulatively along axis {axis}", partial(np.cumsum, axis=axis)


def moved(e: Evidence) -> Iterator[Hypothesis]:
    """The right values some positions further along an axis, those beyond its end lost."""
    for axis, length in enumerate(e.first.analytic.shape):
        for by in range(1, length - 1):
            for sign, word in ((1, "late"), (-1, "early")):
                if e.everywhere(is_moved, axis, sign * by):
                    told = f"every value stands {by} {'position' if by == 1 else 'positions'} too {word} along"
                    yield Hypothesis(f"{told} axis {axis}: an offset, or a crop at the wrong end", 0.93)
                    return


def is_moved(s: Sample, axis: int, by: int) -> bool:
    """Return whether ``analytic[t] == numeric[t - by]`` along an axis, and that is not right as it is."""
    there, origin = (slice(by, None), slice(None, -by)) if by > 0 else (slice(None, by), slice(-by, None))
    one, other, wrong = (np.moveaxis(v, axis, 0) for v in (s.analytic, s.numeric, s.wrong))
    return bool(wrong[there].any()) and s.fits(one[there], other[origin])


def other_order(v: Array) -> Array:
    """Return each row of v, or a matrix, read column by column."""
    inner = v.shape[1:] if v.ndim > 2 else v.shape
    flat = v.reshape(-1, *inner) if v.ndim > 2 else v[None]
    return np.array([one.ravel().reshape(inner, order="F") for one in flat]).reshape(v.shape)


def same_values(s: Sample) -> bool:
    """Return whether both gradients hold the same values in any order."""
    one, other = np.sort(s.analytic, axis=None), np.sort(s.numeric, axis=None)
    return len(np.unique(np.round(other / s.scale, 9))) > 2 and s.fits(one, other)


def same_slices(s: Sample, axis: int) -> bool:
    """Return whether both gradients hold the same rows (axis 0) or columns in any order."""
    one, other = np.moveaxis(s.analytic, axis, 0), np.moveaxis(s.numeric, axis, 0)
    used: set[int] = set()
    for part in one:
        near = [k for k, o in enumerate(other) if k not in used and s.fits(part, o)]
        if not near:
            return False
        used.add(near[0])
    return True


def reduced_too_far(e: Evidence) -> Iterator[Hypothesis]:
    """Every entry is one sum or mean of the right ones."""
    s = e.first
    if s.analytic.size < 2:
        return
    axes: list[tuple[int, ...]] = [tuple(range(s.analytic.ndim)), *((axis,) for axis in range(s.analytic.ndim))]
    for axis in dict.fromkeys(axes):
        if np.prod([s.analytic.shape[k] for k in axis]) < 2:
            continue
        for word, reduce in (("total", np.sum), ("mean", np.mean)):
            if e.everywhere(is_reduced, reduce, axis):
                which = "the feature axis" if s.analytic.ndim == 1 else f"axis {', '.join(map(str, axis))}"
                yield Hypothesis(f"every entry is the {word} of the right ones: reduced over {which} too", 0.95)
                return


def is_reduced(s: Sample, reduce: Callable[..., Array], axis: tuple[int, ...]) -> bool:
    """Return whether every entry is the sum, or the mean, of the right ones along the axes."""
    return s.fits(s.analytic, np.broadcast_to(reduce(s.numeric, axis=axis, keepdims=True), s.analytic.shape))


def no_dependence(e: Evidence) -> Iterator[Hypothesis]:
    """The numeric gradient is zero everywhere."""
    if all(not np.any(np.abs(s.numeric) > 1e-12) for s in e.visible):
        what = "the input" if e.target == "dx" else e.target.rpartition("/")[2][1:]
        yield Hypothesis(
            f"the output does not depend on {what} at all: forward ignores it, or uses a stale copy made at "
            "construction, or a remembered result",
            SURE,
        )


def mask_inverted(e: Evidence) -> Iterator[Hypothesis]:
    """The analytic gradient is zero exactly where the numeric one is not."""

    def inverted(s: Sample) -> bool:
        a, n = np.abs(s.analytic) > s.noise, np.abs(s.numeric) > s.noise
        return bool(n.any() and a.any() and not (a & n).any() and (a | n).mean() > 0.5)

    if e.first.analytic.size > 2 and e.everywhere(inverted):
        yield Hypothesis("zero exactly where the right gradient is not, and the reverse: the mask is inverted", 0.94)
    elif e.first.analytic.size > 2 and e.everywhere(same_but_for_a_mask):
        kinds = [np.any((np.abs(s.analytic) <= s.noise) & s.wrong) for s in e.visible]
        extra = [np.any((np.abs(s.numeric) <= s.noise) & s.wrong) for s in e.visible]
        if any(kinds) and any(extra):
            text = (
                "some entries are zero that should not be, others the reverse, the rest is right: the mask of backward"
            )
            yield Hypothesis(
                f"{text} is another than that of forward (drawn anew, shifted, from another threshold)", 0.91
            )


def same_but_for_a_mask(s: Sample) -> bool:
    """Return whether every entry is right, or zero in one of the two gradients only."""
    a, n = np.abs(s.analytic) > s.noise, np.abs(s.numeric) > s.noise
    return bool(np.all(~s.wrong | (a ^ n)))


def zero_or_scaled_entries(e: Evidence) -> Iterator[Hypothesis]:
    """Every entry is right or zero."""
    if e.first.analytic.size < 3:
        return

    def right_or_zero(s: Sample) -> bool:
        return bool(np.all(~s.wrong | (np.abs(s.analytic) <= s.noise))) and not s.wrong.all()

    if e.everywhere(right_or_zero):
        count = int(e.first.wrong.sum())
        yield Hypothesis(
            f"right or zero: {count} of {e.first.analytic.size} entries are missing, the others are right", 0.55
        )


TESTS = [no_dependence, turned, moved, reduced_too_far, mask_inverted, zero_or_scaled_entries]
