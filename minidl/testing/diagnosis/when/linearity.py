"""Linearity: how backward depends nonlinearly on dy, and where the derivative is 0 because forward has steps."""

from itertools import pairwise

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, parameter_of
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis
from minidl.testing.diagnosis.sample import largest, least_squares, number
from minidl.testing.diagnosis.what.quantities import elementwise
from minidl.typing import Array

SIZES = [2.0**k for k in range(-200, 61, 4)]
SIZES_32 = [2.0**k for k in range(-40, 61, 4)]  # of dy for float32 results, as smaller ones underflow
FAR, PIECES, HALVINGS = 3.0, 48, 40  # range and resolution of the search for a step
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


def zero_derivative(e: Evidence) -> Claims:
    """Claim a jump or an unused argument if the numeric gradient is zero but the analytic one is not."""
    s = e.first
    zero = np.abs(s.numeric[s.wrong]) <= 1e-12 * largest(s.analytic)
    if not zero.size or zero.mean() < 0.5:  # differences across a jump may be arbitrary
        return
    name = "x" if e.target == "dx" else parameter_of(e.target)
    jump = jump_of_forward(e)
    if jump:
        text = f"forward jumps, by {jump[0]} where {name} passes {jump[1]}, as sign, round or a comparison does: its"
        text += " derivative is zero in between. If backward is meant to replace it, declare surrogate_gradient = True"
        yield Hypothesis(f"{text} in the class")
    elif not any(np.any(np.abs(v.numeric) > 1e-12) for v in e.visible):
        text = f"the output does not depend on {name} at all: forward ignores it, or uses a stale copy made at"
        yield Hypothesis(f"{text} construction, or a remembered result")


def jump_of_forward(e: Evidence) -> tuple[str, str] | None:
    """Return the size and place of the jump of y as one wrong entry varies; None if there is no jump."""
    start = e.start(e.target, {})
    index = int(np.argmax(np.where(e.first.wrong, -np.abs(e.first.numeric), -np.inf)))

    def y_at(value: float) -> Array:
        moved = start.copy()
        moved.flat[index] = value
        return e.context.forward(**e.moving(e.target, moved, {}))

    ends = start.flat[index] + FAR * np.linspace(-1.003, 1, PIECES)
    sizes = [largest(two - one) for one, two in pairwise(y_at(float(value)) for value in ends)]
    k = int(np.argmax(sizes))
    low, high = float(ends[k]), float(ends[k + 1])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if largest(y_at(middle) - y_at(low)) > 0.5 * sizes[k] else (middle, high)
    size = largest(y_at(high) - y_at(low))
    return (number(size), number(0.0 if abs(high) < 1e-9 else high)) if size > 0.1 * sizes[k] > 0 else None
