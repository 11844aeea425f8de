"""Layer: a function with parameters, and its hand-written derivative.

A layer declares its parameters in `build`, computes in `forward` and differentiates in `backward`;
names, copies, files, summaries and gradient checks follow without further code.
"""

import copy
from abc import abstractmethod
from collections.abc import Iterable
from operator import methodcaller
from typing import Any, ClassVar, Self, Unpack

import numpy as np

from minidl.checks import is_shape
from minidl.config import Configured
from minidl.constraints import resolve_constraint
from minidl.constructor import construct, constructor_arguments, replace_items
from minidl.errors import ArgumentError, LayerError, ShapeError, StateError
from minidl.initializers import resolve_initializer
from minidl.layers.attributes import Attributes, Declaration
from minidl.layers.freezing import infer_where_frozen
from minidl.layers.tree import layers_in, refuse_hidden_layers, walk
from minidl.numeric import in_dtype
from minidl.ownership import owner_of
from minidl.parameters import Parameters
from minidl.randomness import LayerRandomness
from minidl.regularizers import resolve_regularizer
from minidl.typing import Array, LayerOptions, Shape


class Layer(Attributes):
    """Abstract base of all layers: ``y = forward(x)``, ``dx = backward(dy)``.

    An attribute without a leading underscore is a constructor argument, a parameter or state; one with
    it is a cache of the current batch, which is never copied, pickled or saved. A constructor stores its
    arguments under their own names and does nothing else; there is no need to call ``super().__init__()``.

    Every layer takes two more arguments:

    name : str, optional
        By default, the model names it ``"dense"``, ``"dense_1"``, ...
    trainable : bool
        False freezes the parameters and the state; gradients still flow through. May be set at any time.

    Attributes
    ----------
    input_shape, output_shape : tuple of int or None
        Shapes without the batch axis, once the layer is built.

    Examples
    --------
    >>> class Gain(Layer):
    ...     def build(self, input_shape):
    ...         self.add_parameter("gamma", input_shape, "ones")
    ...         return input_shape
    ...
    ...     def forward(self, x, training=False):
    ...         self._x = x
    ...         return self.gamma * x
    ...
    ...     def backward(self, dy):
    ...         self.dgamma = (dy * self._x).sum(axis=0)
    ...         return dy * self.gamma
    """

    trainable: bool
    input_shape: Shape | None
    input_dtype: ClassVar[Any] = None  # dtype of ``x`` if not the model's: "int64" for ids
    keeps_values: ClassVar[bool] = False  # whether ``y`` holds values of ``x`` in its dtype, so that ids stay integers

    def __init__(self, **options: Unpack[LayerOptions]) -> None:
        """Do nothing: `LayerType` has stored the options."""

    def build(self, input_shape: Shape) -> Shape:
        """Declare the parameters for inputs of ``input_shape`` (no batch axis); return the output shape."""
        return input_shape

    @abstractmethod
    def forward(self, x: Array, training: bool = False) -> Array:
        """Return ``y``, keeping what `backward` needs in underscore attributes."""

    @abstractmethod
    def backward(self, dy: Array) -> Array:
        """Set the gradients ``self.dW``, ... and return ``dx = dL/dx``, given ``dy = dL/dy``."""

    def backward_parameters(self, dy: Array) -> None:
        """Set the gradients only; used for the lowest layer in training, where ``dx`` is not needed."""
        self.backward(dy)

    def own_loss(self) -> float:
        """Return the layer's contribution to the mean loss of the last `forward`; ``backward(0)`` is its gradient."""
        return 0.0

    def check_input(self, x: Array, who: str) -> None:
        """Raise a `DataError` that starts with ``who`` if ``x`` is not a valid input; called once for all the data."""

    def __call__(self, x: Array, training: bool = False) -> Array:
        if isinstance(x, Configured):  # as in Keras' functional interface
            raise ArgumentError(f"{self.label}: expected an array, got {x!r}. Stack the two: Sequential([..., ...]).")
        return self.forward(x, training)

    def add_parameter(
        self, name: str, shape: Shape, initializer: Any = "glorot_uniform",
        regularizer: Any = None, constraint: Any = None,
    ) -> None:  # fmt: skip
        """Declare a parameter in `build`: creates ``self.<name>`` and its gradient ``self.d<name>``."""
        self._declare(name, shape, initializer, True, regularizer, constraint)

    def add_state(self, name: str, shape: Shape, initializer: Any = "zeros") -> None:
        """Declare an array in `build` that is saved but not trained: creates ``self.<name>``."""
        self._declare(name, shape, initializer, False, None, None)

    def _declare(self, name: str, shape: Any, initializer: Any, trained: bool, *rules: Any) -> None:
        who = f"{self.label}: {name}"
        if not self.__dict__.get("_building"):
            raise StateError(f"{who}: expected to be declared in build, which inner.declare(input_shape) runs.")
        if name in {prefix + known for known in self.declared for prefix in ("", "d")} or f"d{name}" in self.declared:
            raise ArgumentError(f"{who}: build has already declared a parameter of this name.")
        own = hasattr(Layer, str(name)) or name in RESERVED or name in constructor_arguments(type(self))
        if own or not str(name).isidentifier() or name[0] == "_":
            raise ArgumentError(f"{who}: expected a name without a leading underscore that no layer uses for itself.")
        if not is_shape(shape):
            raise ShapeError(f"{who}: expected a shape of positive lengths, got {shape!r}.")
        initializer, shape = resolve_initializer(initializer, who), tuple(map(int, shape))
        regularizer, constraint = resolve_regularizer(rules[0], who), resolve_constraint(rules[1], who)
        self.declared[name] = Declaration(shape, initializer, regularizer, trained, constraint)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a new layer from the result of `get_config`; inner layers that belong to a model are recreated."""
        return construct(cls, replace_items(config, Layer, free_layer))

    def declare(self, input_shape: Shape) -> Shape:
        """Run `build` again, remember both shapes, and return the output shape."""
        self.set_derived(declared={}, _building=True)
        shape = self.build(tuple(input_shape))
        if type(shape) is not tuple or not is_shape(shape):
            raise LayerError(
                f"{self.label}: build: expected it to return the output shape, a tuple of positive integers "
                f"without the batch axis, got {shape!r}."
            )
        self.set_derived(input_shape=tuple(input_shape), output_shape=shape, _building=False)
        refuse_hidden_layers(self)
        if any(not one.trained for _, part in walk({"": self}) for one in part.declared.values()):
            infer_where_frozen(type(self))
        return shape

    def sublayers(self) -> dict[str, "Layer"]:
        """Return the layers in this layer's attributes, alone or in lists, tuples and dicts, by name.

        Raises an `ArgumentError` if two have the same name, or if an attribute holds the same layer twice.
        """
        found: dict[str, Layer] = {}
        first: dict[int, tuple[str, str]] = {}  # two attributes may refer to the same layer
        for holder in self.names_of_layers:
            for name, layer in layers_in(self.__dict__[holder], holder):
                before = first.setdefault(id(layer), (holder, name))
                if before[0] != holder:
                    continue
                if name in found or before[1] != name or "/" in name:
                    raise ArgumentError(
                        f"{self.label}: {holder}: expected different layers, their names different and without '/', "
                        f"got {name!r} again. Use layer.copy() or another name."
                    )
                found[name] = layer
        return found

    def nested_objects(self) -> dict[str, Configured]:
        return {**super().nested_objects(), **self.sublayers()}

    @property
    def names_of_layers(self) -> tuple[str, ...]:
        """The names of the attributes that hold other layers, or empty containers that may receive some."""
        names = self.__dict__.get("_names_of_layers")
        if names is None:
            names = self.__dict__["_names_of_layers"] = tuple(
                name for name, value in list(self.__dict__.items()) if name[0] != "_" and may_hold_layers(name, value)
            )
        return names

    def expand(self) -> dict[str, "Layer"]:
        """Return the layers that a network runs in place of this one, by their names inside it."""
        return {"": self}

    def adopt(self, parameters: Parameters) -> None:
        """Called after the arrays of this layer and its sublayers have been bound to ``parameters``."""

    @property
    def rng(self) -> "np.random.Generator":
        """The layer's random generator; in training it depends only on the model's seed, the pass and the layer."""
        source = self.__dict__.get("rng")
        if source is None:
            raise AttributeError  # `__getattr__` raises the full message
        return source.current() if isinstance(source, LayerRandomness) else source

    @rng.setter
    def rng(self, source: "np.random.Generator | LayerRandomness") -> None:
        self.__dict__["rng"] = source

    def count_params(self) -> int:
        """Return the number of trainable values, sublayers included."""
        return sum(layer.views[name].size for _, layer in walk({"": self}) for name in layer.parameter_names)

    def get_weights(self) -> list[Array]:
        """Return copies of all parameters and state arrays, in the order of their declaration."""
        return [view.copy() for _, view in self._weights()]

    def set_weights(self, arrays: Iterable[Array]) -> None:
        """Copy ``arrays``, ordered as in `get_weights`, into the parameters and state: all of them or none.

        Raises a `ShapeError` if their number or a shape does not match.
        """
        if not hasattr(arrays, "__iter__") or hasattr(arrays, "keys"):  # a NumPy archive iterates over names
            raise ArgumentError(f"{self.label}: set_weights: expected a list of arrays, got {arrays!r:.100}.")
        try:
            arrays = [np.asarray(array) for array in arrays]
        except ValueError as error:
            raise ArgumentError(f"{self.label}: set_weights: expected arrays, got something ragged: {error}") from error
        weights = self._weights()
        if len(arrays) != len(weights):
            raise ShapeError(f"{self.label}: set_weights: expected {len(weights)} arrays, got {len(arrays)}.")
        for (name, view), array in zip(weights, arrays, strict=True):
            if array.shape != view.shape:
                raise ShapeError(f"{self.label}: set_weights: {name}: expected shape {view.shape}, got {array.shape}.")
            real = array.dtype.kind in "fiub"
            finite = np.isfinite(in_dtype(array, view.dtype)) if real else np.zeros(array.shape, bool)
            if not finite.all():
                wrong = f"{array[~finite][0]} for {view.dtype}"
                raise ArgumentError(f"{self.label}: set_weights: {name}: expected finite numbers, got {wrong}.")
        for (_, view), array in zip(weights, arrays, strict=True):
            view[...] = array

    def _weights(self) -> list[tuple[str, Array]]:
        if self.output_shape is None:
            raise StateError(f"{self.label}: expected a built layer. Build the model, or give it an Input, first.")
        return [
            (f"{path}/{name}", layer.views[name])
            for path, layer in walk({self.name or "": self})
            for name in layer.declared
        ]

    def inference_twin(self) -> Self:
        """Return a twin that shares parameters and state but not caches, for inference during a training pass."""
        twin = object.__new__(type(self))
        state = twin.__dict__
        state.update(self.public_attributes())
        for name in self.names_of_layers:
            if any(True for _ in layers_in(state[name], "")):  # other containers are shared
                state[name] = replace_items(state[name], Layer, methodcaller("inference_twin"))
        return twin

    def copy(self, name: str | None = None) -> Self:
        """Return a full copy, trained values included, that belongs to no model yet."""
        twin = self.__copy__()
        twin.name = name
        return twin

    def __copy__(self) -> Self:
        return copy.deepcopy(self)


RESERVED = Layer.__annotations__.keys() | Attributes.__annotations__.keys()  # names that no parameter may have


def may_hold_layers(name: str, value: Any) -> bool:
    """Return whether an attribute's value holds layers, or is an empty container that may still get some."""
    empty = isinstance(value, (list, dict)) and not value and name not in RESERVED
    return empty or (isinstance(value, (list, tuple, dict, Layer)) and any(True for _ in layers_in(value, "")))


def free_layer(layer: Layer) -> Layer:
    """Return ``layer``, or a new one made from its arguments if it belongs to a model."""
    if owner_of(layer) is None:
        return layer
    twin = type(layer).from_config(layer.get_config())
    twin.name, twin.trainable = layer.name, layer.trainable
    return twin
