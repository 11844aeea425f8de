"""Precision: gradients that are right but for their last digits, and where the digits went."""

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis
from minidl.testing.diagnosis.linearity import NOISE
from minidl.testing.diagnosis.sample import largest, number
from minidl.typing import Array

STEP = 1e-6  # of x: rounding to float32 changes at random over it, what is computed in float64 hardly bends


def representable(e: Evidence) -> Claims:
    """Every entry, or every output, is a float32 or float16 number, or a multiple of a power of ten."""
    if e.context is None or e.first.gap > 0.01 * e.first.scale:
        return
    values = np.concatenate([s.analytic.ravel() for s in e.samples])
    values = values[values != 0]
    if values.size < 3 or all(float(v).is_integer() for v in values):
        return
    outputs = np.unique(np.concatenate([s.y.ravel() for s in e.samples]))
    for dtype in ("float16", "float32"):
        if is_of(values, dtype):
            yield Hypothesis(f"every entry is exactly representable in {dtype}: digits are lost on the way")
            return
    if len(outputs) > 3 and is_of(outputs, "float32") and not all(float(8 * v).is_integer() for v in outputs):
        text = "every output is exactly representable in float32: forward loses digits on the way, the gradient is"
        yield Hypothesis(f"{text} right to as many as can be told")
        return
    for digits in range(1, 13):
        if np.allclose(values, np.round(values, digits), rtol=4e-16, atol=1e-16):
            yield Hypothesis(f"every entry is rounded to {digits} decimals, the grid is 1e-{digits:02d}")
            return


def is_of(values: Array, dtype: str) -> bool:
    """Return whether all values are numbers of a shorter type."""
    with np.errstate(over="ignore", under="ignore"):
        return np.array_equal(values.astype(dtype).astype(float), values)


def small_error(e: Evidence) -> Claims:
    """A small relative error of no other structure."""
    s = e.first
    relative = max(v.gap / v.scale for v in e.visible)
    if relative > 0.02 or e.context is None:
        return
    again, once_more = (e.analytic_at(x=s.x, dy=s.dy) for _ in range(2))
    if again is not None and once_more is not None and not np.array_equal(again, once_more):
        yield Hypothesis(NOISE)
        return
    large = np.abs(s.numeric) > 1e-3 * largest(s.numeric)
    errors = s.analytic[large] / s.numeric[large] - 1
    one_factor = bool(errors.size and np.ptp(errors) <= 1e-2 * largest(errors))
    both_signs = len(errors) > 2 and errors.max() > 0 > errors.min() and float(np.median(np.abs(errors))) < 6e-7
    if relative < 1e-3 and not one_factor and is_smooth(e):
        text = f"right to {relative:.1g}, and the error changes smoothly with x, which rounding does not: an"
        more = "approximation, such as a finite difference, a truncated series or an epsilon"
        yield Hypothesis(f"{text} {more}", OPEN + 1)
    elif 3e-9 < relative < 1e-5 and both_signs:
        text = f"relative errors of up to {number(largest(errors))} with both signs, the size of float32 rounding: a"
        yield Hypothesis(f"{text} part is computed in float32", OPEN + 3)
    text = f"right to {relative:.1g} but not exact: an approximation in one of the two, or an epsilon that the other"
    yield Hypothesis(f"{text} lacks or has elsewhere", OPEN + 5)


def is_smooth(e: Evidence) -> bool:
    """Return whether backward follows a tiny step of x along a straight line, far more closely than it is right."""
    s = e.first
    if s.x.dtype.kind != "f" or not np.any(s.x):
        return False
    low, middle, high = (e.analytic_at(x=s.x * (1 + k * STEP)) for k in (-1, 0, 1))
    if low is None or middle is None or high is None or not low.shape == middle.shape == high.shape:
        return False
    return bool(np.any(low != high)) and largest(low - 2 * middle + high) < 1e-3 * s.gap


TESTS = [representable, small_error]
