"""Changes: one list of calls that differ from the failing one in one thing each."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import OPEN
from minidl.testing.diagnosis.sample import Sample
from minidl.testing.diagnosis.setting import is_number
from minidl.typing import Array


class Change(NamedTuple):
    """Parts of the call that are replaced, in words, and what it means if the gradient is that one, or right there."""

    name: str
    meaning: str
    replaced: dict[str, Any]

    @property
    def bits(self) -> float:
        """What it leaves open: what is wrong with a term of which only this is known, or a guessed number."""
        if self.meaning.startswith(("the missing or wrong term", "wrong b", "the value")):
            return OPEN
        return 4.0 if self.name.find("=") > 0 and "instead of" in self.name else 0.0


def changes(e: Evidence, s: Sample) -> Iterator[Change]:
    """Yield changes of a sample's call: its arguments, mode, x, parameters and dy, the most telling first."""
    assert e.context is not None
    yield from exchanged_arguments(e)
    mode = "inference" if e.context.training else "training"
    yield Change(f"{mode} mode", "the formula of the wrong mode is used", {"training": not e.context.training})
    inputs = list(of_x(s))
    yield from inputs[:4]
    for name, p in s.parameters.items():
        initial = e.context.initial_parameters.get(name)
        others = [(f"{n} in the place of {name}", "exchanged", v) for n, v in s.parameters.items() if n != name]
        for told, meaning, value in [*first_value(name, initial), *of_parameter(name, p), *others]:
            if value.shape == p.shape and not np.array_equal(value, p):
                yield Change(told, meaning, {"parameters": {**s.parameters, name: value}})
    if len(e.context.initial_parameters) > 1:
        initial_values = {n: np.asarray(v, float) for n, v in e.context.initial_parameters.items()}
        yield Change("the parameters at construction", "stale copies", {"parameters": initial_values})
    yield from guessed_arguments(e)
    yield from of_dy(s.dy)
    yield from inputs[4:]


def exchanged_arguments(e: Evidence) -> Iterator[Change]:
    """Yield the defaults of the constructor arguments, and each other's values."""
    for name, setting in e.settings.items():
        if is_number(setting.default) and setting.default != setting.value:
            told = f"the default {name}={setting.default}"
            yield Change(told, f"{name} is hard-coded", setting.changed(name, setting.default))
        for other_name, other in e.settings.items():
            if other_name != name and other.value != setting.value and type(other.value) is type(setting.value):
                told = f"{name} equal to {other_name} ({other.value:g})"
                yield Change(told, "one is used in the place of the other", setting.changed(name, other.value))


def guessed_arguments(e: Evidence) -> Iterator[Change]:
    """Yield what a formula may make of the constructor arguments, and usual numbers."""
    for name, setting in e.settings.items():
        a = float(setting.value)
        for value in (a / 2, a * 2, -a, 1 - a, a**2, a + 1, a - 1, 0.0, 1.0, 2.0, 3.0, 0.5, 0.3, 0.1, 0.01):
            if value != a and (not isinstance(setting.value, int) or value.is_integer()):
                told = f"{name}={value:g} instead of {a:g}"
                meaning = f"{name} is hard-coded, or used in another way"
                yield Change(told, meaning, setting.changed(name, value))


def of_x(s: Sample) -> Iterator[Change]:
    """Yield other inputs."""
    x = s.x
    if x.dtype.kind != "f" or x.size < 2:
        return
    if s.y.shape == x.shape:
        yield Change("y instead of x", "the derivative is taken at the output", {"x": s.y})
    yield Change("|x| instead of x", "the sign of x is lost, or negative x are wrong", {"x": np.abs(x)})
    yield Change("-|x| instead of x", "positive x are wrong", {"x": -np.abs(x)})
    yield Change("-x instead of x", "a sign is wrong", {"x": -x})
    yield Change("x without its zeros", "wrong where x is exactly zero", {"x": np.where(x == 0, 0.37, x)})
    yield Change("0 instead of x", "the value of x does not count", {"x": np.zeros_like(x)})
    yield Change("x / 10", "wrong beyond a threshold of x", {"x": x / 10})
    yield Change("10 x", "wrong below a threshold of x", {"x": x * 10})


def first_value(name: str, initial: Array | None) -> Iterator[tuple[str, str, Array]]:
    """Yield the value that a parameter was given by its initializer."""
    value = np.zeros(0) if initial is None else np.asarray(initial, float)
    if value.size and np.ptp(value) == 0:
        told = f"{name} = {value.flat[0]:g}, its first value"
        yield told, f"{name} is missing in the formula, or a stale copy is used", value
    else:
        yield f"{name} at construction", "a stale copy of it", value


def of_parameter(name: str, p: Array) -> Iterator[tuple[str, str, Array]]:
    """Yield other values of a parameter."""
    for one, other in combinations(range(p.ndim), 2):
        told = f"{name}.T" if p.ndim == 2 else f"{name} with axes {one} and {other} exchanged"
        yield told, f"{name} is transposed once too often or too few", np.swapaxes(p, one, other)
    if p.ndim >= 2 and p.shape[-1] == p.shape[-2]:
        turned = np.swapaxes(p, -1, -2)
        yield f"{name} + {name}.T", f"the term with {name}.T is missing", p + turned
        told = f"{name} made symmetric"
        yield told, f"a transpose of {name} or the term with {name}.T is missing", (p + turned) / 2
    yield f"{name} = 1", f"{name} is missing", np.ones_like(p)
    yield f"|{name}|", "its sign is lost", np.abs(p)
    yield f"{name} where it is positive, else 0", "negative values are ignored", np.maximum(p, 0)
    yield f"-{name}", "a sign is wrong", -p
    yield f"{name} squared", f"a power of {name} is wrong", p**2
    if p.size > 1:
        yield f"{name} with all entries equal", f"{name} is in the wrong place", np.full_like(p, p.mean())
    for axis in range(p.ndim) if p.size > 1 else ():
        yield f"{name} reversed along axis {axis}", f"{name} is flipped", np.flip(p, axis)
        yield f"{name} shifted along axis {axis}", "an offset is wrong", np.roll(p, 1, axis)
        if p.ndim > 1:
            meaning = "all slices count, though forward selects one of them"
            total = np.repeat(p.sum(axis, keepdims=True), p.shape[axis], axis)
            yield f"{name} averaged along axis {axis}", meaning, total / p.shape[axis]
            yield f"{name} summed along axis {axis}", meaning, total
    yield f"{name} = 0", f"the missing or wrong term passes through {name}", np.zeros_like(p)
    yield f"{name} / 10", f"wrong beyond a threshold of {name}", p / 10


def of_dy(dy: Array) -> Iterator[Change]:
    """Yield other upstream gradients."""
    for axis in range(dy.ndim):
        if dy.shape[axis] > 1:
            permuted = "entries of dy are permuted"
            yield Change(f"dy reversed along axis {axis}", permuted, {"dy": np.flip(dy, axis)})
            yield Change(f"dy shifted by one along axis {axis}", permuted, {"dy": np.roll(dy, 1, axis)})
            meaning, centred = (
                "a term with sum(dy), or mean(dy), is missing or wrong",
                dy - dy.mean(axis, keepdims=True),
            )
            yield Change(f"dy that sums to zero along axis {axis}", meaning, {"dy": centred})
    if dy.ndim > 1 and dy.shape[-1] > 1:
        shares = dy / dy.sum(axis=-1, keepdims=True)
        yield Change("dy that sums to one in each row", "the factor sum(dy) is missing", {"dy": shares})
    if dy.size > 1:
        yield Change("|dy|", "the result depends on the sign of dy", {"dy": np.abs(dy)})
