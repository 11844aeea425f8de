"""Probe: a built clone of a layer whose calls can be repeated, and which returns all gradients of a backward pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.network import has_own_loss
from minidl.parameters import Parameters
from minidl.testing.agreement import named
from minidl.testing.cloning import clone, generators_of, guarded
from minidl.testing.work import Work
from minidl.typing import Array, Shape

Arrays = dict[str, Array]
Gradients = dict[str, Any]  # as returned by the layer: dx may be anything


class LayerFailure(Exception):
    """The layer raised ``error`` in ``method``: a finding, not a failure of the kit."""

    tried = ""  # the shapes tried, if none was accepted

    def __init__(self, method: str, error: Exception) -> None:
        super().__init__(f"{method} raised {type(error).__name__}: {error}")
        self.method, self.error = method, error

    @property
    def writes(self) -> bool:
        """Whether the layer wrote into its arguments, which are read-only."""
        return isinstance(self.error, ValueError) and "read-only" in str(self.error)


class Misconduct(Exception):
    """The layer did something that no call may do, which is a finding in any check."""

    def __init__(self, message: str, target: str, why: str = "", *, line: str = "") -> None:
        super().__init__(message)
        self.target, self.why = target, why
        self.line = line or target  # the array that the faulty line computes


@contextmanager
def calling(method: str) -> Iterator[None]:
    """Convert any exception of the layer into a `LayerFailure`."""
    try:
        yield
    except LayerFailure:
        raise
    except Exception as error:
        raise LayerFailure(method, error) from error


@dataclass(frozen=True)
class Point:
    """One call of a layer: input, upstream gradient, values of parameters and state, mode, arguments."""

    x: Array
    dy: Array
    parameters: Arrays
    states: Arrays
    training: bool = True
    arguments: dict[str, Any] = field(default_factory=dict)  # only the ones that differ from the subject's

    @property
    def input_shape(self) -> Shape:
        """Shape of a row of ``x``."""
        return self.x.shape[1:]

    @property
    def integer(self) -> bool:
        """Whether ``x`` holds integers, such as ids, which have no derivative."""
        return self.x.dtype.kind in "iub"

    @property
    def told(self) -> str:
        """Mode and number of rows, for the report."""
        return f"in {'training' if self.training else 'inference'} with {len(self.x)} rows"

    def single_outputs(self) -> Iterator["Point"]:
        """Yield the same point with the upstream gradient of one output at a time."""
        for n in range(self.dy.size):
            dy = np.zeros_like(self.dy)
            dy.flat[n] = self.dy.flat[n]
            yield self.with_(dy=dy)

    def with_(self, **changes: Any) -> "Point":
        """Return a copy of the point with ``changes``; a value of None changes nothing."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def moved(
        self, *, parameters: Arrays | None = None, arguments: dict[str, Any] | None = None, **changes: Any
    ) -> "Point":
        """Return a copy of the point with ``changes`` and with single parameters and arguments replaced."""
        parameters = {**self.parameters, **(parameters or {})}
        return self.with_(parameters=parameters, arguments={**self.arguments, **(arguments or {})}, **changes)


class Probe:
    """A built clone whose calls are repeatable: state and random generators are reset before each forward."""

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
        self.start = {name: state.copy() for name, state in self.states.items()}
        self.whole: Gradients = {}  # of the last backward, including those of own losses
        self.draws: dict[bool, bool] = {}  # by mode: whether forward draws random numbers
        if mold is None:
            self.work, self.generators = Work(), generators_of(layer, rng)
            parts = [part for _, part in walk({"": layer})]
            self.has_own_loss = not hasattr(layer, "certified") and any(map(has_own_loss, parts))
        else:
            self.work, self.generators, self.draws = mold.work, mold.generators, mold.draws
            self.has_own_loss = mold.has_own_loss

    def twin(self) -> "Probe":
        """Return a clone in the same state; unlike `layer.copy`, it keeps underscore attributes set by `build`.

        The random generators are shared; a forward pass that draws resets them first.
        """
        old = self.parameters
        parameters = Parameters(old.shapes, old.values.dtype, old.values.copy(), np.zeros_like(old.gradients))
        memo: dict[int, Any] = {}
        for path, part in walk({"layer": self.layer}):
            for name in part.parameter_names:
                memo[id(part.views[name])] = parameters[f"{path}/{name}"]
                memo[id(part.views["d" + name])] = parameters.gradient(f"{path}/{name}")
        layer = clone(self.layer, memo)
        for path, part in walk({"layer": layer}):
            if type(part).adopt is not Layer.adopt:
                part.adopt(parameters.section(path))
        return Probe(layer, self.rng, parameters, mold=self)

    def set(self, parameters: Arrays, states: Arrays) -> "Probe":
        """Copy the given values of parameters and state into the clone."""
        for name, value in parameters.items():
            self.values[name][...] = value
        for name, value in states.items():
            self.states[name][...] = value
            self.start[name] = self.states[name].copy()
        return self

    def reset(self) -> None:
        """Reset state and generators to their starting values."""
        for name, value in self.start.items():
            self.states[name][...] = value
        for generator, state in self.generators:
            generator.bit_generator.state = state

    def forward(self, x: Array, training: bool = True, *, reset: bool = True) -> Array:
        """Return ``y``; without ``reset``, state and generators continue from their current values."""
        if reset and (self.start or self.draws.get(training, True)):
            self.reset()
        try:
            y = self.layer.forward(x, training)
        except Exception as error:
            raise LayerFailure("forward", error) from error
        self.work.add(x, self.layer)
        if training not in self.draws:
            self.draws[training] = any(generator.bit_generator.state != state for generator, state in self.generators)
        return y

    def draws_at(self, point: Point) -> bool:
        """Return whether forward draws random numbers at ``point``."""
        if point.training not in self.draws:
            self.forward(point.x.copy(), point.training)
        return self.draws[point.training]

    def backward(self, dy: Array) -> Gradients:
        """Return copies of all gradients by name, without those of own losses; NaN if the layer set none."""
        self.whole = self._backward("backward", dy)
        return self._without_own_loss("backward", self.whole, dy)

    def _backward(self, method: str, dy: Array) -> Gradients:
        self.gradients[...] = np.nan
        with calling(method):
            dx = getattr(self.layer, method)(dy)
        return {"dx": dx, **self.parameter_gradients()}

    def _without_own_loss(self, method: str, whole: Gradients, dy: Array) -> Gradients:
        """Return gradients minus those for ``dy = 0``, which come from own losses; the layer keeps the full ones."""
        if not self.has_own_loss:
            return whole
        own = self._backward(method, np.zeros_like(dy))
        for name, view in self.views.items():
            view[...] = whole[target_of(name)]
        return {name: value - own[name] if isinstance(value, np.ndarray) else value for name, value in whole.items()}

    def parameter_gradients(self) -> Arrays:
        """Return copies of the current parameter gradients."""
        return {target_of(name): view.copy() for name, view in self.views.items()}

    def call(self, x: Array, dy: Array, training: bool = True) -> Arrays:
        """Return copies of the output and of all gradients by name, without those that are None."""
        return named(self.forward(x, training), self.backward(dy))

    def results(self, point: Point) -> Arrays:
        """Return copies of the results of `run` by name, without those that are None."""
        return named(*self.run(point))

    def results_and_states(self, point: Point) -> Arrays:
        """Return `results` together with the state afterwards."""
        return self.results(point) | self.told_states()

    def told_states(self) -> Arrays:
        """Return copies of the current state, by names for a report."""
        return {f"the state {name}": value.copy() for name, value in self.states.items()}

    def run(self, point: Point) -> tuple[Array, Gradients]:
        """Return ``y`` and all gradients at a point, from read-only arguments, and ensure that nothing else changes.

        Raises
        ------
        Misconduct
            If it modifies its parameters, an earlier result or, when it must not, its state.
        """
        before = self._now({} if point.training else self.start)
        y = self.forward(guarded(point.x), point.training)
        self._unchanged("forward", before, point)
        before, returned = self._now(self.states), np.array(y)
        gradients = self.backward(guarded(point.dy))
        self._unchanged("backward", before, point)
        if returned.tobytes() != np.asarray(y).tobytes():
            why = "backward works in place on the cached output: work on a copy"
            raise Misconduct("backward changed the output that forward had returned", "y", why, line="dx")
        expected = (len(point.x), *(self.layer.output_shape or np.shape(y)[1:]))
        if np.shape(y) != expected and self.layer.output_shape:
            raise Misconduct(f"y has shape {np.shape(y)} for {len(point.x)} rows, expected {expected}", "y")
        return y, gradients

    def run_parameters(self, point: Point) -> Arrays:
        """Return the gradients that `backward_parameters` sets at a point."""
        self.forward(guarded(point.x), point.training)
        before = self._now(self.states)
        whole = self._backward("backward_parameters", guarded(point.dy))
        self._unchanged("backward_parameters", before, point)
        found = self._without_own_loss("backward_parameters", whole, point.dy)
        return {name: value for name, value in found.items() if name != "dx"}

    def _now(self, states: Arrays) -> Arrays:
        return {name: value.copy() for name, value in {**self.values, **states}.items()}

    def _unchanged(self, method: str, before: Arrays, point: Point) -> None:
        now = {**self.values, **self.states}
        for name in (name for name, value in before.items() if value.tobytes() != now[name].tobytes()):
            kind, why = "state", "only forward in training may update running statistics"
            if name in self.values:
                kind, why = "parameter", f"an operation in place, such as *=, changes {name} itself, as only the "
                why += "optimizer may: work on a copy"
            line = "y" if method == "forward" else target_of(name)
            raise Misconduct(f"{method} changed the {kind} {name} {point.told}", name, why, line=line)


def present(gradients: Gradients) -> Gradients:
    """Return the gradients that are not None; dx is None if inputs are ids."""
    return {name: value for name, value in gradients.items() if value is not None}


def target_of(parameter: str) -> str:
    """Return the name of a parameter's gradient: "W" -> "dW", "inner/W" -> "inner/dW"."""
    path, slash, name = parameter.rpartition("/")
    return f"{path}{slash}d{name}"
