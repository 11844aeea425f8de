"""Shapes: gradients that become right when they are summed, transposed, reversed or put in another order."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import Sample
from minidl.typing import Array, Shape

Operator = Callable[[Array], Array]


def wrong_shape(e: Evidence) -> Claims:
    """The gradient has another shape than it should: which sum, or which transpose, gives the right one."""
    a, n = e.analytic, e.numeric
    if a.shape == n.shape:
        return
    text = f"{e.target} has shape {a.shape}, expected {n.shape}"
    size = float(np.abs(n).max(initial=0))
    for told, value in reductions(a):
        if value.shape == n.shape and np.allclose(value, n, rtol=1e-5, atol=1e-7 * size):
            yield Hypothesis(f"{text}: {told} gives the right answer")
            return
    yield Hypothesis(f"{text}: no sum or transpose gives the right answer", OPEN)


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


def not_numbers(e: Evidence) -> Claims:
    """Entries that were never set, or are not finite."""
    a, x = e.first.analytic, e.first.x
    bad = ~np.isfinite(a)
    if not bad.any():
        return
    if np.isnan(a).all():
        yield Hypothesis("gradient is not a number everywhere: never computed or never stored")
        return
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    where = f"{list(index)}"
    if x.shape == a.shape and np.array_equal(bad, x == 0):
        where += ", exactly where x is 0: a division by x"
    elif x.shape == a.shape:
        where += f", where x is {float(x[index]):.4g}: an intermediate value overflows, or 0/0 or 0*inf appears"
    yield Hypothesis(f"not finite in {int(bad.sum())} of {a.size} entries, first at {where}")


def rearranged(e: Evidence) -> Claims:
    """The right values in another place: transposed, reversed, shifted, cumulated, with rows or columns permuted."""
    shape = e.first.analytic.shape
    for rank, (text, operator) in enumerate(operators(shape)):
        if e.everywhere(is_right_under, operator):
            yield Hypothesis(f"becomes right when it is {text}", bits_of(rank) / 2)
            return
    for axis, length in enumerate(shape):
        for by in (sign * n for n in range(1, length - 1) for sign in (1, -1)):
            if e.everywhere(is_offset, axis, by):
                told = f"every value stands {abs(by)} position{'s' if abs(by) > 1 else ''}"
                told += f" too {'late' if by > 0 else 'early'} along axis {axis}"
                yield Hypothesis(f"{told}: an offset, or a crop at the wrong end", 4)
                return
    if e.first.analytic.size > 1 and e.everywhere(has_same_values):
        for axis, kind in ((0, "rows"), (-1, "columns")):
            if len(shape) > 1 and e.everywhere(has_same_slices, axis):
                yield Hypothesis(f"the right {kind} in another order: {kind} are permuted", 7)
                return
        yield Hypothesis("the right values in another order: entries are permuted", OPEN)


def is_right_under(s: Sample, operator: Operator) -> bool:
    """Return whether the gradient, so changed, is right."""
    return s.fits(operator(s.analytic), s.numeric)


def operators(shape: Shape) -> Iterator[tuple[str, Operator]]:
    """Yield the rearrangements of an array of this shape."""
    for axis in (axis for axis, length in enumerate(shape) if length > 1):
        yield f"reversed along axis {axis}", partial(np.flip, axis=axis)
        yield f"shifted by one along axis {axis}", partial(np.roll, shift=1, axis=axis)
        yield f"shifted back by one along axis {axis}", partial(np.roll, shift=-1, axis=axis)
        told = f"freed of a cumulative sum along axis {axis}: rows or entries are mixed"
        yield told, partial(np.diff, axis=axis, prepend=0)
        yield f"summed cumulatively along axis {axis}", partial(np.cumsum, axis=axis)
    for one, other in combinations(range(len(shape)), 2):
        if shape[one] == shape[other] > 1:
            last = (one, other) == (len(shape) - 2, len(shape) - 1)
            told = "a transpose is missing" if last else f"axes {one} and {other} exchanged"
            yield f"transposed: {told}", partial(np.swapaxes, axis1=one, axis2=other)
    if len(shape) >= 2:
        yield "read in the other order: a reshape where a transpose belongs", other_order


def is_offset(s: Sample, axis: int, by: int) -> bool:
    """Return whether ``analytic[t] == numeric[t - by]`` along an axis, and that is not right as it is."""
    there, origin = (slice(by, None), slice(None, -by)) if by > 0 else (slice(None, by), slice(-by, None))
    one, other, wrong = (np.moveaxis(v, axis, 0) for v in (s.analytic, s.numeric, s.wrong))
    return bool(wrong[there].any()) and s.fits(one[there], other[origin])


def other_order(v: Array) -> Array:
    """Return each row of v, or a matrix, read column by column."""
    inner = v.shape[1:] if v.ndim > 2 else v.shape
    flat = v.reshape(-1, *inner) if v.ndim > 2 else v[None]
    return np.array([one.ravel().reshape(inner, order="F") for one in flat]).reshape(v.shape)


def has_same_values(s: Sample) -> bool:
    """Return whether both gradients hold the same values in any order."""
    one, other = np.sort(s.analytic, axis=None), np.sort(s.numeric, axis=None)
    return len(np.unique(np.round(other / s.scale, 9))) > 2 and s.fits(one, other)


def has_same_slices(s: Sample, axis: int) -> bool:
    """Return whether both gradients hold the same rows (axis 0) or columns in any order."""
    one, other = (np.moveaxis(v, axis, 0).reshape(v.shape[axis], -1) for v in (s.analytic, s.numeric))
    size = 1e-6 * s.scale
    order_one, order_other = (np.lexsort(np.round(v / size).T) for v in (one, other))
    return s.fits(one[order_one], other[order_other])


def reduced_too_far(e: Evidence) -> Claims:
    """Every entry is one sum or mean of the right ones."""
    shape = e.first.analytic.shape
    axes = [tuple(range(len(shape))), *((axis,) for axis in range(len(shape)))]
    for axis in dict.fromkeys(axes) if e.first.analytic.size > 1 else ():
        for word, reduce in (("total", np.sum), ("mean", np.mean)):
            if np.prod([shape[k] for k in axis]) > 1 and e.everywhere(is_reduced, reduce, axis):
                which = "the feature axis" if len(shape) == 1 else f"axis {', '.join(map(str, axis))}"
                yield Hypothesis(f"every entry is the {word} of the right ones: reduced over {which} too", 1)
                return


def is_reduced(s: Sample, reduce: Callable[..., Array], axis: tuple[int, ...]) -> bool:
    """Return whether every entry is the sum, or the mean, of the right ones along the axes."""
    return s.fits(s.analytic, np.broadcast_to(reduce(s.numeric, axis=axis, keepdims=True), s.analytic.shape))


def other_mask(e: Evidence) -> Claims:
    """Every entry is right, or zero in one of the two gradients only."""
    if e.first.analytic.size < 3:
        return
    if e.everywhere(is_inverted):
        text = "zero exactly where the right gradient is not, and the reverse: the mask is inverted"
        yield Hypothesis(text, 2)
    elif e.everywhere(is_right_or_zero):
        lost, extra = (
            any(np.any((np.abs(v) <= s.noise) & s.wrong) for s, v in pairs)
            for pairs in ([(s, s.analytic) for s in e.visible], [(s, s.numeric) for s in e.visible])
        )
        if lost and extra:
            text = "some entries are zero that should not be, others the reverse, the rest is right: the mask of"
            more = "backward is another than that of forward (drawn again, shifted, from another threshold)"
            yield Hypothesis(f"{text} {more}", 5)


def is_inverted(s: Sample) -> bool:
    """Return whether the wrong gradient is zero exactly where the right one is not."""
    a, n = np.abs(s.analytic) > s.noise, np.abs(s.numeric) > s.noise
    return bool(n.any() and a.any() and not (a & n).any() and (a | n).mean() > 0.5)


def is_right_or_zero(s: Sample) -> bool:
    """Return whether every entry is right, or zero in one of the two gradients only."""
    a, n = np.abs(s.analytic) > s.noise, np.abs(s.numeric) > s.noise
    return bool(np.all(~s.wrong | (a ^ n)))


TESTS = [rearranged, reduced_too_far, other_mask]
