"""Linearity: how backward depends nonlinearly on dy: additions, clipping, normalisation, masks."""

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis
from minidl.testing.diagnosis.sample import largest, least_squares, number
from minidl.testing.diagnosis.what.quantities import elementwise
from minidl.typing import Array

SIZES = [2.0**k for k in range(-200, 61, 4)]
SIZES_32 = [2.0**k for k in range(-40, 61, 4)]  # of dy for float32 results, as smaller ones underflow
NOISE = "two identical backward calls differ: backward draws random numbers, noise"


def not_linear(e: Evidence) -> Claims:
    """Claim why backward is not linear in dy: an added term, clipping, normalisation, or dependence on the sign."""
    dy = e.first.dy
    zero, once, again, minus = (e.analytic_at(dy=c * dy) for c in (0.0, 1.0, 1.0, -1.0))
    if not np.isfinite(once).all():
        return
    scale = largest(once) or 1.0
    if not np.array_equal(once, again):
        yield Hypothesis(NOISE)
    elif largest(zero) > 1e-13 * scale:
        yield Hypothesis(what_is_added(e, zero, once))
    elif largest(once + minus) > 1e-9 * scale:
        only = dy.shape == once.shape and not (np.any(once[dy < 0]) and np.any(once[dy > 0]))
        mask = f": only dy {'<' if np.any(once[dy < 0]) else '>'} 0 is let through, as in guided backpropagation"
        yield Hypothesis(f"backward is not linear in dy: the result depends on the sign of dy{mask if only else ''}")
    else:
        sizes = SIZES_32 if np.array_equal(once, once.astype(np.float32)) else SIZES
        yield from scaling(sizes, [e.analytic_at(dy=t * dy / largest(dy)) / t for t in sizes])


def what_is_added(e: Evidence, zero: Array, once: Array) -> str:
    """Return what is added to the gradient, judged by the result of backward for dy = 0."""
    if np.array_equal(zero, once):
        return "backward does not depend on dy at all: something replaces the upstream gradient, which is ignored"
    for name, p in [("1", np.ones(zero.shape)), *e.first.parameters.items(), *elementwise(e.first)]:
        c = least_squares(p, zero) if p.shape == zero.shape else 0.0
        if c and largest(zero - c * p) <= 1e-6 * largest(zero):
            told = f"the constant {number(c)}" if name == "1" else f"{number(c)}*{name}, a multiple of {name}"
            return f"something is added to the gradient: for dy = 0 it is {told}"
    return f"something is added to, or replaces, the upstream gradient: for dy = 0 it is up to {number(largest(zero))}"


def scaling(sizes: list[float], slopes: list[Array]) -> Claims:
    """Claim clipping or thresholds if backward(t dy)/t is not the same for every power of two t."""
    alike = [[largest(one - other) <= 1e-9 * largest(one) for other in slopes] if one.any() else [] for one in slopes]
    common = max(range(len(slopes)), key=lambda k: sum(alike[k]))
    follows = alike[common]
    if not all(follows[common:]):
        k = follows.index(False, common)
        half = ": float16 ends at 65504" if 2**15 <= sizes[k] <= 2**21 else ""
        text = "backward must be linear in dy: look for clipping or normalisation; it no longer follows where dy"
        yield Hypothesis(f"{text} reaches {number(sizes[k - 1])} to {number(sizes[k])}{half}")
    elif not all(follows):
        k = len(follows) - 1 - follows[::-1].index(False)
        text = "backward must be linear in dy: small upstream gradients are dropped or changed, below a threshold"
        yield Hypothesis(f"{text} between {number(sizes[k])} and {number(sizes[k + 1])}")
