"""Changes: other parameters, arguments, inputs for which the gradient would be right, or becomes right."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from minidl.testing.diagnosis.calls import tiny
from minidl.testing.diagnosis.evidence import HINT, NAMED, PLACED, SHAPED, Evidence, Hypothesis
from minidl.testing.diagnosis.sample import Sample, largest
from minidl.testing.diagnosis.setting import is_number
from minidl.typing import Array

NEUTRAL = 0.91  # score where a parameter of 0 or 1 would explain it: a formula that does says more


class Change(NamedTuple):
    """Parts of the call that are replaced, and what it means if the gradient is right then."""

    text: str
    score: float
    replaced: dict[str, Any]


def derivative_elsewhere(e: Evidence) -> Iterator[Hypothesis]:
    """The derivative is right, but taken at another point or for other parameters; confirmed at a second point."""
    if e.context is None:
        return
    second = e.visible[-1]
    for change in substitutes(e, e.first):
        if not e.equals_numeric(e.first.analytic, **change.replaced):
            continue
        again = next((c for c in substitutes(e, second) if c.text == change.text), None)
        if again is not None and e.equals_numeric(second.analytic, **{**call_of(second), **again.replaced}):
            yield whatever_the_value(e, change) or Hypothesis(f"equals the {change.text}", change.score)
            return


def call_of(s: Sample) -> dict[str, Any]:
    """Return the changes that lead from the failing call to a sample."""
    return {"x": s.x, "dy": s.dy, "parameters": s.parameters}


def whatever_the_value(e: Evidence, change: Change) -> Hypothesis | None:
    """Return another cause where the gradient is that for many values of a parameter: none of them matters."""
    for name, value in change.replaced.get("parameters", {}).items():
        if np.array_equal(value, e.first.parameters[name]):
            continue
        others = (
            (0.9 * value, 0.8 * value)
            if np.any(value)
            else (0.3 * e.first.parameters[name], -0.3 * e.first.parameters[name])
        )
        if all(e.equals_numeric(e.first.analytic, parameters={**e.first.parameters, name: v}) for v in others):
            text = f"equals the gradient for any small {name}: a branch of forward that depends on {name}, such as a"
            return Hypothesis(f"{text} threshold or a maximum, is missing in backward", 0.9)
    return None


def substitutes(e: Evidence, s: Sample) -> Iterator[Change]:
    """Yield other points and parameters, for which the layer may have been differentiated."""
    assert e.context is not None
    initial = {n: np.asarray(v, float) for n, v in e.context.initial_parameters.items() if n in s.parameters}
    for name, first in initial.items():
        text, score = "at construction: a stale copy of it", 0.94
        if first.size and np.ptp(first) == 0:
            text = f"= {first.flat[0]:g}, its first value: {name} is missing in the formula, or a stale copy is used"
            score = NEUTRAL
        yield Change(f"gradient for {name} {text}", score, {"parameters": {**s.parameters, name: first}})
    if len(initial) > 1:
        yield Change("gradient for the parameters at construction: stale copies", 0.94, {"parameters": initial})
    mode = "inference" if e.context.training else "training"
    text = f"gradient for {mode} mode: the formula of the wrong mode is used"
    yield Change(text, 0.91, {"training": not e.context.training})
    if s.y.shape == s.x.shape and s.x.dtype.kind == "f":
        yield Change("derivative at -x instead of x", SHAPED, {"x": -s.x})
        yield Change("derivative at |x| instead of x", SHAPED, {"x": np.abs(s.x)})
        yield Change("derivative at 0 instead of x", SHAPED, {"x": np.zeros_like(s.x)})
    for name, value in s.parameters.items():
        others = list(other_values(name, value))
        others += [(f"{n} in the place of {name}", v) for n, v in s.parameters.items() if n != name]
        for text, other in others:
            if other.shape == value.shape and not np.array_equal(other, value):
                score = NEUTRAL if text.startswith(("-", f"{name} = ")) else 0.94
                yield Change(f"gradient for {text}", score, {"parameters": {**s.parameters, name: other}})
    yield from other_arguments(e)


def other_values(name: str, value: Array) -> Iterator[tuple[str, Array]]:
    """Yield values that may stand in backward where a parameter belongs."""
    yield f"{name} = 1: {name} is missing", np.ones_like(value)
    yield f"{name} = 0: {name} is missing", np.zeros_like(value)
    yield f"|{name}|: its sign is lost", np.abs(value)
    yield f"{name} where it is positive, else 0", np.maximum(value, 0)
    yield f"-{name}", -value
    yield f"the average of {name}", np.full_like(value, value.mean())
    yield f"{name} squared", value**2
    for one, other in combinations(range(value.ndim), 2):
        text = "transposed once too often or too few"
        told = f"{name}.T" if value.ndim == 2 else f"{name} with axes {one} and {other} exchanged"
        yield f"{told}: {name} is {text}", np.swapaxes(value, one, other)
    for axis in range(value.ndim):
        if value.shape[axis] > 1:
            yield f"{name} reversed along axis {axis}", np.flip(value, axis)
            yield f"{name} shifted along axis {axis}", np.roll(value, 1, axis)


def other_arguments(e: Evidence) -> Iterator[Change]:
    """Yield other values of the constructor arguments: the defaults, and simple functions of what was given."""
    for name, setting in e.settings.items():
        if is_number(setting.default) and setting.default != setting.value:
            text = f"gradient for the default {name}={setting.default}: {name} is hard-coded"
            yield Change(text, 0.94, setting.changed(name, setting.default))
    for name, setting in e.settings.items():
        a = float(setting.value)
        for other in (a / 2, a * 2, -a, 1 - a, a**2, a + 1, a - 1, 0.0, 1.0, 2.0, 3.0, 0.5, 0.3, 0.1, 0.01):
            if other != a and (not isinstance(setting.value, int) or other.is_integer()):
                text = f"gradient for {name}={other:g} instead of {a:g}: {name} is hard-coded, or used in another way"
                yield Change(text, 0.94, setting.changed(name, other))


def turned_round(e: Evidence) -> Iterator[Hypothesis]:
    """The layer's own backward gives the right gradient when a parameter or dy is turned round."""
    if e.context is None:
        return
    s = e.first
    for name, value in s.parameters.items():
        for text, other in turned(name, value):
            analytic = e.analytic_at(parameters={**s.parameters, name: other})
            if analytic is not None and s.fits(analytic, s.numeric) and e.changes_output(name, other):
                yield Hypothesis(f"becomes right when {name} is {text}", 0.93)
    for axis in range(s.dy.ndim):
        for text, other in (("reversed", np.flip(s.dy, axis)), ("shifted by one", np.roll(s.dy, 1, axis))):
            analytic = e.analytic_at(dy=other)
            if s.dy.shape[axis] > 1 and analytic is not None and s.fits(analytic, s.numeric):
                yield Hypothesis(f"becomes right when dy is {text} along axis {axis}: permuted", 0.9)


def turned(name: str, value: Array) -> Iterator[tuple[str, Array]]:
    """Yield a parameter flipped, shifted, transposed."""
    for axis in range(value.ndim):
        if value.shape[axis] > 1:
            yield f"reversed along axis {axis}: {name} is flipped", np.flip(value, axis)
            yield f"shifted along axis {axis}", np.roll(value, 1, axis)
    if value.ndim >= 2 and value.shape[-1] == value.shape[-2]:
        yield f"transposed: {name} for {name}.T", np.swapaxes(value, -1, -2)
        yield f"{name} + {name}.T: the term with {name}.T is missing", value + np.swapaxes(value, -1, -2)


def other_target(e: Evidence) -> Iterator[Hypothesis]:
    """The gradient stored is that of another parameter."""
    if e.context is None:
        return
    for name, value in e.context.parameters.items():
        target = f"{name.rpartition('/')[0]}/d{name.rpartition('/')[2]}".lstrip("/")
        if target == e.target or value.shape != e.first.analytic.shape:
            continue
        if e.equals_numeric(e.first.analytic, target):
            yield Hypothesis(f"equals the gradient of the other parameter {name}, {target}: swapped", 0.95)


def becomes_right(e: Evidence) -> Iterator[Hypothesis]:
    """Changes of the call under which the analytic gradient becomes right; confirmed at a second point."""
    if e.context is None or tiny(e):
        return
    best, second = 0.0, e.visible[-1]
    for change in interventions(e, e.first):
        if change.score <= best or not mends(e, change.replaced):
            continue
        again = next((c for c in interventions(e, second) if c.text == change.text), None)
        if again is not None and mends(e, {**call_of(second), **again.replaced}):
            best = change.score
            yield Hypothesis(change.text, change.score)


def mends(e: Evidence, replaced: dict[str, Any]) -> bool:
    """Return whether the gradient is right, and not zero, for a changed call."""
    value = e.analytic_at(**replaced)
    return value is not None and largest(value) > 1e-9 and e.equals_numeric(value, **replaced)


def interventions(e: Evidence, s: Sample) -> Iterator[Change]:
    """Yield easier calls: other arguments, neutral parameters, special dy and x."""
    assert e.context is not None
    rare = len(e.visible) < len(e.samples)  # a change of the values may lead away from the place
    for name, setting in e.settings.items():
        for other_name, other in e.settings.items():
            if other_name != name and other.value != setting.value and type(other.value) is type(setting.value):
                text = f"right where {name} equals {other_name} ({other.value:g}), wrong for {name}={setting.value:g}"
                told = f"{text}: one is used in the place of the other"
                yield Change(told, 0.93, setting.changed(name, other.value))
        if is_number(setting.default) and setting.default != setting.value:
            text = f"right at the default argument only: {name}={setting.default} for {name}={setting.value:g}"
            yield Change(text, NAMED, setting.changed(name, setting.default))
        for easy in (0.0, 1.0, 2.0, 0.5, 3.0):
            if easy != setting.value and (not isinstance(setting.value, int) or easy.is_integer()):
                text = f"right for {name}={easy:g}, wrong for {name}={setting.value:g}: depends on that argument"
                yield Change(text, 0.8, setting.changed(name, easy))
    for name, p in s.parameters.items() if not rare else ():
        for text, score, value in easier(name, p):
            yield Change(text, score, {"parameters": {**s.parameters, name: value}})
        initial = e.context.initial_parameters.get(name)
        if initial is not None:
            text = f"right while {name} has its first value: it is missing, or a stale copy of it is used"
            yield Change(text, 0.85, {"parameters": {**s.parameters, name: np.asarray(initial, float)}})
    yield from easier_dy(s.dy)
    yield from easier_x(s.x)


def easier(name: str, p: Array) -> Iterator[tuple[str, float, Array]]:
    """Yield values of a parameter that hide a bug."""
    if p.ndim >= 2 and p.shape[-1] == p.shape[-2]:
        text = f"right when {name} is symmetric: a transpose of {name} or the term with {name}.T is missing"
        yield text, 0.91, (p + np.swapaxes(p, -1, -2)) / 2
    if p.size > 1:
        text = f"right when all entries of {name} are equal: {name} stands in the wrong place"
        yield text, 0.89, np.full_like(p, 0.7)
    yield f"right when {name} is 1: {name} is missing in the formula", 0.88, np.ones_like(p)
    yield f"right when {name} is 0: the missing or wrong term passes through {name}", PLACED, np.zeros_like(p)
    yield f"right when {name} is positive: its sign is lost or negative values are ignored", 0.87, np.abs(p)
    yield f"right when {name} is negative: its sign is lost or positive values are ignored", 0.8, -np.abs(p)
    yield f"right when {name} is small (a tenth): wrong beyond a threshold of {name}", HINT, p / 10


def easier_dy(dy: Array) -> Iterator[Change]:
    """Yield upstream gradients that hide a bug."""
    if not dy.ndim or dy.size < 2:
        return
    yield Change("right when dy is positive: depends on the sign of dy", SHAPED, {"dy": np.abs(dy)})
    for axis in range(dy.ndim):
        if dy.shape[axis] > 1:
            text = (
                f"right when dy sums to zero along axis {axis}: a term with sum(dy), or mean(dy), is missing or wrong"
            )
            yield Change(text, 0.8, {"dy": dy - dy.mean(axis=axis, keepdims=True)})
    alone = np.zeros_like(dy)
    alone[0] = dy[0]
    text = "right when dy is zero but in row 0: rows are mixed or rows other than the first are wrong"
    yield Change(text, 0.5, {"dy": alone})
    if dy.ndim > 1 and dy.shape[-1] > 1:
        text = "right where dy sums to one in each row: the factor sum(dy) is missing"
        yield Change(text, 0.88, {"dy": dy / dy.sum(axis=-1, keepdims=True)})


def easier_x(x: Array) -> Iterator[Change]:
    """Yield inputs that hide a bug."""
    if x.dtype.kind != "f" or x.size < 2:
        return
    yield Change("right where x is positive, wrong for negative x", 0.72, {"x": np.abs(x)})
    yield Change("right where x is negative, wrong for positive x", 0.72, {"x": -np.abs(x)})
    yield Change("right for small x (a tenth), wrong beyond a threshold of x", HINT - 0.02, {"x": x / 10})
    yield Change("right for large x (ten times), wrong below a threshold of x", HINT - 0.03, {"x": x * 10})
    if (x == 0).any():
        yield Change("wrong where x is exactly zero", 0.9, {"x": np.where(x == 0, 0.37, x)})


FOR = [other_target, derivative_elsewhere, turned_round]
