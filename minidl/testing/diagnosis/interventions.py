"""Interventions: is the gradient that of a changed call, does the change make it right, is it right there?"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.testing.diagnosis.changes import Change, changes
from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import Sample, largest

Question = Callable[[Evidence, Sample, dict[str, Any]], bool]


def gradient_elsewhere(e: Evidence) -> Claims:
    """What backward gave is the right gradient of a changed call, or that of another parameter."""
    if e.context is None:
        return
    for name, value in e.first.parameters.items():
        path, slash, last = name.rpartition("/")
        target = f"{path}{slash}d{last}"
        if target != e.target and value.shape == e.first.analytic.shape and e.equals_numeric(e.first.analytic, target):
            yield Hypothesis(f"equals the gradient of the other parameter {name}, {target}: swapped", 1)
    is_dy = np.array_equal(e.first.analytic, e.first.dy)  # then the derivative of the identity is that at any x
    for k, change in answers(e, equals_gradient):
        if is_dy and "x" in change.replaced:
            continue
        text = any_small_value(e, change) or f"equals the gradient for {change.name}: {change.meaning}"
        yield Hypothesis(text, bits_of(k) + change.bits)
        return


def right_elsewhere(e: Evidence) -> Claims:
    """A change of the call makes backward right, or backward is right for the changed call."""
    if e.context is None or e.is_tiny:
        return
    for k, change in answers(e, becomes_right):
        meaning = "" if "x" in change.replaced else f": {change.meaning}"
        yield Hypothesis(f"becomes right for {change.name}{meaning}", 1 + bits_of(k))
        return
    for k, change in answers(e, is_right):
        if e.is_rare and "parameters" in change.replaced:
            continue  # a change of the values may lead away from the place
        yield Hypothesis(f"right for {change.name}: {change.meaning}", OPEN + bits_of(k))
        return


def answers(e: Evidence, question: Question) -> list[tuple[int, Change]]:
    """Return the changes to which a question is answered with yes, at the failing call and at another one."""
    second, found = e.visible[-1], []
    for k, change in enumerate(changes(e, e.first)):
        if question(e, e.first, change.replaced):
            again = next((c for c in changes(e, second) if c.name == change.name), None)
            if again is not None and question(e, second, again.replaced):
                found.append((k, change))
                if len(found) > 2:
                    break
    return found


def call_of(s: Sample) -> dict[str, Any]:
    """Return the changes that lead from the failing call to a sample."""
    return {"x": s.x, "dy": s.dy, "parameters": s.parameters}


def equals_gradient(e: Evidence, s: Sample, replaced: dict[str, Any]) -> bool:
    """Return whether the wrong gradient of a sample is the right one of the changed call."""
    return e.equals_numeric(s.analytic, **{**call_of(s), **replaced})


def becomes_right(e: Evidence, s: Sample, replaced: dict[str, Any]) -> bool:
    """Return whether backward, in the changed call, gives the right gradient of the sample."""
    value = None if "training" in replaced else e.analytic_at(**{**call_of(s), **replaced})
    return value is not None and s.fits(value, s.numeric)


def is_right(e: Evidence, s: Sample, replaced: dict[str, Any]) -> bool:
    """Return whether the gradient is right, and not zero, for the changed call."""
    value = e.analytic_at(**{**call_of(s), **replaced})
    return value is not None and largest(value) > 1e-9 and e.equals_numeric(value, **{**call_of(s), **replaced})


def any_small_value(e: Evidence, change: Change) -> str:
    """Return another cause where the gradient is that for many values of a parameter: none of them matters."""
    for name, value in change.replaced.get("parameters", {}).items():
        own = e.first.parameters[name]
        if np.array_equal(value, own):
            continue
        others = (0.9 * value, 0.8 * value) if np.any(value) else (0.3 * own, -0.3 * own)
        if all(e.equals_numeric(e.first.analytic, parameters={**e.first.parameters, name: v}) for v in others):
            text = f"equals the gradient for any small {name}: a branch of forward that depends on {name}, such as a"
            return f"{text} threshold or a maximum, is missing in backward"
    return ""
