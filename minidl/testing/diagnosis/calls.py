"""Calls: how the gradient depends on dy, on what was called before, and on the number of rows."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import SURE, Evidence, Hypothesis
from minidl.testing.diagnosis.quantities import elementwise
from minidl.testing.diagnosis.sample import floats, largest, least_squares, number
from minidl.typing import Array


def not_linear(e: Evidence) -> Iterator[Hypothesis]:
    """backward is not linear in dy: something is added, clipped, normalised, or depends on the sign."""
    if e.context is None or not e.first.dy.size:
        return
    dy = e.first.dy
    zero, once, minus = (e.analytic_at(dy=c * dy) for c in (0.0, 1.0, -1.0))
    if zero is None or once is None or minus is None or not np.isfinite(once).all():
        return
    scale = float(np.abs(once).max(initial=0)) or 1.0
    again = e.analytic_at(dy=dy)
    if again is None or not np.array_equal(once, again):
        yield Hypothesis("two identical backward calls differ: backward draws random numbers, noise", 0.98)
        return
    if np.abs(zero).max(initial=0) > 1e-13 * scale:
        yield Hypothesis(what_is_added(e, zero, once), SURE)
        return
    if np.abs(once + minus).max(initial=0) > 1e-9 * scale:
        mask = ""
        if dy.shape == once.shape and not np.any(once[dy < 0]):
            mask = ": only dy > 0 is let through, as in guided backpropagation"
        elif dy.shape == once.shape and not np.any(once[dy > 0]):
            mask = ": only dy < 0 is let through"
        yield Hypothesis(f"backward is not linear in dy: the result depends on the sign of dy{mask}", SURE)
        return
    yield from scaling(e, dy)


def what_is_added(e: Evidence, zero: Array, once: Array) -> str:
    """Return what backward gives for an upstream gradient of zeros."""
    if np.array_equal(zero, once):
        return "backward does not depend on dy at all: something replaces the upstream gradient, which is ignored"
    known = [("1", np.ones(zero.shape)), *e.first.parameters.items(), *elementwise(e.first)]
    for name, p in known:
        if p.shape == zero.shape and np.any(p):
            c = least_squares(p, zero)
            if largest(zero - c * p) <= 1e-6 * largest(zero):
                factor = "" if number(c) == "1" else f"{number(c)}*"
                told = f"the constant {number(c)}" if name == "1" else f"{factor}{name}, a multiple of {name}"
                return f"something is added to the gradient: for dy = 0 it is {told}"
    return f"something is added to, or replaces, the upstream gradient: for dy = 0 it is up to {number(largest(zero))}"


def scaling(e: Evidence, dy: Array) -> Iterator[Hypothesis]:
    """Multiply dy by powers of two: backward(t dy)/t is the same for all t between a smallest and a largest size."""
    unit = dy / (largest(dy) or 1.0)
    sizes = [2.0**k for k in range(-200, 61, 4)]
    results = [e.analytic_at(dy=t * unit) for t in sizes]
    if any(r is None for r in results) or not any(r is not None and np.any(r) for r in results):
        return
    slopes = [r / t for r, t in zip(results, sizes, strict=True) if r is not None]
    common = max(
        (k for k in range(len(slopes)) if np.any(slopes[k])),
        key=lambda k: sum(close(slopes[k], other) for other in slopes),
    )
    follows = [close(slopes[common], other) for other in slopes]
    if not all(follows[common:]):
        k = follows.index(False, common)
        last = e.analytic_at(dy=16 * sizes[-1] * unit)
        flat = last is not None and close(last, sizes[-1] * slopes[-1])
        word = "clipping" if flat and not constant_ratio(slopes[-1], slopes[common]) else "clipping or normalisation"
        word = "normalisation" if flat and word != "clipping" else word
        text = f"backward must be linear in dy: look for {word}; it no longer follows where dy reaches"
        yield Hypothesis(f"{text} {number(sizes[k - 1])} to {number(sizes[k])}{float16(sizes[k])}", 0.96)
    elif not all(follows):
        k = len(follows) - 1 - follows[::-1].index(False)
        yield Hypothesis(
            "backward must be linear in dy: small upstream gradients are dropped or changed, below a threshold between "
            f"{number(sizes[k])} and {number(sizes[k + 1])}",
            0.96,
        )


def float16(size: float) -> str:
    """Return a hint where a threshold is the largest float16 number."""
    return ": float16 ends at 65504" if 2**15 <= size <= 2**21 else ""


def close(one: Array, other: Array) -> bool:
    """Return whether two arrays are equal to nine digits."""
    return largest(one - other) <= 1e-9 * largest(one)


def constant_ratio(one: Array, other: Array) -> bool:
    """Return whether one array is a multiple of the other."""
    c = least_squares(other, one)
    return largest(one - c * other) <= 1e-6 * largest(one)


def history(e: Evidence) -> Iterator[Hypothesis]:
    """A fresh layer gives another gradient at the same point: earlier calls matter."""
    fresh = e.analytic_at()
    if fresh is None or fresh.shape != e.first.analytic.shape or not e.first.shows:
        return
    if np.abs(fresh - e.first.analytic).max(initial=0) > 0.5 * e.first.gap:
        again = e.analytic_at()
        if again is not None and not np.array_equal(again, fresh, equal_nan=True):
            yield Hypothesis("two identical backward calls differ: backward draws random numbers, noise", 0.98)
        elif np.abs(fresh - e.first.numeric).max() <= 1e-3 * e.first.gap:
            yield Hypothesis("right on a fresh layer, wrong after an earlier call: something is kept from it", SURE)


def forward_remembers(e: Evidence) -> Iterator[Hypothesis]:
    """A layer that was called before gives another output than a fresh one: the numeric gradient is not to be had."""
    if e.context is None:
        return
    e.context.forward()
    for name, p in e.first.parameters.items():
        moved = {name: 1.1 * p + 0.1}
        used = e.context.forward(parameters=moved)
        fresh, again = (floats(e.context.run(parameters=moved)[0]) for _ in range(2))
        if fresh.shape == used.shape and np.array_equal(fresh, again) and not close(fresh, used):
            text = f"forward keeps something from its first call that depends on {name}, and uses it after {name} has"
            yield Hypothesis(f"{text} changed: a stale cache; compute it anew in each forward", SURE)
            return


def batch_sizes(e: Evidence) -> Iterator[Hypothesis]:
    """Right up to some batch size, wrong from the next on; or wrong for one size only."""
    if e.context is None or not e.first.x.ndim or tiny(e):
        return
    sizes = BatchSizes(e)
    bad = int(e.context.facts.get("first_bad_batch", 0) or e.context.facts.get("batch", 0) or len(e.first.x))
    shows_always = e.context.check != "batch" and all(s.shows for s in e.samples)
    if (shows_always and not (sizes.right(1) or (bad > 2 and sizes.right(2)))) or sizes.right(bad):
        return
    for smaller in (*range(1, min(6, bad)), 8, bad - 1):
        if 0 < smaller < bad and (smaller < 6 or len(sizes.checked) < 7):
            sizes.right(smaller)
    good = [count for count, is_right in sizes.checked.items() if is_right and count < bad]
    if good:
        yield sizes.from_a_limit(max(good), bad)
        return
    later = [sizes.right(bad + k) for k in (1, 2)]
    if all(later):
        told = f"wrong for batch size {bad} only, right for {bad + 1} and {bad + 2}: a special case"
        yield Hypothesis(told, 0.95)
    elif any(later):
        yield Hypothesis(f"depends on the batch size: {sizes} (odd and even sizes differ)", 0.9)


class Undecided(ValueError):
    """For one number of rows the gradient is right at some points and wrong at others: the number is not the cause."""


class BatchSizes:
    """For which numbers of rows the gradient is right, each tried at several points."""

    def __init__(self, e: Evidence) -> None:
        self.evidence = e
        self.checked: dict[int, bool] = {}
        self.certain = e.context is not None and e.context.check == "batch"  # that the size matters

    def right(self, count: int) -> bool:
        """Return whether the gradient is right for so many rows."""
        if count not in self.checked:
            tries = range(1 if self.certain else 3)
            found = [self.evidence.is_right(**self.evidence.values(count)) is not False for _ in tries]
            self.checked[count] = found[0]
            if not all(found) and any(found):
                raise Undecided
        return self.checked[count]

    def __str__(self) -> str:
        return ", ".join(f"{count} {'right' if good else 'wrong'}" for count, good in sorted(self.checked.items()))

    def from_a_limit(self, low: int, bad: int) -> Hypothesis:
        """Return what happens between a number of rows that is right and a larger one that is wrong."""
        while bad - low > 1:
            middle = (low + bad) // 2
            low, bad = (middle, bad) if self.right(middle) else (low, middle)
        later = [self.right(bad + k) for k in (1, 2)]
        if all(later):
            told = f"wrong for batch size {bad} only, right for {low} and {bad + 1}: a special case"
            return Hypothesis(told, 0.95)
        if any(later):
            return Hypothesis(f"depends on the batch size, odd and even sizes differ: {self}", 0.93)
        if low == 1:
            told = "right for a batch of 1 only: rows are mixed, or a division by the batch size is wrong"
            return Hypothesis(told, 0.8)
        return Hypothesis(f"right for batch <= {low}, wrong for {bad}: chunks, or a limit of {low} rows", 0.95)


def tiny(e: Evidence) -> bool:
    """Return whether the error is too small for quick derivatives."""
    return e.first.gap < 1e-5 * e.first.scale
