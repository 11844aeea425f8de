"""Relations: operations on the whole array that relate the wrong gradient to the correct one."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import Sample, least_squares, number
from minidl.testing.diagnosis.what.quantities import elementwise, fits_beside, numbers, with_count
from minidl.typing import Array, Shape

Operator = Callable[[Array], Array]
Relation = tuple[float, str, Callable[[Sample], bool]]

# The meaning of a constant factor, by the first words of its name.
MEANINGS = {
    "-1": "wrong sign",
    "2 ": "counted twice, or a factor 1/2 is missing",
    "1/2 ": "a factor 2 is missing",
    "1/batch size ": "divided by m once too often",
    "batch size ": "missing division by m",
    "1/length of": "divided once too often: a mean where a sum belongs",
    "length of": "a division is missing: a sum where a mean belongs",
    "1/number of": "divided once too often: a mean where a sum belongs",
    "1/(": "divided by it in backward, but not in forward",
}


def wrong_shape(e: Evidence) -> Claims:
    """If the gradient has the wrong shape, claim which sum, mean or transpose gives the correct one."""
    a, n = e.analytic, e.numeric
    if a.shape == n.shape:
        return
    text = f"{e.target} has shape {a.shape}, expected {n.shape}"
    for told, value in reductions(a):
        if value.shape == n.shape and np.allclose(value, n, rtol=1e-5, atol=1e-7 * float(np.abs(n).max(initial=0))):
            few = ": backward sums over too few axes" if told.startswith("summing") else ""
            yield Hypothesis(f"{text}: {told} gives the right answer{few}")
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
    yield "squeezing", a.squeeze()


def constant_ratio(e: Evidence) -> Claims:
    """Claim that analytic = c * numeric for a single number c, with its name if it has one."""
    ratios = np.array([least_squares(s.numeric, s.analytic) for s in e.visible])
    r, size = float(ratios[0]), e.first.analytic.size
    if not all(map(tolerance, e.visible, ratios)) or abs(r) < 1e-12 or (size < 2 and len(e.visible) < 2):
        return
    found = list(dict.fromkeys(e.names(numbers, is_ratio)))
    named = [name for name in found if any(setting in name for setting in e.settings)]
    if np.abs(ratios - 1).max() < 1e-4:
        text = f"analytic/numeric is constant {r:.12g}: a factor differs from 1 by {number(r - 1)}"
        yield Hypothesis(f"{text}, an epsilon or an approximation (a finite difference, float32)", 6)
    elif found:
        told = [with_count(e.first, name) for name in dict.fromkeys([*found[:1], *named[:1]])]
        yield Hypothesis(f"analytic/numeric is constant {number(r)}{equal(' or '.join(told), r)}")
    elif e.known is None or (len(ratios) > 1 and np.allclose(ratios, r, rtol=1e-6, atol=0)):
        yield Hypothesis(f"analytic/numeric is constant {number(r)}: a factor is wrong", 7)


def tolerance(s: Sample, r: float) -> float:
    """Return the accuracy to which analytic is r * numeric; 0 if it is not. Forward may be float32."""
    if s.fits(s.analytic, r * s.numeric):
        return 1e-6
    return 1e-4 if s.is_residual((1 - r) * s.numeric) else 0.0


def is_ratio(s: Sample, value: Array) -> bool:
    """Return whether analytic/numeric equals a number."""
    r = least_squares(s.numeric, s.analytic)
    return bool(abs(r - value) <= tolerance(s, r) * abs(value))


def equal(name: str, r: float) -> str:
    """Return " = 1/batch size (3): divided by m once too often"; names that repeat the number are left out."""
    told = next((text for start, text in MEANINGS.items() if f"{name} ".startswith(start)), "")
    return ("" if name == number(r) else f" = {name}") + (f": {told}" if told else "")


def factor(e: Evidence) -> Claims:
    """Claim that analytic is numeric times or divided by q, a known value per row, feature or entry."""
    if e.known is None or e.first.gap < 1e-9 * e.first.scale:
        return
    for inverse in (False, True):
        name = next(e.names(elementwise, is_factor, inverse), "")
        if name:
            q = dict(elementwise(e.first))[name]
            word = "missing" if inverse else "a factor too many"
            word = "missing, or a factor too many" if set(np.unique(q)) <= {-1, 1} else word
            kind = ratio_kind(e.first.analytic.shape, q.shape)
            text = f"ratio analytic/numeric {kind} is {'1/' if inverse else ''}{name}: {name} is {word}"
            yield Hypothesis(text, 1.6 if name.startswith("self.") or name in e.first.parameters else OPEN)
            return


def is_factor(s: Sample, q: Array, inverse: bool) -> bool:
    """Return whether the gradient is multiplied, or divided, by q."""
    if not fits_beside(q.shape, s.analytic.shape) or set(np.unique(q)) <= {0, 1} or np.ptp(q) == 0:
        return False  # masks are left to `regions`, single numbers to `constant_ratio`
    return s.fits(s.analytic * q, s.numeric, s.numeric) if inverse else s.fits(s.analytic, s.numeric * q)


def ratio_kind(shape: Shape, of: Shape) -> str:
    """Return whether a factor of shape ``of`` has one value per row, per feature or per entry."""
    if len(of) == len(shape) and of[0] > 1 and np.prod(of[1:]) == 1:
        return "per row"
    return "per entry" if of == shape and len(shape) > 1 else "per feature"


def related(e: Evidence) -> Claims:
    """Claim the first relation below that holds."""
    if e.first.analytic.size < 2:
        return
    for bits, text, holds in relations(e.first.analytic.shape):
        if e.everywhere(holds):
            yield Hypothesis(text, bits)
            return


def relations(shape: Shape) -> Iterator[Relation]:
    """Yield relations to the correct gradient: zero, summed, reversed, shifted, transposed, masked, permuted."""
    yield 0, "gradient is identically zero: never computed or never stored", lambda s: not s.analytic.any()
    yield 2, "equals dy: the layer's own derivative is missing", lambda s: s.fits(s.analytic, s.dy)
    long = [axis for axis, length in enumerate(shape) if length > 1]
    for axes in dict.fromkeys([tuple(range(len(shape))), *((axis,) for axis in long)]):
        which = "the feature axis" if len(shape) == 1 else f"axis {', '.join(map(str, axes))}"
        for word, reduce in (("total", np.sum), ("mean", np.mean)):
            told = f"every entry is the {word} of the right ones: reduced over {which} too"
            yield 1, told, partial(is_reduced, reduce=reduce, axes=axes)
    for rank, (told, operator) in enumerate(operators(shape)):
        yield bits_of(rank) / 2, f"becomes right when it is {told}", partial(is_right_under, operator=operator)
    for axis, length in enumerate(shape):
        for by in (sign * n for n in range(1, length - 1) for sign in (1, -1)):
            told = f"every value stands {abs(by)} position{'s' if abs(by) > 1 else ''}"
            told += f" too {'late' if by > 0 else 'early'} along axis {axis}: an offset, or a crop at the wrong end"
            yield 4, told, partial(is_offset, axis=axis, by=by)
    for axis, kind in ((0, "rows"), (len(shape) - 1, "columns")) if len(shape) > 1 else ():
        told = f"the right {kind} in another order: {kind} are permuted"
        yield 7, told, partial(has_same_slices, axis=axis)
    yield OPEN, "the right values in another order: entries are permuted", has_same_values


def operators(shape: Shape) -> Iterator[tuple[str, Operator]]:
    """Yield the rearrangements of an array of this shape."""
    for axis in (axis for axis, length in enumerate(shape) if length > 1):
        yield f"reversed along axis {axis}", partial(np.flip, axis=axis)
        told = f"freed of a cumulative sum along axis {axis}: rows or entries are mixed"
        yield told, partial(np.diff, axis=axis, prepend=0)
    for one, other in combinations(range(len(shape)), 2):
        if shape[one] == shape[other] > 1:
            last = (one, other) == (len(shape) - 2, len(shape) - 1)
            told = "a transpose is missing" if last else f"axes {one} and {other} exchanged"
            yield f"transposed: {told}", partial(np.swapaxes, axis1=one, axis2=other)


def is_reduced(s: Sample, reduce: Callable[..., Array], axes: tuple[int, ...]) -> bool:
    """Return whether every entry is the sum, or the mean, of the correct entries along the axes."""
    return s.fits(s.analytic, np.broadcast_to(reduce(s.numeric, axis=axes, keepdims=True), s.analytic.shape))


def is_right_under(s: Sample, operator: Operator) -> bool:
    """Return whether applying the operator makes the gradient correct."""
    return s.fits(operator(s.analytic), s.numeric)


def is_offset(s: Sample, axis: int, by: int) -> bool:
    """Return whether ``analytic[t] == numeric[t - by]`` along an axis while the gradient itself is wrong there."""
    there, origin = (slice(by, None), slice(None, -by)) if by > 0 else (slice(None, by), slice(-by, None))
    one, other, wrong = (np.moveaxis(v, axis, 0) for v in (s.analytic, s.numeric, s.wrong))
    return bool(wrong[there].any()) and s.fits(one[there], other[origin])


def has_same_values(s: Sample) -> bool:
    """Return whether both gradients contain the same values, in any order."""
    one, other = np.sort(s.analytic, axis=None), np.sort(s.numeric, axis=None)
    return len(np.unique(np.round(other / s.scale, 9))) > 2 and s.fits(one, other)


def has_same_slices(s: Sample, axis: int) -> bool:
    """Return whether both gradients contain the same rows (axis 0) or columns, in any order."""
    one, other = (np.moveaxis(v, axis, 0).reshape(v.shape[axis], -1) for v in (s.analytic, s.numeric))
    order_one, order_other = (np.lexsort(np.round(v / (1e-6 * s.scale)).T) for v in (one, other))
    return len(other) > 2 and s.fits(one[order_one], other[order_other])
