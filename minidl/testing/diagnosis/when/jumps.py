"""Jumps: forward has steps, such as a sign or rounding, or does not depend on the differentiated variable."""

from itertools import pairwise

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, parameter_of
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis
from minidl.testing.diagnosis.sample import largest, number
from minidl.typing import Array

FAR, PIECES, HALVINGS = 3.0, 48, 40


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
