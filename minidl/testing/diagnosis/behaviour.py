"""Behaviour: under which changes of dy, of the batch, of arguments or parameters the gradient becomes right."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Hypothesis, Sample, number
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
    if not np.array_equal(once, e.analytic_at(dy=dy)):
        yield Hypothesis("two identical backward calls differ: backward draws random numbers, noise", 0.98)
        return
    if np.abs(zero).max(initial=0) > 1e-13 * scale:
        yield Hypothesis(what_is_added(e, zero, once), 0.97)
        return
    if np.abs(once + minus).max(initial=0) > 1e-9 * scale:
        mask = ""
        if dy.shape == once.shape and not np.any(once[dy < 0]):
            mask = ": only dy > 0 is let through, as in guided backpropagation"
        elif dy.shape == once.shape and not np.any(once[dy > 0]):
            mask = ": only dy < 0 is let through"
        yield Hypothesis(f"backward is not linear in dy: the result depends on the sign of dy{mask}", 0.97)
        return
    yield from scaling(e, dy, once, scale)


def what_is_added(e: Evidence, zero: Array, once: Array) -> str:
    if np.array_equal(zero, once):
        return "backward does not depend on dy at all: something replaces the upstream gradient, which is ignored"
    for name, p in e.first.parameters.items():
        if p.shape == zero.shape and np.any(p):
            c = float((p * zero).sum() / (p * p).sum())
            if np.abs(zero - c * p).max() <= 1e-6 * np.abs(zero).max():
                return f"something is added to the gradient: for dy = 0 it is {number(c)}*{name}, a multiple of {name}"
    if np.ptp(zero) <= 1e-9 * np.abs(zero).max():
        return f"something is added to the gradient: for dy = 0 it is the constant {number(float(zero.flat[0]))}"
    return f"something is added to, or replaces, the upstream gradient: for dy = 0 it is up to {number(float(np.abs(zero).max()))}"


def scaling(e: Evidence, dy: Array, once: Array, scale: float) -> Iterator[Hypothesis]:
    for exponent in (*range(1, 31, 2), *range(-1, -31, -2)):
        t = 2.0**exponent
        got = e.analytic_at(dy=t * dy)
        if got is None or np.abs(got / t - once).max(initial=0) <= 1e-9 * scale:
            continue
        size = number(t * float(np.abs(dy).max()))
        if exponent > 0:
            further = e.analytic_at(dy=4 * t * dy)
            flat = further is not None and np.allclose(further, got, rtol=1e-6, atol=0)
            word = "normalisation" if flat and constant_ratio(got, once) else "clipping or normalisation"
            yield Hypothesis(f"backward must be linear in dy: look for {word}; it bends where dy reaches {size}", 0.96)
        else:
            yield Hypothesis(
                f"backward must be linear in dy: small upstream gradients are dropped or changed, below {size} (a threshold)",
                0.96,
            )
        return


def constant_ratio(one: Array, other: Array) -> bool:
    with np.errstate(all="ignore"):
        r = one / other
    r = r[np.isfinite(r)]
    return bool(r.size and np.ptp(r) <= 1e-6 * abs(r[0]))


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
            yield Hypothesis("right on a fresh layer, wrong after an earlier call: something is kept from it", 0.97)


def batch_sizes(e: Evidence) -> Iterator[Hypothesis]:
    """Right up to some batch size, wrong from the next on; or wrong for one size only."""
    if e.context is None or not e.first.x.ndim or tiny(e):
        return
    rows = len(e.first.x)
    checked: dict[int, bool] = {}

    def right(count: int) -> bool:
        if count not in checked:
            checked[count] = e.is_right(**e.values(count)) is not False
        return checked[count]

    bad = int(e.context.facts.get("first_bad_batch", 0) or e.context.facts.get("batch", 0) or rows)
    if e.context.check != "batch" and all(s.shows for s in e.samples) and not (right(1) or (rows > 2 and right(2))):
        return
    if right(bad):
        return
    for smaller in (1, 2, 3, 4, 5, 8):
        if smaller < bad:
            right(smaller)
    if checked.get(bad - 1) is None and bad > 1:
        right(bad - 1)
    good = [count for count, is_right in checked.items() if is_right and count < bad]
    if not good:
        if right(bad + 1) and right(bad + 2):
            yield Hypothesis(
                f"wrong for batch size {bad} only, right for {bad + 1} and {bad + 2}: a special case", 0.95
            )
        elif right(bad + 1) or right(bad + 2):
            yield Hypothesis(f"depends on the batch size: {listed(checked)} (odd and even sizes differ)", 0.9)
        return
    low = max(good)
    while bad - low > 1:
        middle = (low + bad) // 2
        low, bad = (middle, bad) if right(middle) else (low, middle)
    later = [right(bad + k) for k in (1, 2)]
    if all(later):
        yield Hypothesis(f"wrong for batch size {bad} only, right for {low} and {bad + 1}: a special case", 0.95)
    elif any(later):
        yield Hypothesis(f"depends on the batch size, odd and even sizes differ: {listed(checked)}", 0.93)
    elif low == 1:
        yield Hypothesis("right for a batch of 1 only: rows are mixed, or a division by the batch size is wrong", 0.8)
    else:
        yield Hypothesis(f"right for batch <= {low}, wrong for {bad}: chunks, or a limit of {low} rows", 0.95)


def listed(checked: dict[int, bool]) -> str:
    return ", ".join(f"{count} {'right' if good else 'wrong'}" for count, good in sorted(checked.items()))


def becomes_right(e: Evidence) -> Iterator[Hypothesis]:
    """Changes of the call under which the analytic gradient becomes right."""
    if e.context is None or tiny(e):
        return
    best = 0.0
    for text, score, changes in interventions(e, e.first):
        if score <= best:
            continue
        value = e.analytic_at(**changes)
        if value is None or not np.abs(value).max(initial=0) > 1e-9 or not e.equals_numeric(value, **changes):
            continue
        best = score
        yield Hypothesis(text, score)


def tiny(e: Evidence) -> bool:
    """Return whether the error is too small for quick derivatives."""
    return e.first.gap < 1e-5 * e.first.scale


def interventions(e: Evidence, s: Sample) -> Iterator[tuple[str, float, dict[str, Any]]]:
    assert e.context is not None
    for name, default in e.defaults.items():
        yield (
            f"right at the default argument only: {name}={default} for {name}={e.arguments[name]:g}",
            0.92,
            {"arguments": {name: default}},
        )
    for name, value in e.arguments.items():
        for other in (0.0, 1.0, 2.0, 0.5, 3.0):
            if other != value and isinstance(e.context.arguments[name], int) <= other.is_integer():
                kind = type(e.context.arguments[name])
                yield (
                    f"right for {name}={other:g}, wrong for {name}={value:g}: depends on that argument",
                    0.8,
                    {"arguments": {name: kind(other)}},
                )
    for name, p in s.parameters.items():
        for text, score, value in easier(name, p):
            yield text, score, {"parameters": {**s.parameters, name: value}}
        initial = e.context.initial_parameters.get(name)
        if initial is not None:
            values = {**s.parameters, name: np.asarray(initial, float)}
            yield (
                f"right while {name} has its first value: it is missing, or a stale copy of it is used",
                0.85,
                {"parameters": values},
            )
    yield from easier_calls(s)


def easier(name: str, p: Array) -> Iterator[tuple[str, float, Array]]:
    if p.ndim >= 2 and p.shape[-1] == p.shape[-2]:
        symmetric = (p + np.swapaxes(p, -1, -2)) / 2
        yield (
            f"right when {name} is symmetric: a transpose of {name} or the term with {name}.T is missing",
            0.91,
            symmetric,
        )
    if p.size > 1:
        text = f"right when all entries of {name} are equal: {name} stands in the wrong place"
        yield text, 0.89, np.full_like(p, 0.7)
    yield f"right when {name} is 1: {name} is missing in the formula", 0.88, np.ones_like(p)
    yield f"right when {name} is 0: the missing or wrong term passes through {name}", 0.78, np.zeros_like(p)
    yield f"right when {name} is positive: its sign is lost or negative values are ignored", 0.87, np.abs(p)
    yield f"right when {name} is negative: its sign is lost or positive values are ignored", 0.8, -np.abs(p)
    yield f"right when {name} is small (a tenth): wrong beyond a threshold of {name}", 0.6, p / 10


def easier_calls(s: Sample) -> Iterator[tuple[str, float, dict[str, Any]]]:
    if s.dy.ndim and s.dy.size > 1:
        yield "right when dy is positive: depends on the sign of dy", 0.86, {"dy": np.abs(s.dy)}
        for axis in range(s.dy.ndim):
            if s.dy.shape[axis] > 1:
                centred = s.dy - s.dy.mean(axis=axis, keepdims=True)
                yield (
                    f"right when dy sums to zero along axis {axis}: a term with sum(dy), or mean(dy), is missing or wrong",
                    0.8,
                    {"dy": centred},
                )
        alone = np.zeros_like(s.dy)
        alone[0] = s.dy[0]
        yield (
            "right when dy is zero but in row 0: rows are mixed or rows other than the first are wrong",
            0.5,
            {"dy": alone},
        )
        if s.dy.ndim > 1 and s.dy.shape[-1] > 1:
            ones = s.dy / s.dy.sum(axis=-1, keepdims=True)
            yield "right where dy sums to one in each row: the factor sum(dy) is missing", 0.88, {"dy": ones}
    if s.x.dtype.kind == "f" and s.x.size > 1:
        yield "right where x is positive, wrong for negative x", 0.72, {"x": np.abs(s.x)}
        yield "right where x is negative, wrong for positive x", 0.72, {"x": -np.abs(s.x)}
        yield "right for small x (a tenth), wrong beyond a threshold of x", 0.58, {"x": s.x / 10}
        yield "right for large x (ten times), wrong below a threshold of x", 0.57, {"x": s.x * 10}
        if (s.x == 0).any():
            yield "wrong where x is exactly zero", 0.9, {"x": np.where(s.x == 0, 0.37, s.x)}


TESTS = [not_linear, batch_sizes, becomes_right]
