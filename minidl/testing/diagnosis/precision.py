"""Precision: gradients that are right but for their last digits, and where the digits went."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import SURE, Evidence, Hypothesis
from minidl.testing.diagnosis.sample import number
from minidl.typing import Array

STEP = 1e-6  # of x: rounding to float32 changes at random over it, what is computed in float64 hardly bends


def representable(e: Evidence) -> Iterator[Hypothesis]:
    """Every entry is a float32 or float16 number, or a multiple of a power of ten."""
    if e.context is None or e.first.gap > 0.01 * e.first.scale:
        return
    values = np.concatenate([s.analytic.ravel() for s in e.samples])
    values = values[values != 0]
    if values.size < 3 or all(float(v).is_integer() for v in values):
        return
    for dtype in ("float16", "float32"):
        with np.errstate(over="ignore", under="ignore"):
            if np.array_equal(values.astype(dtype).astype(float), values):
                yield Hypothesis(f"every entry is exactly representable in {dtype}: digits are lost on the way", SURE)
                return
    for digits in range(1, 13):
        if np.allclose(values, np.round(values, digits), rtol=4e-16, atol=1e-16):
            yield Hypothesis(f"every entry is rounded to {digits} decimals, the grid is 1e-{digits:02d}", SURE)
            return


def rounded_output(e: Evidence) -> Iterator[Hypothesis]:
    """Every output is a float32 number: forward rounds what backward differentiates exactly."""
    if e.context is None or e.first.gap > 0.02 * e.first.scale:
        return
    values = np.concatenate([s.y.ravel() for s in e.samples])
    values = values[values != 0]
    if len(np.unique(values)) < 3 or all(float(8 * v).is_integer() for v in values):
        return
    with np.errstate(over="ignore", under="ignore"):
        if np.array_equal(values.astype("float32").astype(float), values):
            yield Hypothesis(
                "every output is exactly representable in float32: forward loses digits on the way, the gradient is "
                "right to as many as can be told",
                SURE,
            )


def small_error(e: Evidence) -> Iterator[Hypothesis]:
    """A small relative error of no other structure."""
    s = e.first
    relative = max(v.gap / v.scale for v in e.visible)
    if relative > 0.02 or e.context is None:
        return
    again = e.analytic_at(x=s.x, dy=s.dy)
    once_more = e.analytic_at(x=s.x, dy=s.dy)
    if again is not None and once_more is not None and not np.array_equal(again, once_more):
        yield Hypothesis("two identical backward calls differ: backward draws random numbers, noise", 0.98)
        return
    ratio = entry_errors(s.analytic, s.numeric)
    if relative < 1e-3 and not same_ratio(ratio) and is_smooth(e):
        text = f"right to {relative:.1g}, and the error changes smoothly with x, which rounding does not: an"
        yield Hypothesis(f"{text} approximation, such as a finite difference, a truncated series or an epsilon", 0.82)
    elif 3e-9 < relative < 1e-5 and float32_like(ratio):
        yield Hypothesis(
            f"relative errors of up to {number(float(np.abs(ratio).max(initial=0)))} with both signs, the size of "
            "float32 rounding: a part is computed in float32",
            0.8,
        )
    yield Hypothesis(
        f"right to {relative:.1g} but not exact: an approximation in one of the two, or an epsilon that the other "
        "lacks or has elsewhere",
        0.79,
    )


def entry_errors(analytic: Array, numeric: Array) -> Array:
    """Return the relative errors of the entries that are not small."""
    large = np.abs(numeric) > 1e-3 * np.abs(numeric).max(initial=0)
    found: Array = analytic[large] / numeric[large] - 1
    return found


def same_ratio(errors: Array) -> bool:
    """Return whether all entries are off by one factor."""
    return bool(errors.size and np.ptp(errors) <= 1e-2 * np.abs(errors).max())


def is_smooth(e: Evidence) -> bool:
    """Return whether backward follows a tiny step of x along a straight line, far more closely than it is right."""
    s = e.first
    if s.x.dtype.kind != "f" or not np.any(s.x):
        return False
    low, middle, high = (e.analytic_at(x=s.x * (1 + k * STEP)) for k in (-1, 0, 1))
    if low is None or middle is None or high is None or not low.shape == middle.shape == high.shape:
        return False
    return bool(np.any(low != high)) and float(np.abs(low - 2 * middle + high).max()) < 1e-3 * s.gap


def float32_like(errors: Array) -> bool:
    """Return whether errors have both signs and the size of float32 rounding."""
    return len(errors) > 2 and errors.max() > 0 > errors.min() and float(np.median(np.abs(errors))) < 6e-7


TESTS = [representable, rounded_output, small_error]
