"""LayerList: a sequence of layers, and the network built from them once the input shape is known.

This is the structural half of `Sequential`: adding, naming, building, forward and backward; the other half trains.
"""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any, Self, Unpack

import numpy as np

from minidl import checks
from minidl.contract import NotedLayer
from minidl.data import check_features
from minidl.errors import ArgumentError, ShapeError, StateError
from minidl.layers import Input, Layer
from minidl.layers.allocation import allocate
from minidl.layers.input import check_batch_shape, check_shape
from minidl.layers.tree import join
from minidl.network import Network
from minidl.ownership import owner_of, release
from minidl.parameters import Parameters
from minidl.randomness import LayerRandomness, Randomness, next_seed
from minidl.sequential.naming import check_member, own_parts, take, unique_name
from minidl.sequential.transaction import prepared, unchanged_if_refused
from minidl.typing import Array, LayerOptions, Shape


class LayerList(Layer):
    """Abstract base of `Sequential`: ``y = layers[-1](...layers[1](layers[0](x)))``.

    Attributes
    ----------
    layers : tuple of Layer
        The layers of the model; use `add` and `pop` to change them.
    network : Network or None
        The layers in the form in which they run; None until the model is built.
    uncalled : dict
        Class attribute: methods that a subclass must not define, with what to do instead.
    randomness : Randomness
        Source of all random numbers of the model.
    """

    layers: tuple[Layer, ...]
    network: Network | None
    uncalled = dict.fromkeys(("forward", "backward", "call"), "fit calls the layers: write a layer with this method.")

    def __init__(
        self,
        layers: Iterable[Any] | None = None,
        *,
        seed: int | None = None,
        dtype: str = "float32",
        **options: Unpack[LayerOptions],
    ) -> None:
        given = None if seed is None else checks.integer(seed, "Sequential: seed", minimum=0)
        self.dtype = checks.floating_type(dtype, "Sequential: dtype")
        self.randomness = Randomness(next_seed() if given is None else given)
        self.randomness.given = seed is not None
        self.layers, self.network = (), None
        if isinstance(layers, (Layer, str)) or (layers is not None and not isinstance(layers, Iterable)):
            raise ArgumentError(f"Sequential: layers: expected a list of layers, got {layers!r}.")
        self._extend(list(layers or ()))

    @property
    def seed(self) -> int:
        """Seed of all random numbers, drawn if none was given."""
        return self.randomness.seed

    def get_config(self) -> dict[str, Any]:
        return {"layers": list(self.layers), "seed": self.seed, "dtype": self.dtype, "input_shape": self.input_shape}

    # Adding and removing

    def add(self, layer: Any) -> None:
        """Append a layer.

        Raises
        ------
        ArgumentError
            For a class instead of an instance, a layer that already belongs to a model, or a duplicate name.
        """
        self._extend([layer])

    def pop(self) -> Layer:
        """Remove the last layer and return it."""
        self._require_changeable("pop")
        if not self.layers:
            raise StateError(f"{self.label}: pop: expected at least one layer, got an empty model.")
        with unchanged_if_refused([self], self.randomness):
            last = self.layers[-1]
            self.set_derived(layers=self.layers[:-1])
            self._rebuild()
        for _, part in own_parts(last):
            release(part)
            part.set_derived(place=None)
        return last

    def _extend(self, layers: list[Any], input_shape: Shape | None = None) -> None:
        self._require_changeable("add" if layers else "build")
        with unchanged_if_refused([self, *layers], self.randomness):
            self.set_derived(input_shape=input_shape or self.input_shape)
            names = dict.fromkeys((layer.name for layer in self.layers), 0)
            for layer in layers:
                if not isinstance(layer, Input):
                    check_member(layer, self)
                    layer.name = unique_name(layer, names)
                    self.set_derived(layers=(*self.layers, layer))
                    take(self, layer, len(self.layers) - 1)
                elif self.layers or self.input_shape is not None:
                    raise ArgumentError(f"{self.label}: expected Input only as the first item, got {layer!r} later.")
                else:
                    self.set_derived(input_shape=layer.shape)
            self._infer_input()
            self._rebuild()

    def _require_changeable(self, call: str) -> None:
        if (trainer := vars(self).get("trainer")) is not None:
            trainer.check_idle(call)
        if owner_of(self) is not None:
            raise StateError(f"{self.label}: expected a model that is not nested: change the layers before nesting it.")

    def _infer_input(self) -> None:
        """Set the input shape if the first layer specifies it, or is a model with a known input shape."""
        if self.input_shape is not None or not self.layers or self.layers[0].input_shape is None:
            return
        first = self.layers[0]
        if first.output_shape is None or isinstance(first, LayerList):  # other layers may change before build
            self.set_derived(input_shape=check_shape(first.input_shape, f"{first.label}: input_shape"))

    # Building

    def build(self, input_shape: Any) -> Shape:
        """Set the input shape, allocate all parameters, and return the output shape.

        As in Keras, the batch axis is None, as in ``(None, 28, 28)``; a shape for vectors may leave it out: ``(784,)``.

        Raises
        ------
        ArgumentError, ShapeError
            If the shape is not such a tuple, or does not fit the layers or an earlier `build`.
        """
        shape = check_batch_shape(input_shape, f"{self.label}: build: input_shape")
        if self.network is not None and shape != self.input_shape:
            raise ShapeError(f"{self.label}: build: expected {self.input_shape}, as it was built before, got {shape}.")
        if not self.layers:
            raise StateError(f"{self.label}: build: expected at least one layer, got an empty model. Use add().")
        self._extend([], shape)
        return self.built("build").output_shape

    def built(self, call: str) -> Network:
        """Return the network, or raise a `StateError` if there is none; ``call`` opens the message."""
        if self.network is None:
            fix = "Put Input((features,)) first, or call build((features,))."
            raise StateError(f"{self.label}: {call}: expected a built model. {fix}")
        return self.network

    def _rebuild(self) -> None:
        """Allocate the parameters again, keeping existing values."""
        self.set_derived(output_shape=None, network=None)
        if self.input_shape is not None and self.layers:
            with NotedLayer():
                self.declare(self.input_shape)
            self.adopt(allocate(self.sublayers(), self.randomness.weights, self.dtype))
            for index, (_, layer) in enumerate(self.built("build").parts):
                layer.set_derived(rng=LayerRandomness(self.randomness, index))

    def declare(self, input_shape: Shape) -> Shape:
        if self.network is not None and tuple(input_shape) != self.input_shape:
            raise ShapeError(f"{self.label}: expected inputs of shape {self.input_shape}, got {tuple(input_shape)}.")
        shape = tuple(input_shape)
        self.set_derived(declared={}, input_shape=shape)
        for index, layer in enumerate(self.layers):
            if vars(layer).get("_building") is not False or layer.input_shape != shape:  # not built yet, or a copy
                layer.declare(shape)
            shape = layer.output_shape or ()
            take(self, layer, index)  # including the layers it has created
        self.set_derived(output_shape=shape)
        return shape

    def adopt(self, parameters: Parameters) -> None:
        # a nested model takes the dtype of the outer one
        self.set_derived(dtype=parameters.values.dtype.name, network=Network(self, parameters, self.randomness))

    def expand(self) -> dict[str, Layer]:
        named = self.sublayers().items()
        return {join(name, inner): step for name, layer in named for inner, step in layer.expand().items()}

    def inference_twin(self) -> Self:
        twin = super().inference_twin()
        twin.set_derived(network=None if self.network is None else self.network.inference_twin())
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "network"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "network": None})
        for index, layer in enumerate(self.layers):
            take(self, layer, index)
        if self.output_shape is not None:
            self._rebuild()

    # Inspection

    @property
    def parameters(self) -> Parameters:
        """All trainable values and gradients as flat vectors with named views; see `Parameters`."""
        return self.built("parameters").parameters

    def sublayers(self) -> dict[str, Layer]:
        return {layer.name or "": layer for layer in self.layers}

    def __getitem__(self, key: int | slice | str) -> Any:
        if not isinstance(key, str):
            return self.layers[key]
        named = self.sublayers()
        if key not in named:
            hint = checks.did_you_mean(key, named)
            raise ArgumentError(f"{self.label}: expected one of the layers {', '.join(named)}; got {key!r}.{hint}")
        return named[key]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by name or index; Keras' way to write ``model[name]`` or ``model[index]``."""
        if (name is None) == (index is None):
            raise ArgumentError(f"{self.label}: get_layer: expected a name or an index, got {name!r} and {index!r}.")
        return self[name or index or 0]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        first = [] if self.input_shape is None else [Input(self.input_shape)]
        inside = ", ".join(repr(item) for item in [*first, *self.layers])
        return f"{type(self).__name__}([{inside}])"

    # Computation

    @np.errstate(all="ignore")
    def forward(self, x: Array, training: bool | None = False) -> Array:
        """Return the outputs for the samples ``x``, caching what `backward` needs."""
        with nullcontext() if self.network is not None else prepared(self, x):
            network = self.built("forward")
            x = check_features(x, network).astype(network.input_dtype, copy=False)
        training = False if training is None else checks.flag(training, f"{self.label}: training")
        self._outputs = (len(x), *network.output_shape)
        with NotedLayer():
            return network.forward(x, training)

    @np.errstate(all="ignore")
    def backward(self, dy: Array) -> Array:
        """Set all gradients and return ``dx``, given ``dy = dL/dy`` for the last `forward`."""
        network = self.built("backward")
        dy = np.asarray(dy, network.dtype)
        nested = owner_of(self) is not None  # its layers may have run in the outer model's network
        expected = (len(dy), *network.output_shape) if nested and dy.ndim else self._outputs
        if dy.shape != expected:
            raise ShapeError(f"{self.label}: backward: dy: expected shape {expected}, as y, got {dy.shape}.")
        with NotedLayer():
            return network.backward(dy)
