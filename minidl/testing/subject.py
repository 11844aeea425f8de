"""Subject: the layer under test, which makes fresh, built clones of itself; the layer given stays untouched.

A `Probe` is one such clone: it makes every call repeatable, and returns all gradients of a backward pass.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minidl.config import REQUIRED, Configured, constructor_arguments
from minidl.errors import ArgumentError
from minidl.initializers import Initializer
from minidl.layers.allocation import allocate
from minidl.layers.base import Layer, walk
from minidl.parameters import Parameters
from minidl.regularizers import Regularizer
from minidl.sequential import Sequential
from minidl.sequential.stack import Stack
from minidl.typing import Array, Shape

Arrays = dict[str, Array]
SHARED = {bool, int, float, str, np.random.Generator}  # types of attributes that clones may have in common


class LayerFailure(Exception):
    """The layer raised ``error`` in ``method``: a finding, not a failure of the kit."""

    def __init__(self, method: str, error: Exception) -> None:
        super().__init__(f"{method} raised {type(error).__name__}: {error}")
        self.method, self.error = method, error


@contextmanager
def calling(method: str) -> Iterator[None]:
    """Turn whatever the layer raises inside into a `LayerFailure`."""
    try:
        yield
    except LayerFailure:
        raise
    except Exception as error:
        raise LayerFailure(method, error) from error


@dataclass(frozen=True)
class Point:
    """Where a layer is looked at: input, upstream gradient, values of parameters and state, mode, arguments."""

    x: Array
    dy: Array
    parameters: Arrays
    states: Arrays
    training: bool = True
    arguments: dict[str, Any] = field(default_factory=dict)  # only those that differ from the subject's

    @property
    def input_shape(self) -> Shape:
        return self.x.shape[1:]

    def with_(self, **changes: Any) -> "Point":
        """Return the same point but for ``changes``; None changes nothing."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})


class Probe:
    """A built clone whose calls are repeatable: state and random generators are set back before each forward."""

    def __init__(
        self, layer: Layer, rng: np.random.Generator, parameters: Parameters, mold: "Probe | None" = None
    ) -> None:
        self.layer, self.rng, self.parameters = layer, rng, parameters
        self.gradients = parameters.gradients
        self.values: Arrays = {}
        self.views: Arrays = {}
        self.states: Arrays = {}
        for path, part in walk({"layer": layer}):
            for name, declaration in part.declared.items():
                key = f"{path}/{name}".removeprefix("layer/")
                (self.values if declaration.trained else self.states)[key] = part.views[name]
                if declaration.trained:
                    self.views[key] = part.views["d" + name]
        self.kept = {name: state.copy() for name, state in self.states.items()}
        if mold is not None:
            self.generators, self.draws = mold.generators, mold.draws
            return
        generators = {id(rng): rng}
        for _, part in walk({"layer": layer}):
            found = (value for value in vars(part).values() if isinstance(value, np.random.Generator))
            generators.update({id(value): value for value in found})
        self.generators = [(generator, generator.bit_generator.state) for generator in generators.values()]
        self.draws: dict[bool, bool] = {}  # by mode: whether forward draws random numbers

    def twin(self) -> "Probe":
        """Return a clone in the same state; unlike a layer's own copy it keeps what `build` put into underscore names.

        The random generators are shared: a forward pass that draws sets them back first.
        """
        old = self.parameters
        parameters = Parameters(old.shapes, old.values.dtype, old.values.copy(), np.zeros_like(old.gradients))
        memo: dict[int, Any] = {}
        for path, part in walk({"layer": self.layer}):
            for name in part.parameter_names:
                memo[id(part.views[name])] = parameters[f"{path}/{name}"]
                memo[id(part.views["d" + name])] = parameters.gradient(f"{path}/{name}")
        return Probe(_cast(self.layer, memo), self.rng, parameters, mold=self)

    def set(self, parameters: Arrays, states: Arrays) -> "Probe":
        """Copy these values into the clone."""
        for name, value in parameters.items():
            self.values[name][...] = value
        for name, value in states.items():
            self.states[name][...] = value
            self.kept[name] = self.states[name].copy()
        return self

    def reset(self) -> None:
        """Set state and generators back to where they were."""
        for name, value in self.kept.items():
            self.states[name][...] = value
        for generator, state in self.generators:
            generator.bit_generator.state = state

    def forward(self, x: Array, training: bool = True, *, reset: bool = True) -> Array:
        if reset and (self.kept or self.draws.get(training, True)):
            self.reset()
        try:
            y = self.layer.forward(x, training)
        except Exception as error:
            raise LayerFailure("forward", error) from error
        if training not in self.draws:
            self.draws[training] = any(generator.bit_generator.state != state for generator, state in self.generators)
        return y

    def backward(self, dy: Array) -> Arrays:
        """Return copies of all gradients by name; NaN where the layer set nothing."""
        self.gradients[...] = np.nan
        try:
            dx = self.layer.backward(dy)
        except Exception as error:
            raise LayerFailure("backward", error) from error
        return {"dx": dx, **self.parameter_gradients()}

    def parameter_gradients(self) -> Arrays:
        return {target_of(name): view.copy() for name, view in self.views.items()}

    def run(self, point: Point) -> tuple[Array, Arrays]:
        """Return ``y`` and all gradients at a point."""
        y = self.forward(point.x.copy(), point.training)
        return y, self.backward(point.dy.copy())


def _cast(value: Any, memo: dict[int, Any]) -> Any:
    """Return a deep copy of a layer's attribute in which immutable things and unknown objects are shared."""
    if value is None or type(value) in SHARED:
        return value
    if id(value) in memo:
        return memo[id(value)]
    new = value
    if isinstance(value, (Initializer, Regularizer)):
        return value
    if isinstance(value, Configured):
        new = memo[id(value)] = object.__new__(type(value))
        for name, item in vars(value).items():
            new.__dict__[name] = item if name == "declared" else _cast(item, memo)
    elif type(value) in (list, tuple, set):
        new = type(value)(_cast(item, memo) for item in value)
    elif type(value) is dict:
        new = {name: _cast(item, memo) for name, item in value.items()}
    elif isinstance(value, np.ndarray):
        new = value.copy()
    memo[id(value)] = new
    return new


def target_of(parameter: str) -> str:
    """Return the name of a parameter's gradient: "W" -> "dW", "inner/W" -> "inner/dW"."""
    path, slash, name = parameter.rpartition("/")
    return f"{path}{slash}d{name}"


def strip(layer: Layer) -> Layer:
    """Take back what building a layer has set, in it and all inside."""
    for _, part in list(walk({"": layer})):
        for name in list(part.declared):
            for attribute in (name, "d" + name):
                part.__dict__.pop(attribute, None)
        part.__dict__.update(declared={}, views={}, input_shape=None, output_shape=None, position=None)
    return layer


class Subject:
    """What is certified: an instance, a class whose arguments can be guessed, or a factory.

    Parameters
    ----------
    given : Layer, class or function without arguments

    Raises
    ------
    ArgumentError
        If it is none of these.
    """

    whole_batch = False  # whether the output is one number for the batch, as a loss's is
    longest_refused = False  # whether the forward pass does not keep longdouble
    patient = False  # whether longdouble is used even where it is slow

    def __init__(self, given: Any) -> None:
        self.make_first, example = _maker(given)
        self.cls = type(example)
        self.name = repr(given) if isinstance(given, Layer) else repr(example)
        self.example = strip(example)
        try:
            self.arguments = example.get_config()
        except Exception:  # reported by the check of copies
            self.arguments = {}
        self.domain: Any = getattr(self.cls, "input_domain", None)
        self._molds: dict[Any, Probe] = {}  # built, never called: what clones are cast from

    def make(self, arguments: dict[str, Any] | None = None) -> Layer:
        """Return a new layer, not built, with these constructor arguments changed."""
        if not arguments:
            return strip(self.make_first())
        with calling("__init__"):
            return strip(self.cls.from_config({**copy.deepcopy(self.arguments), **arguments}))

    def probe(self, input_shape: Shape, dtype: Any = float, arguments: dict[str, Any] | None = None) -> Probe:
        """Return a clone built for rows of ``input_shape``, its parameters as initialised."""
        key = (tuple(input_shape), np.dtype(dtype), repr(arguments or {}))
        if key not in self._molds:
            self._molds[key] = self._build(input_shape, dtype, arguments)
        return self._molds[key].twin()

    def _build(self, input_shape: Shape, dtype: Any, arguments: dict[str, Any] | None) -> Probe:
        layer, rng = self.make(arguments), np.random.default_rng(1)
        stacks = [(path, part) for path, part in walk({"layer": layer}) if isinstance(part, Stack)]
        for _, part in stacks:
            part.dtype = np.dtype(dtype).name
        with calling("build"):
            layer.declare(input_shape)
            parameters = allocate({"layer": layer}, rng, dtype)
            for path, part in stacks:
                part._bind(parameters.section(path))
        return Probe(layer, rng, parameters)

    def at(self, point: Point, dtype: Any = float) -> Probe:
        """Return a fresh clone built and set as ``point`` says."""
        return self.probe(point.input_shape, dtype, point.arguments).set(point.parameters, point.states)

    def run(self, point: Point) -> tuple[Array, Arrays]:
        """Return ``y`` and all gradients of a fresh clone at ``point``."""
        return self.at(point).run(point)


def _maker(given: Any) -> tuple[Callable[[], Layer], Layer]:
    if isinstance(given, Layer):
        return _cloner(given)
    if isinstance(given, type) and issubclass(given, Layer):
        return _cloner(_guess(given))
    if callable(given):
        example = given()
        if isinstance(example, Layer):
            return _cloner(example) if given() is example else (given, example)
    raise ArgumentError(
        f"certify: expected a layer, a Layer class or a function that makes one, got {given!r}. "
        "For a loss there is certify_loss, for bare functions gradient_check."
    )


def _cloner(layer: Layer) -> tuple[Callable[[], Layer], Layer]:
    """Return a function that clones ``layer``, and one clone."""
    if len(strip(layer.copy()).expand()) > 1:  # such as Dense(5, activation="relu"): two layers in a model
        model = Sequential([strip(layer.copy())])
        return _cloner(model)
    try:
        config = copy.deepcopy(layer.get_config())
        cls = type(layer)
        return (lambda: cls.from_config(copy.deepcopy(config))), cls.from_config(copy.deepcopy(config))
    except Exception:  # a constructor that does not store its arguments: the check of copies says so
        kept = layer.copy()
        return kept.copy, layer.copy()


def _guess(cls: type[Layer]) -> Layer:
    examples = getattr(cls, "certify_with", None)
    if examples is not None:
        return cls(**examples)
    required = [name for name, default in constructor_arguments(cls).items() if default is REQUIRED]
    refused: list[Exception] = []
    for value in (5, 0.3, (2, 2)):
        try:
            return cls(**dict.fromkeys(required, value))
        except Exception as error:
            refused.append(error)
    raise ArgumentError(
        f"certify: expected {cls.__name__} to accept guessed values for {', '.join(required)}, got: {refused[0]}. "
        "Pass an instance, or give the class an attribute certify_with = {...}."
    )
