"""numeric, special: compare every gradient with numerical ones.

Inputs and parameters may be special as a whole: equal, sorted, of one sign, large, near a constant. Some branches
of a layer are taken only in such cases.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from minidl.testing.checks.trial import trial
from minidl.testing.constants import Constants, constants_of
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped, Unverified
from minidl.testing.points import draw_x, is_integer, normal
from minidl.testing.probe import Arrays, Point
from minidl.testing.registry import register_check
from minidl.typing import Array, Shape

SCALES = (3.0, 1e-3, 100.0)  # of the input
NO_CONTROL = "the positive control failed: an error planted by the kit was not seen"
SIZES = (1e-9, 1e-6, 1e-4, 1e-2, 0.1, 5.0, 20.0, 60.0, 300.0, 1e3, 1e4)
SHIFTS = (10.0, -10.0, 100.0, -100.0, 1e3, -1e3)
NEAR_THE_EDGE = (0.1, 1e-2, 1e-3, 1e-5)  # closer than this, a loss may clip for numerical safety

Named = Iterator[tuple[str, Array]]


@register_check("numeric", after=("linear-in-u",))
def numeric(examination: Examination) -> Iterator[Finding]:
    """Compare the gradients at a generic point, at other parameters and at inputs of other magnitudes."""
    if examination.surrogate:
        raise Skipped("the gradient is declared to be no derivative")
    yield from _generic(examination)
    if not examination.controls:
        raise Unverified(NO_CONTROL)
    for told, make in _regimes(examination) if examination.at_least("standard") else ():
        yield from trial(examination, told, make)


def _generic(examination: Examination) -> Iterator[Finding]:
    """Yield a finding if a gradient is wrong at a generic point; if undecided, try up to two more points."""
    point = examination.point
    for _ in range(2):
        with suppress(Unverified):
            yield from examination.compare(point)
            return
        point = examination.draw()
    yield from examination.compare(point)


def _regimes(examination: Examination) -> Iterator[tuple[str, Callable[[], Point]]]:
    """Yield the special points: inputs and parameters of other magnitudes."""
    point, subject = examination.point, examination.subject
    yield "other parameters", examination.draw
    if subject.domain in ("real", "positive"):
        for scale in SCALES:
            yield f"inputs times {scale:g}", partial(examination.draw, scale=scale)
    if point.parameters:
        initial = subject.mold(point.input_shape, float, point.arguments).values
        yield "initial parameters", lambda: point.with_(parameters=initial)
        yield "large parameters", lambda: point.with_(parameters={n: 5 * v for n, v in point.parameters.items()})


@register_check("here", after=("linear-in-u",), level="never")
def here(examination: Examination) -> Iterator[Finding]:
    """Compare the gradients at the given point only: for plain functions and for the layers of a model."""
    yield from examination.compare(examination.point, hard=True, lightly=examination.level == "quick")
    if not examination.controls:
        raise Unverified(NO_CONTROL)


@register_check("special", after=("numeric", "mode", "batch", "subgradient", "path-integral"), level="standard")
def special(examination: Examination) -> Iterator[Finding]:
    """Try equal, sorted, one-signed, tiny and large inputs and parameters, and values near constants of the code."""
    if examination.surrogate:
        raise Skipped("the gradient is declared to be no derivative")
    point, subject, rng = examination.point, examination.subject, examination.rng
    constants = constants_of(subject.example)
    special_inputs = [*inputs(subject.domain, rng, point.x.shape, constants), *subject.own_inputs(rng, point.x.shape)]
    for told, x in special_inputs:
        yield from trial(examination, told, partial(point.with_, x=x), modes=subject.modes)
    for told, moved in parameters(point.parameters, rng, constants):
        make = partial(_where_defined, examination, point.with_(parameters=moved))
        yield from trial(examination, told, make, modes=subject.modes)


def _where_defined(examination: Examination, point: Point) -> Point:
    """Return a point, unless forward divides by 0 there, as by a width of 0: a `LayerFailure` then refuses it."""
    with np.errstate(divide="raise"):
        examination.subject.reused(point).forward(point.x.copy(), point.training)
    return point


def inputs(domain: Any, rng: np.random.Generator, shape: Shape, constants: Constants) -> Named:
    """Yield special inputs of ``shape``, which includes the batch axis, each with a description."""
    if len(shape) < 2:
        return
    x = draw_x(domain, rng, shape)
    yield "equal rows", np.ascontiguousarray(np.broadcast_to(x[:1], shape))
    yield "a row that comes twice", np.concatenate([x[:-1], x[:1]])
    if is_integer(domain):
        yield "equal ids", np.full(shape, domain[1] - 1)
        yield "ids of 0", np.zeros(shape, int)
        yield "a row of ids of 0", np.concatenate([x[:-1], np.zeros_like(x[:1])])
    elif not callable(domain):
        yield "rows of equal entries", np.ascontiguousarray(np.broadcast_to(x[..., :1], shape))
        yield "equal entries", np.full(shape, x.flat[0])
        yield "sorted rows", np.sort(x, axis=-1)
        yield "rows sorted backwards", -np.sort(-x, axis=-1)
        yield "sorted columns", np.sort(x, axis=0)
        if domain == "real":
            yield from _real(rng, shape, constants)
        elif domain == "positive":
            yield from ((f"inputs times {scale:g}", scale * x) for scale in (*SIZES[1:], *constants.numbers))
        else:
            low, high = (0.0, 1.0) if domain == "probability" else domain
            yield from _between(low, high, rng, shape, constants)


def _real(rng: np.random.Generator, shape: Shape, constants: Constants) -> Named:
    x = draw_x("real", rng, shape)
    yield "positive inputs", np.abs(x) + 0.1
    yield "negative inputs", -np.abs(x) - 0.1
    yield "whole numbers", np.round(2 * x) + rng.choice([-3.0, 3.0], shape)
    yield "zeros", np.zeros(shape)
    yield "negative zeros", -np.zeros(shape)
    yield "a row of zeros", np.concatenate([0 * x[:1], x[1:-1], -np.abs(x[-1:])])
    yield "one large input", np.where(np.arange(x.size).reshape(shape) == rng.integers(x.size), 1e3, x)
    yield "rows with one entry", np.where(np.arange(shape[-1]) == rng.integers(shape[-1]), x, 0.0)
    yield "nearly equal entries", x.flat[0] + 1e-7 * x
    for scale in dict.fromkeys([*SIZES, *constants.numbers]):
        yield f"inputs times {scale:g}", scale * draw_x("real", rng, shape)
    for shift in dict.fromkeys([*SHIFTS, *(sign * number for number in constants.numbers for sign in (1, -1))]):
        yield f"inputs around {shift:g}", shift + 0.02 * max(1.0, abs(shift)) * draw_x("real", rng, shape)
        yield f"inputs beyond {shift:g}", shift * (1 + 0.3 * rng.random(shape))


def _between(low: float, high: float, rng: np.random.Generator, shape: Shape, constants: Constants) -> Named:
    for part in [*NEAR_THE_EDGE, *(number for number in constants.numbers if NEAR_THE_EDGE[-1] < number < 1)]:
        share = (high - low) * part * rng.uniform(0.2, 1.0, shape)
        yield f"inputs near {low:g}", low + share
        yield f"inputs near {high:g}", high - share
        yield f"inputs near {low:g} or {high:g}", np.where(rng.random(shape) < 0.5, low + share, high - share)


def parameters(values: Arrays, rng: np.random.Generator, constants: Constants) -> Iterator[tuple[str, Arrays]]:
    """Yield special values of the parameters, each with a description."""
    if not values:
        return
    rows: dict[str, Callable[[Array], Array]] = {
        "positive parameters": lambda value: np.abs(value) + 0.1,
        "negative parameters": lambda value: -np.abs(value) - 0.1,
        "parameters of 0": np.zeros_like,
        "equal parameters": lambda value: np.full_like(value, 0.7),
        "parameters of -1": lambda value: np.full_like(value, -1.0),
    }
    for told, make in rows.items():
        yield told, {name: make(value) for name, value in values.items()}
    for factor in (1e-6, 1e-4, 5.0, 30.0, *constants.numbers):
        yield f"parameters times {factor:g}", {name: factor * value for name, value in values.items()}
    for shift in (3.0, -3.0, 10.0, *(1.2 * sign * number for number in constants.numbers for sign in (1, -1))):
        around = {name: shift * (1 + 0.1 * normal(rng, value.shape)) for name, value in values.items()}
        yield f"parameters around {shift:g}", around
    for name, value in values.items() if len(values) > 1 else ():
        yield f"{name} of 0", {**values, name: np.zeros_like(value)}
        yield f"{name} with zeros", {**values, name: value * (rng.random(value.shape) < 0.6)}
