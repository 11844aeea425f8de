"""Linearity: how backward depends on dy where it is not linear in it: additions, clipping, normalisation, masks."""

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis
from minidl.testing.diagnosis.quantities import elementwise
from minidl.testing.diagnosis.sample import largest, least_squares, number
from minidl.typing import Array

SIZES = [2.0**k for k in range(-200, 61, 4)]
SIZES_32 = [2.0**k for k in range(-40, 61, 4)]  # of dy for what is float32: smaller results vanish by rounding
NOISE = "two identical backward calls differ: backward draws random numbers, noise"


def not_linear(e: Evidence) -> Claims:
    """backward is not linear in dy: something is added, clipped, normalised, or depends on the sign."""
    if e.context is None or not e.first.dy.size:
        return
    dy = e.first.dy
    zero, once, minus = (e.analytic_at(dy=c * dy) for c in (0.0, 1.0, -1.0))
    if zero is None or once is None or minus is None or not np.isfinite(once).all():
        return
    scale = largest(once) or 1.0
    again = e.analytic_at(dy=dy)
    if again is None or not np.array_equal(once, again):
        yield Hypothesis(NOISE)
    elif largest(zero) > 1e-13 * scale:
        yield Hypothesis(what_is_added(e, zero, once))
    elif largest(once + minus) > 1e-9 * scale:
        mask = ""
        if dy.shape == once.shape and not np.any(once[dy < 0]):
            mask = ": only dy > 0 is let through, as in guided backpropagation"
        elif dy.shape == once.shape and not np.any(once[dy > 0]):
            mask = ": only dy < 0 is let through"
        yield Hypothesis(f"backward is not linear in dy: the result depends on the sign of dy{mask}")
    else:
        yield from scaling(e, dy, SIZES_32 if np.array_equal(once, once.astype(np.float32)) else SIZES)


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


def scaling(e: Evidence, dy: Array, sizes: list[float]) -> Claims:
    """Multiply dy by powers of two: backward(t dy)/t is the same for all t between a smallest and a largest size."""
    unit = dy / (largest(dy) or 1.0)
    slopes = [r / t for t in sizes if (r := e.analytic_at(dy=t * unit)) is not None]
    if len(slopes) < len(sizes) or not any(map(np.any, slopes)):
        return
    common = max(
        (k for k in range(len(slopes)) if np.any(slopes[k])),
        key=lambda k: sum(close(slopes[k], other) for other in slopes),
    )
    follows = [close(slopes[common], other) for other in slopes]
    if not all(follows[common:]):
        k = follows.index(False, common)
        last = e.analytic_at(dy=16 * sizes[-1] * unit)
        flat = last is not None and close(last, sizes[-1] * slopes[-1])
        is_multiple = close(slopes[-1], least_squares(slopes[common], slopes[-1]) * slopes[common], 1e-6)
        word = ("normalisation" if is_multiple else "clipping") if flat else "clipping or normalisation"
        half = ": float16 ends at 65504" if 2**15 <= sizes[k] <= 2**21 else ""
        text = f"backward must be linear in dy: look for {word}; it no longer follows where dy reaches"
        yield Hypothesis(f"{text} {number(sizes[k - 1])} to {number(sizes[k])}{half}")
    elif not all(follows):
        k = len(follows) - 1 - follows[::-1].index(False)
        text = "backward must be linear in dy: small upstream gradients are dropped or changed, below a threshold"
        yield Hypothesis(f"{text} between {number(sizes[k])} and {number(sizes[k + 1])}")


def close(one: Array, other: Array, tolerance: float = 1e-9) -> bool:
    """Return whether two arrays are equal to nine digits."""
    return largest(one - other) <= tolerance * largest(one)
