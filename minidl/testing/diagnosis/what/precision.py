"""Precision: gradients that are correct except for their last digits, and where the digits were lost."""

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis
from minidl.testing.diagnosis.sample import largest, number

STEP = 1e-6  # relative step of x: float32 rounding varies randomly over it, while float64 results are almost linear


def representable(e: Evidence) -> Claims:
    """Claim lost digits if every entry is exactly a float32 or float16 number."""
    values = np.concatenate([s.analytic.ravel() for s in e.samples])
    values = values[values != 0]
    if e.first.gap > 0.01 * e.first.scale or values.size < 3 or all(float(v).is_integer() for v in values):
        return
    for dtype in ("float16", "float32"):
        if np.array_equal(values.astype(dtype).astype(float), values):
            yield Hypothesis(f"every entry is exactly representable in {dtype}: digits are lost on the way")
            return


def small_error(e: Evidence) -> Claims:
    """Claim an approximation or rounding if the relative error is small and has no other structure."""
    s = e.first
    relative = max(v.gap / v.scale for v in e.visible)
    if relative > 0.02 or e.known is None:
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
    """Return whether backward is nearly linear over a tiny step of x, far more accurately than it is correct."""
    s = e.first
    if s.x.dtype.kind != "f":
        return False
    low, middle, high = (e.analytic_at(x=s.x * (1 + k * STEP)) for k in (-1, 0, 1))
    return bool(np.any(low != high)) and largest(low - 2 * middle + high) < 1e-3 * s.gap
