"""Interventions: when is the gradient correct? Each answer is a change of the call, tested at two points."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, attempt
from minidl.testing.diagnosis.hypothesis import OPEN, Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import Sample, floats, is_number, largest
from minidl.testing.probe import target_of
from minidl.typing import Array

Question = Callable[[Evidence, Sample, dict[str, Any]], bool]
Values = list[tuple[str, str, Array]]


class Change(NamedTuple):
    """Replacements for parts of a call, their description, and what it means if the gradient is correct with them.

    ``bits`` is the cost of what remains unknown, such as what is wrong with a term that is merely located.
    """

    name: str
    meaning: str
    replaced: dict[str, Any]
    bits: float = 0.0


def changes(e: Evidence, s: Sample) -> Iterator[Change]:
    """Yield changes of a sample's call (arguments, mode, x, parameters, dy), the most informative first."""
    for name, setting in e.settings.items():
        if is_number(setting.default) and setting.default != setting.value:
            told = f"the default {name}={setting.default}"
            yield Change(told, f"{name} is hard-coded", setting.changed(setting.default))
    mode = "inference" if e.context.point.training else "training"
    yield Change(f"{mode} mode", "the formula of the wrong mode is used", {"training": not e.context.point.training})
    if s.x.dtype.kind == "f" and s.x.size > 1:
        yield Change("-x instead of x", "a sign is wrong", {"x": -s.x})
        yield Change("|x| instead of x", "the sign of x is lost, or negative x are wrong", {"x": np.abs(s.x)})
        mean = np.broadcast_to(s.x.mean(axis=0), s.x.shape) + 0.0
        yield Change("every row of x replaced by their mean", "a mean is taken before the product", {"x": mean})
        if s.y.shape == s.x.shape:
            yield Change("y instead of x", "the derivative is taken at the output", {"x": s.y})
    for name, p in s.parameters.items():
        for told, meaning, value in of_parameter(name, p, e.context.initial_parameters.get(name)):
            if not np.array_equal(value, p):
                bits = OPEN if meaning.startswith("the missing or wrong term") else 0.0
                yield Change(told, meaning, {"parameters": {**s.parameters, name: value}}, bits)
    for name, setting in e.settings.items():
        a = float(setting.value)
        for other in (a / 2, a * 2, -a, 1 - a, a**2, a + 1, a - 1, 0.0, 1.0, 2.0, 3.0, 0.5, 0.1):
            if other != a and (not isinstance(setting.value, int) or other.is_integer()):
                meaning = f"{name} is hard-coded, or used in another way"
                meaning = meaning if other else f"a term with the factor {name} is missing or wrong"
                yield Change(f"{name}={other:g} instead of {a:g}", meaning, setting.changed(other), 4.0)
    for axis in (axis for axis in range(s.dy.ndim) if s.dy.shape[axis] > 1):
        told = f"dy that sums to zero along axis {axis}"
        meaning = "a term with sum(dy), or mean(dy), is missing or wrong"
        yield Change(told, meaning, {"dy": s.dy - s.dy.mean(axis, keepdims=True)})


def of_parameter(name: str, p: Array, initial: Array | None) -> Values:
    """Return variants of a parameter, such as its initial value, transposed, symmetric, negated, summed, or zero."""
    found: Values = []
    if initial is not None and np.size(initial) and np.ptp(initial) == 0:
        told = f"{name} = {float(initial.flat[0]):g}, its first value"
        found.append((told, f"{name} is missing in the formula, or a stale copy is used", floats(initial)))
    if p.ndim >= 2 and p.shape[-1] == p.shape[-2]:
        turned = np.swapaxes(p, -1, -2)
        found.append((f"{name}.T", f"{name} is transposed once too often or too few", turned))
        found.append((f"{name} + {name}.T", f"the term with {name}.T is missing", p + turned))
    found.append((f"{name} where it is positive, else 0", "negative values are ignored", np.maximum(p, 0)))
    for axis in range(p.ndim) if p.size > 1 else ():
        found.append((f"{name} reversed along axis {axis}", f"{name} is flipped", np.flip(p, axis)))
        total = np.repeat(p.sum(axis, keepdims=True), p.shape[axis], axis)
        meaning = "all slices count, though forward selects one of them"
        found.append((f"{name} summed along axis {axis}", meaning, total))
    return [*found, (f"{name} = 0", f"the missing or wrong term passes through {name}", np.zeros_like(p))]


def swapped(e: Evidence) -> Claims:
    """Claim that the wrong gradient is the correct one of another parameter."""
    for name, value in e.first.parameters.items():
        target = target_of(name)
        if target != e.target and value.shape == e.first.analytic.shape and e.equals_numeric(e.first.analytic, target):
            yield Hypothesis(f"equals the gradient of the other parameter {name}, {target}: swapped", 1)


def equals_another(e: Evidence) -> Claims:
    """Claim that the wrong gradient is the correct one of a changed call."""
    is_dy = np.array_equal(e.first.analytic, e.first.dy)  # dy is the gradient of the identity at any x
    for k, change in answers(e, equals_gradient):
        if not (is_dy and "x" in change.replaced):
            text = any_small_value(e, change) or f"equals the gradient for {change.name}: {change.meaning}"
            yield Hypothesis(text, bits_of(k) + change.bits)


def becomes_right(e: Evidence) -> Claims:
    """Claim a change of the call with which backward returns the gradient that it should have returned without."""
    for k, change in answers(e, equals_numeric) if not e.is_tiny else ():
        meaning = "" if "x" in change.replaced else f": {change.meaning}"
        yield Hypothesis(f"becomes right for {change.name}{meaning}", 1 + bits_of(k))


def right_elsewhere(e: Evidence) -> Claims:
    """Claim a changed call for which backward is correct."""
    rare = len(e.visible) < len(e.samples)  # other parameters may lead away from the failing point
    for k, change in answers(e, is_right) if not e.is_tiny else ():
        if not (rare and "parameters" in change.replaced):
            yield Hypothesis(f"right for {change.name}: {change.meaning}", OPEN + bits_of(k))


def answers(e: Evidence, question: Question) -> Iterator[tuple[int, Change]]:
    """Yield the changes for which the answer is yes at both the failing call and another sample, with their ranks."""
    second = e.visible[-1]
    for k, change in enumerate(changes(e, e.first)):
        if attempt(question, e, e.first, change.replaced):
            again = next((c for c in changes(e, second) if c.name == change.name), None)
            if again is not None and attempt(question, e, second, again.replaced):
                yield k, change


def equals_gradient(e: Evidence, s: Sample, replaced: dict[str, Any]) -> bool:
    """Return whether the wrong gradient of a sample is the correct gradient of the changed call."""
    return e.equals_numeric(s.analytic, **{**s.changes, **replaced})


def equals_numeric(e: Evidence, s: Sample, replaced: dict[str, Any]) -> bool:
    """Return whether backward in the changed call returns the correct gradient of the sample."""
    return "training" not in replaced and s.fits(e.analytic_at(**{**s.changes, **replaced}), s.numeric)


def is_right(e: Evidence, s: Sample, replaced: dict[str, Any]) -> bool:
    """Return whether the gradient of the changed call is correct and nonzero."""
    if "x" in replaced and not np.ptp(replaced["x"], axis=0).any():
        return False  # where all rows are equal, many a wrong gradient is right
    value = e.analytic_at(**{**s.changes, **replaced})
    return largest(value) > 1e-9 and e.equals_numeric(value, **{**s.changes, **replaced})


def any_small_value(e: Evidence, change: Change) -> str:
    """Return a different cause if the gradient is correct for many values of a parameter, so that none is special."""
    for name, value in change.replaced.get("parameters", {}).items():
        own = e.first.parameters[name]
        others = (0.9 * value, 0.8 * value) if np.any(value) else (0.3 * own, -0.3 * own)
        points = [{**e.first.parameters, name: v} for v in others]
        if not np.array_equal(value, own) and all(e.equals_numeric(e.first.analytic, parameters=p) for p in points):
            text = f"equals the gradient for any small {name}: a branch of forward that depends on {name}, such as a"
            return f"{text} threshold or a maximum, is missing in backward"
    return ""


def batch_sizes(e: Evidence) -> Claims:
    """Claim that the gradient is correct up to some batch size, or wrong for one size only."""
    bad, certain = len(e.first.x), e.check == "batch"  # whether the size is known to matter
    if e.is_tiny or (not certain and all(s.shows for s in e.samples)):
        return
    known: dict[int, bool] = {}

    def right(count: int) -> bool:
        if count not in known:
            tries = {attempt(is_right, e, e.first, e.values(count)) is not False for _ in range(3)}
            if len(tries) > 1:
                raise ValueError(f"{count} rows are right at some points and wrong at others: not the cause")
            known[count] = tries.pop()
        return known[count]

    if right(bad):
        return
    low = max((count for count in (*range(1, min(6, bad)), 8, bad - 1) if 0 < count < bad and right(count)), default=0)
    while low and bad - low > 1:
        middle = (low + bad) // 2
        low, bad = (middle, bad) if right(middle) else (low, middle)
    later = [right(bad + k) for k in (1, 2)]
    if all(later):
        told = f"right for {low or bad + 1} and {bad + 1 if low else bad + 2}"
        yield Hypothesis(f"wrong for batch size {bad} only, {told}: a special case", 1)
    elif any(later):
        shown = ", ".join(f"{count} {'right' if known[count] else 'wrong'}" for count in sorted(known))
        yield Hypothesis(f"depends on the batch size, odd and even sizes differ: {shown}", 2)
    elif low > 1:
        yield Hypothesis(f"right for batch <= {low}, wrong for {bad}: chunks, or a limit of {low} rows", 1)


def earlier_calls(e: Evidence) -> Claims:
    """Claim a stale cache if the output of forward changes after a call with other parameters."""
    e.context.forward()
    for name, p in e.first.parameters.items():
        moved = {name: 1.1 * p + 0.1}
        used = e.context.forward(parameters=moved)
        new, again = (floats(e.context.run(parameters=moved)[0]) for _ in range(2))
        if new.shape == used.shape and np.array_equal(new, again) and largest(new - used) > 1e-9 * largest(new):
            text = f"forward keeps something from its first call that depends on {name}, and uses it after {name} has"
            yield Hypothesis(f"{text} changed: a stale cache; compute it in each forward")
            return
