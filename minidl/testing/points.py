"""Points: the inputs and parameters at which a layer is tested, drawn so that no value is neutral.

Inputs and upstream gradients are Gaussian with both signs; parameters are moved away from their initial values,
because a bias of zero or a gamma of one can hide a bug; running statistics come from batches.
"""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.testing.probe import Arrays, LayerFailure, Point, Probe
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape

BATCH = 3
SHAPES: tuple[Shape, ...] = ((4,), (6, 3), (6, 5, 2), (12,), (8, 8, 3), (4, 6, 5, 2), (1,))
WAYS = ("spread", "spread", "mild", "initial")  # ways to move parameters; the first that gives a finite output is used
DOMAINS = ("real", "positive", "probability", "integer")


class Refused(Exception):
    """The layer does not accept such inputs, which is not a finding."""

    tried = ""  # the shapes tried, if none was accepted


class WrongShape(Refused):
    """The output shape differs from the one `build` returned: the layer was not meant for such inputs."""

    def __init__(self, found: Shape, expected: Shape) -> None:
        super().__init__(f"y has shape {found}, expected {expected}")
        self.found, self.expected = found, expected


def shapes_to_try(subject: Subject) -> list[Shape]:
    """Return the row shapes to try for a layer whose input shape was not given."""
    given = getattr(subject.cls, "certify_input_shape", None)
    given = subject.example.input_shape if given is None else given
    if given is not None:
        return [tuple(given)]
    values = [value if isinstance(value, (tuple, list)) else (value,) for value in subject.arguments.values()]
    sizes = [abs(math.prod(value)) for value in values if value and all(type(item) is int for item in value)]
    # With 4 features, a layer of 4 units is square, which hides a forgotten transpose, so 5 comes first.
    first = [(5,), *SHAPES] if 4 in sizes else list(SHAPES)
    sizes = [size for size in dict.fromkeys(sizes) if 1 <= size <= 4096]
    shapes = [*first, *((size,) for size in sizes), *((6, size) for size in sizes), *((6, 5, size) for size in sizes)]
    return list(dict.fromkeys(shapes))


def draw_x(domain: Any, rng: np.random.Generator, shape: Shape, scale: float = 1.0) -> Array:
    """Return an input of ``shape``, which includes the batch axis, from ``domain``: see `minidl.testing`."""
    if callable(domain):
        return np.asarray(domain(rng, shape))
    if isinstance(domain, tuple):
        low, high = domain
        if low == "integer":
            return rng.integers(0, high, shape)
        return rng.uniform(low + 0.02 * (high - low), high - 0.02 * (high - low), shape)
    if domain == "positive":
        return scale * (0.1 + rng.gamma(2.0, 0.7, shape))
    if domain == "probability":
        return rng.uniform(0.05, 0.95, shape)
    if domain in ("real", None):
        return scale * 1.2 * rng.standard_normal(shape)
    raise ArgumentError(
        f"input_domain: expected one of {', '.join(map(repr, DOMAINS))}, (low, high), ('integer', count) or a function "
        f"(rng, shape) -> x; got {domain!r}."
    )


def normal(rng: np.random.Generator, shape: Shape) -> Array:
    """Return an array of ``shape`` of standard normal numbers."""
    return np.asarray(rng.standard_normal(shape))


def between_rows(x: Array) -> Callable[[np.random.Generator, Shape], Array]:
    """Return a domain of points between two rows of ``x``; a single row is perturbed slightly."""

    def draw(rng: np.random.Generator, shape: Shape) -> Array:
        one, other = x[rng.integers(0, len(x), shape[0])], x[rng.integers(0, len(x), shape[0])]
        if x.dtype.kind in "iub":
            return one
        if len(x) == 1:
            return one * (1 + 0.05 * rng.uniform(-1, 1, one.shape))
        part = rng.uniform(0, 1, (shape[0], *(1,) * (x.ndim - 1)))
        return part * one + (1 - part) * other

    return draw


def draw_dy(rng: np.random.Generator, shape: Shape) -> Array:
    """Return an upstream gradient: Gaussian with both signs, never all ones."""
    return np.asarray(1.5 * rng.standard_normal(shape) + 0.1)


def is_integer(domain: Any) -> bool:
    """Return whether inputs of ``domain`` are integer ids, which have no derivative."""
    return domain == "integer" or (isinstance(domain, tuple) and domain[0] == "integer")


def candidates(subject: Subject) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield the domains to try, each with ways to move parameters: only the declared one, or all, widest first.

    A narrower domain is tried before unmoved parameters: a power with initial exponent 1 accepts negative numbers.
    """
    if subject.domain is not None and subject.domain != "integer":
        yield subject.domain, WAYS
        return
    if subject.domain is None:
        yield from ((domain, ways) for ways in (WAYS[:2], WAYS[2:3], WAYS[3:]) for domain in DOMAINS[:3])
    counts = [value for value in subject.arguments.values() if isinstance(value, int) and value > 1]
    yield from ((("integer", count), WAYS) for count in [*counts, 2])


def move_parameters(values: Arrays, rng: np.random.Generator, way: str) -> Arrays:
    """Return values moved from the initial ones: "spread" mixes signs, "mild" keeps them, otherwise unchanged."""
    moved = {}
    for name, value in values.items():
        value = value.astype(float)
        if way == "spread":
            value = value + 0.6 * rng.standard_normal(value.shape)
        elif way == "mild":
            value = value * np.exp(0.3 * rng.standard_normal(value.shape))
            value = np.where(value == 0, 0.05 * rng.standard_normal(value.shape), value)
        moved[name] = value
    return moved


def settle_states(probe: Probe, domain: Any, input_shape: Shape, rng: np.random.Generator) -> Arrays:
    """Return the state after two training batches, so that running statistics are neither neutral nor invalid."""
    initial = {name: state.astype(float) for name, state in probe.states.items()}
    if not initial:
        return {}
    try:
        for _ in range(2):
            probe.forward(draw_x(domain, rng, (5, *input_shape)), True, reset=False)
    except LayerFailure:
        return initial
    settled = {name: state.astype(float) for name, state in probe.states.items()}
    for name, state in settled.items():
        if state.ndim and state.size > 1 and np.isin(state, (0, 1)).all():  # would hide a missing factor
            settled[name] = state + 0.37 * rng.random(state.shape)
    return settled if all(np.isfinite(state).all() for state in settled.values()) else initial


def draw_point(
    subject: Subject,
    rng: np.random.Generator,
    input_shape: Shape,
    *,
    arguments: dict[str, Any] | None = None,
    batch: int = BATCH,
    scale: float = 1.0,
    ways: tuple[str, ...] = WAYS,
) -> Point:
    """Return a point where the forward pass is finite.

    Raises
    ------
    Refused
        If there is none.
    LayerFailure
        If the layer raises an error.
    """
    arguments = arguments or {}
    probe = subject.probe(input_shape, float, arguments)
    states = settle_states(probe, subject.domain, input_shape, rng)
    initial = {name: value.copy() for name, value in probe.values.items()}
    for way in ways:
        parameters = move_parameters(initial, rng, way)
        probe.set(parameters, states)
        x = draw_x(subject.domain, rng, (batch, *input_shape), scale)
        y = probe.forward(x.copy())
        if np.size(y) == 0:
            raise Refused(f"rows of {input_shape} give no output")
        if np.isfinite(np.asarray(y, float)).all():
            return Point(x, draw_dy(rng, np.shape(y)), parameters, states, True, arguments)
    raise Refused(f"the output for rows of {input_shape} is not finite")


def rows_of(subject: Subject, rng: np.random.Generator, point: Point, rows: int) -> Point:
    """Return a point with ``rows`` rows and the same parameters."""
    x = draw_x(subject.domain, rng, (rows, *point.input_shape))
    y = subject.at(point).forward(x.copy(), point.training)
    return point.with_(x=x, dy=draw_dy(rng, np.shape(y)))


def first_point(subject: Subject, rng: np.random.Generator, input_shape: Shape | None) -> tuple[Point, str]:
    """Return the first point that the layer accepts and how it was found, and set the subject's domain.

    Raises
    ------
    LayerFailure, Refused
        The first error, if no point is accepted; its text says what was tried.
    """
    shapes = shapes_to_try(subject) if input_shape is None else [tuple(input_shape)]
    declared, first, truncating = subject.domain, None, None
    for shape in shapes:
        for domain, ways in candidates(subject):
            subject.domain = domain
            try:
                # The same random numbers for each domain, so that only the domain matters.
                point = draw_point(subject, copy.deepcopy(rng), shape, ways=ways)
                if declared is None and not is_integer(domain) and (truncating or _truncates(subject, point)):
                    truncating = truncating or (point, domain)
                    continue
            except (LayerFailure, Refused) as refusal:
                first = first or refusal
                if isinstance(refusal, LayerFailure) and refusal.method in ("build", "__init__"):
                    break  # no other domain will help
                continue
            finally:
                subject.domain = declared
            return _settled(subject, point, declared, domain)
    if truncating is not None:
        return _settled(subject, truncating[0], declared, truncating[1])
    assert first is not None
    first.tried = f"rows of {', '.join(map(str, shapes))}"
    raise first


def _settled(subject: Subject, point: Point, declared: Any, domain: Any) -> tuple[Point, str]:
    subject.domain, how = domain, f"input {point.x.shape}"
    if declared is None and domain != "real":
        told = f"integer ids below {domain[1]}" if is_integer(domain) else str(domain)
        how += f", {told} inputs found by trial"
    return point, how


def _truncates(subject: Subject, point: Point) -> bool:
    """Return whether the layer truncates its inputs to integers, as if they were ids."""
    if not any(isinstance(value, int) and value > 1 for value in subject.arguments.values()):
        return False
    probe = subject.at(point)
    y, whole, half = (np.array(probe.forward(x, True)) for x in (point.x.copy(), np.trunc(point.x), point.x / 2))
    return np.array_equal(y, whole) and not np.array_equal(y, half)
