"""Network: a chain of built layers, their parameters in one flat vector, and all passes through them.

Here a `Dense` and its activation are two steps, and a nested model is expanded into its steps.
"""

import itertools
import weakref
from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from minidl.contract import CheckedLayer, NotedLayer, as_number, check_rules
from minidl.data import read_only
from minidl.errors import StateError
from minidl.layers import Layer
from minidl.layers.attributes import freezes
from minidl.layers.integer_inputs import check_input_of, input_dtype_of
from minidl.layers.tree import has_arrays, join, running_inside, walk
from minidl.parameters import Parameters
from minidl.randomness import Randomness
from minidl.typing import Array, Shape

INFERENCE = itertools.repeat(False)  # the modes of all layers outside training
CHECK_ROWS = 1 << 16  # rows of ids checked at a time


class Network:
    """A chain of built layers: ``y = layers[-1](...layers[1](layers[0](x)))``.

    Parameters
    ----------
    root : Layer
        The built model that owns the layers; the network holds only a weak reference to it.
    parameters : Parameters
        The flat vectors that the layers' arrays are views of.
    randomness : Randomness
        Counts the training passes.

    Attributes
    ----------
    layers : tuple of Layer
        The steps in the order in which they run.
    names : tuple of str
        Their paths, such as ``"dense"`` and ``"dense/activation"``.
    parts : list of (str, Layer)
        All layers, including nested ones, with their paths.
    input_shape, output_shape : tuple of int
        Shapes without the batch axis.
    dtype, input_dtype : dtype
        Types of the parameters and all results, and of the input, which is integer if an `Embedding` takes it.
    """

    def __init__(self, root: Layer, parameters: Parameters, randomness: Randomness) -> None:
        held = root.sublayers()
        steps = {join(name, inner): step for name, layer in held.items() for inner, step in layer.expand().items()}
        self.layers, self.names = tuple(steps.values()), tuple(steps)
        self.parts: list[tuple[str, Layer]] = list(walk(held))
        self.parameters, self.randomness = parameters, randomness
        self.input_shape: Shape = root.input_shape or ()
        self.output_shape: Shape = root.output_shape or ()
        self.dtype = parameters.values.dtype
        self.input_dtype = np.dtype(input_dtype_of(self.layers) or self.dtype)
        self.data_dtype = np.result_type(self.input_dtype, self.dtype)  # the data must be finite in it
        self.checks_input = any(
            type(part).check_input is not Layer.check_input and not part.sublayers() for _, part in self.parts
        )
        self.root = weakref.ref(root)
        trained = (index for index, layer in enumerate(self.layers) if has_arrays(layer, trained=True))
        self.lowest = next(trained, len(self.layers))
        self.stateful = [index for index, layer in enumerate(self.layers) if has_arrays(layer, trained=False)]
        self._look_at_settings()
        self.idle_twins: list[Any] = []  # of earlier predictions
        self.with_own_loss = [layer for _, layer in self.parts if has_own_loss(layer)]

    # Passes

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the outputs, caching what `backward` needs; a frozen layer with state runs in inference mode."""
        if training:
            self.randomness.passes += 1
            self.randomness.current_pass = object()  # a pass repeated after an error counts as a new pass
            if self.freezes != freezes[0]:
                self._look_at_settings()
        for layer, mode in zip(self.layers, self.modes if training else INFERENCE):  # noqa: B905 - not of one length
            x = layer.forward(x, mode)
        return x

    def backward(self, dy: Array) -> Array:
        """Set all gradients and return ``dx``, given ``dy = dL/dy`` for the last `forward`."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def backward_parameters(self, dy: Array) -> None:
        """Set all gradients as `backward` does, without computing the ``dx`` that none of them needs."""
        if self.lowest < len(self.layers):
            for layer in self.layers[: self.lowest : -1]:
                dy = layer.backward(dy)
            self.layers[self.lowest].backward_parameters(dy)

    def check_input(self, x: Any, who: str) -> Any:
        """Return ``x``; a `DataError`, opened by ``who``, if the first layers reject it."""
        for start in range(0, len(x), CHECK_ROWS):
            here = f"{who}, from row {start:,} on" if start else who
            check_input_of(self.layers, x[start : start + CHECK_ROWS], here)
        return x

    @np.errstate(all="ignore")
    def infer(self, x: Array) -> Array:
        """Return the outputs in inference mode; a layer that breaks its contract raises an error that names it."""
        x = x.astype(self.input_dtype, copy=False)
        y, failure = read_only(x), None
        try:
            y = self.forward(y)
        except Exception as error:
            failure = error
        shape = self.layers[-1].output_shape if self.layers else self.input_shape
        if failure or type(y) is not np.ndarray or y.dtype != self.dtype or y.shape != (len(x), *(shape or ())):
            with NotedLayer():
                try:
                    self.checked().forward(x)
                    if failure:
                        raise failure
                finally:
                    del failure  # its traceback refers to this frame, which would keep the samples alive
        return y

    # Twins

    def inference_twin(self) -> Self:
        """Return a network that shares the parameters but not the caches, for use during a training pass."""
        twin = self._with_layers([layer.inference_twin() for layer in self.layers])
        if self.with_own_loss:
            steps = dict(zip(twin.names, twin.layers, strict=False))
            twin.with_own_loss = [part for _, part in walk(steps, inside=running_inside) if has_own_loss(part)]
        return twin

    def without_last(self) -> Self:
        """Return the network without its last layer."""
        return self._with_layers(self.layers[:-1])

    def _with_layers(self, layers: Iterable[Any]) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(vars(self), layers=tuple(layers), idle_twins=[])
        return twin

    def checked(self) -> Self:
        """Return the network with every call of a layer checked against the contract."""
        return self._with_layers([CheckedLayer(layer, self.dtype) for layer in self.layers])

    # Penalties and frozen layers

    def penalty(self, *, gradients: bool = False) -> float:
        """Return the sum of the regularizers' penalties; ``gradients`` also adds their gradients to the layers'."""
        if self.freezes != freezes[0]:
            self._look_at_settings()
        total = 0.0
        for layer, name, regularizer in self.penalties:
            total += regularizer.penalty(layer.views[name])
            if gradients:
                layer.views["d" + name] += regularizer.gradient(layer.views[name])
        return total

    def own_losses(self) -> float:
        """Return the sum of the layers' own losses at the last `forward`."""
        return sum(as_number(layer.own_loss(), layer, "own_loss") for layer in self.with_own_loss)

    def frozen_parts(self) -> list[slice]:
        """Return the slices of the flat vectors that belong to frozen layers; a `StateError` if they are all of it."""
        if self.trains != freezes[0]:
            self._look_at_settings()
            if self.trains != freezes[0]:
                why = "all layers are frozen: set trainable = True" if self.frozen else "no layer has parameters"
                raise StateError(f"training: there is nothing to train: {why}.")
        return self.frozen

    def _look_at_settings(self) -> None:
        seen = freezes[0]  # first: another thread may set a setting meanwhile
        parts = (("", self.root()), *((f"{path}/", layer) for path, layer in self.parts))
        paths = tuple([path for path, layer in parts if not getattr(layer, "trainable", True)])
        found = [(path, layer, key, one) for path, layer in self.parts for key, one in layer.declared.items()]
        self.states = [layer.views[key] for _, layer, key, one in found if not one.trained]
        self.frozen: list[slice] = [part for name, part in self.parameters.slices.items() if name.startswith(paths)]
        for _, layer, key, one in found:
            check_rules(layer.views[key], one.regularizer, one.constraint)
        still = {index for index in self.stateful if f"{self.names[index]}/".startswith(paths)}
        self.modes = [index not in still for index in range(len(self.layers))]  # in training; False: as in inference
        self.penalties = [(layer, key, one.regularizer) for _, layer, key, one in found if one.regularizer is not None]
        self.constraints = [
            (self.parameters.slices[join(path, key)], one.constraint, layer.views[key])
            for path, layer, key, one in found
            if one.constraint is not None
        ]
        frozen = sum(part.stop - part.start for part in self.frozen)
        self.freezes, self.trains = seen, seen if frozen < self.parameters.values.size else -1  # -1: look in each step


def has_own_loss(layer: Layer) -> bool:
    """Return whether a layer adds a term to the loss."""
    return type(layer).own_loss is not Layer.own_loss
