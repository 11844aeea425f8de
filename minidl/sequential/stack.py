"""Stack: layers one after another, with their parameters in one flat vector.

It is the structural half of `Sequential`: adding, building, forward, backward; the other half trains.
"""

import itertools
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np

from minidl import checks
from minidl.config import snake_case
from minidl.data import check_features
from minidl.errors import ArgumentError, ShapeError, StateError
from minidl.layers import Input, Layer
from minidl.layers.allocation import allocate
from minidl.layers.base import walk
from minidl.layers.input import check_shape
from minidl.parameters import Parameters
from minidl.typing import Array, Shape


class Stack(Layer):
    """Abstract base of `Sequential`: ``y = layers[-1](...layers[1](layers[0](x)))``."""

    layers: list[Layer]
    _plan: Any = None  # made by the first training pass
    _run: Any = None  # while fit runs

    def __init__(self, layers: Iterable[Any] | None = None, *, seed: int | None = None, dtype: str = "float32") -> None:
        if seed is not None:
            checks.integer(seed, "Sequential: seed", minimum=0)
        try:
            self.dtype = np.dtype(dtype or "None").name  # NumPy takes None for float64
        except TypeError:
            self.dtype = str(dtype)
        checks.choice(self.dtype, "Sequential: dtype", ("float32", "float64", np.dtype(np.longdouble).name))
        self.seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0]) if seed is None else int(seed)
        self.rng = np.random.default_rng(self.seed)
        self.layers = []
        if isinstance(layers, (Layer, str)) or (layers is not None and not isinstance(layers, Iterable)):
            raise ArgumentError(f"Sequential: layers: expected a list of layers, got {layers!r}.")
        self._extend(list(layers or ()))

    def get_config(self) -> dict[str, Any]:
        return {"layers": self.layers, "seed": self.seed, "dtype": self.dtype, "input_shape": self.input_shape}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a new model, with new weights, made from what `get_config` returned: built if that was."""
        shape = config["input_shape"]
        first = [] if shape is None else [Input(tuple(shape))]
        layers = [layer if layer.position is None else _anew(layer) for layer in config["layers"]]
        return cls([*first, *layers], seed=config["seed"], dtype=config["dtype"])

    # Adding and taking away

    def add(self, layer: Any) -> None:
        """Append a layer; ``Dense(8, activation="relu")`` becomes two.

        Raises
        ------
        ArgumentError
            For a class in place of an instance, a layer that stands in a model already, or a name used twice.
        """
        self._extend([layer])

    def pop(self) -> Layer:
        """Take the last layer off and return it."""
        self._require_alone()
        if not self.layers:
            raise StateError(f"{self.label}: pop: expected a layer to take off, got an empty model.")
        layer = self.layers.pop()
        layer.position = layer._model = None
        self._rebuild()
        return layer

    def _extend(self, layers: list[Any], input_shape: Shape | None = None) -> None:
        self._require_alone()
        before, drawn = (list(self.layers), self.input_shape, self.output_shape), self.rng.bit_generator.state
        try:
            self.input_shape = input_shape or self.input_shape
            for layer in layers:
                if not isinstance(layer, Input):
                    self._append(layer)
                elif self.layers or self.input_shape is not None:
                    raise ArgumentError(f"{self.label}: expected Input only as the first item, got {layer!r} later.")
                else:
                    self.input_shape = layer.shape
            self._infer_input()
            self._rebuild()
        except BaseException:
            for layer in self.layers[len(before[0]) :]:
                layer.position = layer._model = None
            self.layers, self.input_shape, self.output_shape = before
            self.rng.bit_generator.state = drawn
            raise

    def _require_alone(self) -> None:
        if owner_of(self) is not None:
            raise StateError(f"{self.label}: expected a model that stands alone: change the layers before nesting it.")

    def _infer_input(self) -> None:
        """Take the shape of the inputs from a first layer that was given it, or is a model that has it."""
        if self.input_shape is not None or not self.layers or self.layers[0].input_shape is None:
            return
        first = self.layers[0]
        if first.output_shape is None or isinstance(first, Stack):  # another's shape may change, before build
            self.input_shape = check_shape(first.input_shape, f"{first.label}: input_shape")

    def _append(self, layer: Any) -> None:
        if isinstance(layer, type) and issubclass(layer, (Layer, Input)):
            raise ArgumentError(
                f"{self.label}: expected a layer, got the class {layer.__name__}. Write {layer.__name__}(...)."
            )
        if not isinstance(layer, Layer):
            raise ArgumentError(f"{self.label}: expected a layer, got {layer!r}.")
        for part in layer.expand():
            if owner_of(part) is not None or part is self:
                raise ArgumentError(
                    f"{part.label}: expected a layer that stands in no model yet: "
                    "a layer keeps the caches of one place. "
                    "Use layer.copy(), which keeps the trained values, or nest the whole model."
                )
            part.name = self._unique_name(part)
            part.position = len(self.layers)
            part._model = weakref.ref(self)
            self.layers.append(part)

    def _unique_name(self, layer: Layer) -> str:
        taken = {other.name for other in self.layers}
        if layer.name is not None:
            if layer.name in taken or "/" in layer.name:
                raise ArgumentError(
                    f"{layer.label}: name: expected one without '/' that no other layer has, got {layer.name!r}."
                )
            return layer.name
        base = snake_case(type(layer).__name__)
        numbered = (f"{base}_{number}" for number in itertools.count(1))
        return next(name for name in itertools.chain([base], numbered) if name not in taken)

    # Building

    def build(self, input_shape: Shape) -> Shape:
        """Fix the shape of the inputs (no batch axis), and with it all others; return the output shape.

        Raises
        ------
        ArgumentError, ShapeError
            If the shape is no tuple of positive integers, or does not fit the layers or an earlier `build`.
        """
        shape = check_shape(input_shape, f"{self.label}: build: input_shape")
        if self._built and shape != self.input_shape:
            raise ShapeError(f"{self.label}: build: expected {self.input_shape}, as it was built before, got {shape}.")
        if not self.layers:
            raise StateError(f"{self.label}: build: expected at least one layer, got an empty model. Use add().")
        self._extend([], shape)
        return self.output_shape  # type: ignore[return-value]

    def _rebuild(self) -> None:
        """Lay the parameters out anew, keeping the values there are."""
        self.output_shape = None
        if self.input_shape is not None and self.layers:
            self.declare(self.input_shape)
            self._bind(allocate(self.sublayers(), self.rng, self.dtype))

    def declare(self, input_shape: Shape) -> Shape:
        if self._built and tuple(input_shape) != self.input_shape:
            raise ShapeError(f"{self.label}: expected inputs of shape {self.input_shape}, got {tuple(input_shape)}.")
        self.declared, shape = {}, tuple(input_shape)
        self.input_shape = shape
        for layer in self.layers:
            shape = layer.declare(shape)
        self.output_shape = shape
        return shape

    def _bind(self, parameters: Parameters) -> None:
        self._parameters, self._plan, self._holders = parameters, None, ("layers",)
        self.dtype = parameters.values.dtype.name  # a nested model takes that of the whole
        self._chain = list(self._leaves())
        self._everything = list(walk(self.sublayers()))
        for path, layer in self._everything:
            if isinstance(layer, Stack):
                layer._bind(parameters.section(path))

    def _leaves(self) -> Iterator[Layer]:
        for layer in self.layers:
            if isinstance(layer, Stack):
                yield from layer._leaves()
            else:
                yield layer

    @property
    def _built(self) -> bool:
        return self.output_shape is not None

    def _require_built(self, call: str) -> None:
        if not self._built:
            raise StateError(
                f"{self.label}: {call}: expected a built model. "
                "Put Input((features,)) first, or call build((features,))."
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for layer in self.layers:
            layer._model = weakref.ref(self)
        if self.output_shape is not None:
            self._rebuild()

    # Looking in

    @property
    def parameters(self) -> Parameters:
        """All trainable values and gradients as flat vectors with named views; see `Parameters`."""
        self._require_built("parameters")
        return self._parameters

    def sublayers(self) -> dict[str, Layer]:
        return {layer.name or "": layer for layer in self.layers}

    def __getitem__(self, key: int | slice | str) -> Any:
        if not isinstance(key, str):
            return self.layers[key]
        named = self.sublayers()
        if key not in named:
            raise ArgumentError(
                f"{self.label}: expected one of the layers {', '.join(named)}; got {key!r}."
                f"{checks.did_you_mean(key, named)}"
            )
        return named[key]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of that name or number: ``model[name]`` or ``model[index]``, as Keras spells it."""
        if (name is None) == (index is None):
            raise ArgumentError(f"{self.label}: get_layer: expected a name or an index, got {name!r} and {index!r}.")
        return self[name if index is None else index]  # type: ignore[index]

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

    # Computing

    @np.errstate(all="ignore")
    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the outputs for the rows of ``x``, keeping what `backward` needs."""
        self._require_built("forward")
        x = check_features(x, self.input_shape, self._chain[0], self.dtype).astype(self.dtype, copy=False)  # type: ignore[arg-type]
        self._outputs = (len(x), *self.output_shape)  # type: ignore[misc]
        for layer in self._chain:
            x = layer.forward(x, training)
        return x

    @np.errstate(all="ignore")
    def backward(self, dy: Array) -> Array:
        """Set all gradients and return ``dx``, given ``dy = dL/dy`` for the last `forward`."""
        self._require_built("backward")
        dy = np.asarray(dy, self.dtype)
        if dy.shape != self._outputs:
            raise ShapeError(f"{self.label}: backward: dy: expected shape {self._outputs}, as y, got {dy.shape}.")
        for layer in reversed(self._chain):
            dy = layer.backward(dy)
        return dy

    def detached(self) -> Self:
        twin = super().detached()
        twin._chain = list(twin._leaves())
        return twin


def owner_of(part: Any) -> Any:
    """Return the model that a layer or an optimizer stands in, None if there is none (any more)."""
    owner = part.__dict__.get("_model")
    return None if owner is None else owner()


def _anew(layer: Layer) -> Layer:
    """Return a new layer of the same configuration, which stands in no model."""
    twin = type(layer).from_config(layer.get_config())
    twin.name, twin.trainable = layer.name, layer.trainable
    return twin
