"""Jumps: forward steps, as a sign or a rounding does, or does not depend on what is differentiated at all."""

from itertools import pairwise

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, parameter_of
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis
from minidl.testing.diagnosis.sample import largest, number
from minidl.typing import Array

FAR, PIECES, HALVINGS = 3.0, 48, 40


def zero_derivative(e: Evidence) -> Claims:
    """The numeric gradient is zero, though backward gives one: forward jumps, or does not depend on its argument."""
    s = e.first
    zero = np.abs(s.numeric[s.wrong]) <= 1e-12 * largest(s.analytic)
    if e.context is None or not zero.size or zero.mean() < 0.5:  # steps across a jump may give any number
        return
    jump = jump_of_forward(e)
    if jump:
        text = f"forward jumps, {jump}, as sign, round or a comparison does: its derivative is zero in between. If"
        yield Hypothesis(f"{text} backward is meant to replace it, declare surrogate_gradient = True in the class")
    elif not any(np.any(np.abs(v.numeric) > 1e-12) for v in e.visible):
        what = "the input" if e.target == "dx" else parameter_of(e.target)
        text = f"the output does not depend on {what} at all: forward ignores it, or uses a stale copy made at"
        yield Hypothesis(f"{text} construction, or a remembered result")


def jump_of_forward(e: Evidence) -> str:
    """Return where y jumps while one wrong entry moves, and by how much; empty if it does not."""
    context = e.context
    assert context is not None
    start = e.start(e.target, {})
    index = int(np.argmax(np.where(e.first.wrong, -np.abs(e.first.numeric), -np.inf)))

    def y_at(value: float) -> Array:
        moved = start.copy()
        moved.flat[index] = value
        return context.forward(**{"x": moved} if e.target == "dx" else {"parameters": {parameter_of(e.target): moved}})

    ends = start.flat[index] + FAR * np.linspace(-1.003, 1, PIECES)
    outputs = [y_at(float(value)) for value in ends]
    sizes = [largest(two - one) for one, two in pairwise(outputs)]
    k = int(np.argmax(sizes))
    low, high = float(ends[k]), float(ends[k + 1])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if largest(y_at(middle) - y_at(low)) > 0.5 * sizes[k] else (middle, high)
    size = largest(y_at(high) - y_at(low))
    high = 0.0 if abs(high) < 1e-9 else high
    name = "x" if e.target == "dx" else parameter_of(e.target)
    return f"by {number(size)} where {name} passes {number(high)}" if size > 0.1 * sizes[k] > 0 else ""


TESTS = [zero_derivative]
