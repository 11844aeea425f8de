"""Situations: inputs and parameters that are special as a whole - equal, sorted, of one sign, far out, near a constant.

A branch of a layer may be taken in such a case only.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.constants import Mentioned
from minidl.testing.points import draw_x, is_integer, normal
from minidl.testing.probe import Arrays
from minidl.typing import Array, Shape

Told = tuple[str, Array]
SCALES = (1e-9, 1e-6, 1e-4, 1e-2, 0.1, 5.0, 20.0, 60.0, 300.0, 1e3, 1e4)
SHIFTS = (10.0, -10.0, 100.0, -100.0, 1e3, -1e3)
NEAR_THE_EDGE = (0.1, 1e-2, 1e-3, 1e-5)  # nearer, a loss may clip for its own safety


def inputs(domain: Any, rng: np.random.Generator, shape: Shape, code: Mentioned) -> Iterator[Told]:
    """Yield special inputs of ``shape``, the batch axis included, and what is special about them."""
    if len(shape) < 2:
        return

    def base() -> Array:
        return draw_x(domain, rng, shape)

    yield "equal rows", np.ascontiguousarray(np.broadcast_to(base()[:1], shape))
    twice = base()
    twice[-1] = twice[0]
    yield "a row that comes twice", twice
    if is_integer(domain):
        yield "equal ids", np.full(shape, domain[1] - 1)
        yield "ids of 0", np.zeros(shape, int)
        return
    if callable(domain):
        return
    yield "rows of equal entries", np.ascontiguousarray(np.broadcast_to(base()[..., :1], shape))
    yield "equal entries", np.full(shape, base().flat[0])
    yield "sorted rows", np.sort(base(), axis=-1)
    yield "rows sorted backwards", -np.sort(-base(), axis=-1)
    yield "sorted columns", np.sort(base(), axis=0)
    if domain == "real":
        yield from _real(rng, shape, code)
    elif domain == "positive":
        for scale in [*SCALES[1:], *code.numbers]:
            yield f"inputs times {scale:g}", scale * base()
    else:
        low, high = (0.0, 1.0) if domain == "probability" else domain
        yield from _between(low, high, rng, shape, code)


def _real(rng: np.random.Generator, shape: Shape, code: Mentioned) -> Iterator[Told]:
    def base() -> Array:
        return draw_x("real", rng, shape)

    yield "positive inputs", np.abs(base()) + 0.1
    yield "negative inputs", -np.abs(base()) - 0.1
    yield "whole numbers", np.round(2 * base()) + rng.choice([-3.0, 3.0], shape)
    yield "zeros", np.zeros(shape)
    yield "negative zeros", -np.zeros(shape)
    with_zeros = base()
    with_zeros[0] = 0
    with_zeros[-1] = -np.abs(with_zeros[-1])
    yield "a row of zeros", with_zeros
    yield "inputs with zeros", base() * (rng.random(shape) < 0.6)
    outlier = base()
    outlier.flat[rng.integers(outlier.size)] = 1e3
    yield "one large input", outlier
    yield "rows with one entry", np.where(np.arange(shape[-1]) == rng.integers(shape[-1]), base(), 0.0)
    yield "nearly equal entries", base().flat[0] + 1e-7 * base()
    for scale in dict.fromkeys([*SCALES, *code.numbers]):
        yield f"inputs times {scale:g}", scale * base()
    for shift in dict.fromkeys([*SHIFTS, *(sign * number for number in code.numbers for sign in (1, -1))]):
        yield f"inputs around {shift:g}", shift + 0.02 * max(1.0, abs(shift)) * base()
        yield f"inputs beyond {shift:g}", shift * (1 + 0.3 * rng.random(shape))


def _between(low: float, high: float, rng: np.random.Generator, shape: Shape, code: Mentioned) -> Iterator[Told]:
    width = high - low
    for part in [*NEAR_THE_EDGE, *(number for number in code.numbers if NEAR_THE_EDGE[-1] < number < 1)]:
        share = part * rng.uniform(0.2, 1.0, shape)
        yield f"inputs near {low:g}", low + width * share
        yield f"inputs near {high:g}", high - width * share
        yield (
            f"inputs near {low:g} or {high:g}",
            np.where(rng.random(shape) < 0.5, low + width * share, high - width * share),
        )


def parameters(
    values: Arrays, initial: Arrays, rng: np.random.Generator, code: Mentioned
) -> Iterator[tuple[str, Arrays]]:
    """Yield special values of the parameters, and what is special about them."""
    if not values:
        return
    yield "initial parameters", {name: value.copy() for name, value in initial.items()}
    yield "positive parameters", {name: np.abs(value) + 0.1 for name, value in values.items()}
    yield "negative parameters", {name: -np.abs(value) - 0.1 for name, value in values.items()}
    yield "parameters of 0", {name: np.zeros_like(value) for name, value in values.items()}
    yield "equal parameters", {name: np.full_like(value, 0.7) for name, value in values.items()}
    yield "parameters of -1", {name: np.full_like(value, -1.0) for name, value in values.items()}
    for factor in dict.fromkeys([1e-6, 1e-4, 5.0, 30.0, *code.numbers]):
        yield f"parameters times {factor:g}", {name: factor * value for name, value in values.items()}
    own = [1.2 * sign * number for number in code.numbers for sign in (1, -1)]
    for shift in dict.fromkeys([3.0, -3.0, 10.0, *own]):
        around = {name: shift * (1 + 0.1 * normal(rng, value.shape)) for name, value in values.items()}
        yield f"parameters around {shift:g}", around
    for name, value in values.items() if len(values) > 1 else ():
        yield f"{name} of 0", {**values, name: np.zeros_like(value)}
        sparse = value * (rng.random(value.shape) < 0.6)
        yield f"{name} with zeros", {**values, name: sparse}
