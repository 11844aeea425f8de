"""FunctionPair: a forward and a backward function with their arrays; FunctionLayer: such a pair as a layer.

Rows of the other inputs are matched with the rows of ``x`` by position, repeating in a longer batch;
without a batch axis, the functions are called for each row.
"""

import operator
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.layers.base import Layer
from minidl.testing.global_state import seeded_numpy
from minidl.testing.points import BATCH, SHAPES
from minidl.testing.signature import argument_names, author_function, takes_upstream
from minidl.typing import Array, Shape

ROWS = 2  # seed of the call from which `build` infers the shape of y
SEEDS = 4  # tried to find out whether a function draws random numbers

Values = dict[str, Any]


class FunctionPair:
    """``y, cache = forward(*inputs, *parameters)`` and ``dx, ..., dW = backward(cache, dy)``.

    Attributes
    ----------
    inputs, parameters, arguments : dict of str to object
        The arguments of ``forward`` in their order; ``arguments`` are both.
    x : str
        Name of the input that becomes ``x`` of the layer.
    differentiable : list of str
        The arguments that have a gradient, in order: ``x``, other inputs and the parameters.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        inputs: Any,
        parameters: Values | None = None,
        *,
        constants: tuple[str, ...] = (),
        gradients: dict[str, Array] | None = None,
        batched: bool = True,
        training: bool | None = None,
        seeded: Callable[[int], AbstractContextManager[None]] = seeded_numpy,
        source: Callable[..., Any] | None = None,
    ) -> None:
        self.forward = forward
        self.backward: Callable[..., Any] = operator.call if backward is None else backward
        self.source = source or author_function(backward or forward)  # the function that a finding points to
        self.gradients, self.seeded = gradients or {}, seeded
        if not isinstance(parameters, dict | None):
            raise ArgumentError(f"certify_function: parameters: expected {{'W': W}}, got {type(parameters).__name__}.")
        self.parameters = {_legal(name, "x"): _plain(value) for name, value in (parameters or {}).items()}
        self.fixed = {} if training is None else {"training": training}
        self.has_mode = "training" in argument_names(forward) and training is None
        self.inputs = _by_name(forward, self._accepted() if inputs is None else inputs)
        self.arguments = arguments = self.inputs | self.parameters
        real = [name for name, value in arguments.items() if _is_real(value) and name not in constants]
        if not real:
            got = ", ".join(str(np.asarray(value).dtype) for value in arguments.values())
            raise ArgumentError(f"certify_function: expected floating-point inputs, got {got}. Pass x.astype(float).")
        self.x = "x" if "x" in real else [*(name for name in self.inputs if name in real), *self.inputs][0]
        self.differentiable = real
        self.batched = batched and arguments[self.x].ndim > 0
        with seeded(0):
            y, cache = self.call(arguments, training=True)
        self.takes_dy = y.ndim > 0 or takes_upstream(self.backward, len(cache), forward)
        self.number = y.ndim == 0
        # the output does not have one row for each row of x
        self.whole = self.batched and y.shape[:1] != arguments[self.x].shape[:1]
        self.draws = {training: self._draws(arguments, training) for training in (True, False)}

    def __deepcopy__(self, memo: Values) -> "FunctionPair":
        return self  # the functions are shared; their arrays are copied into each layer

    @property
    def others(self) -> Values:
        """The differentiable arguments other than ``x``."""
        return {name: self.arguments[name] for name in self.differentiable if name != self.x}

    def call(self, arguments: Values, training: bool) -> tuple[Array, tuple[Any, ...]]:
        """Return ``y`` and the cache; if ``forward`` returns ``y`` alone, its arguments are the cache."""
        options = {"training": training} if self.has_mode else self.fixed
        result = self.forward(*arguments.values(), **options)
        y, *cache = result if isinstance(result, tuple) else (result, *arguments.values())
        if np.asarray(y).dtype.kind not in "biufc":
            raise ArgumentError(f"forward: expected an array, or (array, cache), got {type(y).__name__}.")
        return np.asarray(y), tuple(cache)

    def differentiate(self, cache: tuple[Any, ...], dy: Array) -> Values:
        """Return the gradients computed by ``backward``, by argument name."""
        for array in self.gradients.values():
            array[...] = 0
        result = self.backward(*cache, dy[()]) if self.takes_dy else self.backward(*cache)
        found = list(result) if isinstance(result, (tuple, list)) else [result]
        if not self.takes_dy:
            found = [None if gradient is None else np.asarray(gradient) * dy for gradient in found]
        everything = [name for name in self.arguments if name not in self.gradients]
        wanted = [name for name in everything if name in self.differentiable]
        names = wanted if len(found) == len(wanted) else everything
        if len(found) != len(names):
            raise ArgumentError(f"backward: expected gradients of {', '.join(wanted)} in a tuple, got {len(found)}.")
        returned = {name: value for name, value in zip(names, found, strict=True) if name in self.differentiable}
        return returned | {name: array.copy() for name, array in self.gradients.items()}

    def _accepted(self) -> Array:
        """Return the first input, of several shapes, that ``forward`` accepts.

        Raises
        ------
        ArgumentError
            If it accepts none.
        """
        lengths = [n for value in self.parameters.values() for n in np.shape(value)]
        shapes = [*SHAPES, *((n,) for n in lengths), *((6, n) for n in lengths)]
        for shape in dict.fromkeys(shapes):
            x = np.random.default_rng(0).standard_normal((BATCH, *shape))
            with suppress(Exception), self.seeded(0):  # not meant for such inputs
                if np.isfinite(self.call({"x": x} | self.parameters, training=True)[0]).all():
                    return x
        tried = ", ".join(map(str, shapes))
        raise ArgumentError(f"certify_function: expected inputs, because none of rows {tried} fit.")

    def _draws(self, arguments: Values, training: bool) -> bool:
        """Return whether ``forward`` draws from a global generator."""
        outputs = []
        for seed in range(SEEDS):
            with self.seeded(seed):
                outputs.append(self.call(arguments, training)[0])
        return not all(np.array_equal(outputs[0], y, equal_nan=True) for y in outputs)


def _by_name(forward: Callable[..., Any], inputs: Any) -> Values:
    """Return the inputs by name: the keys of a dict, or else the argument names of ``forward``."""
    if not isinstance(inputs, dict):
        values = inputs if isinstance(inputs, tuple) else (inputs,)
        names = [name for name in argument_names(forward) if name != "training"][: len(values)]
        names += ["x", *(f"x{n}" for n in range(1, len(values)))][len(names) :]
        inputs = dict(zip(names, values, strict=True))
    found = {_legal(name): np.asarray(value) for name, value in inputs.items()}
    if not found or any(value.size == 0 for value in found.values()):
        raise ArgumentError("certify_function: inputs: expected arrays with at least one value, got an empty one.")
    return found


def _legal(name: str, *taken: str) -> str:
    """Return a valid and unused attribute name for a layer."""
    name = name.strip("_") or "x"
    reserved = (*Layer.__annotations__, "pair", "name", "trainable", *taken)
    return name + "_" if hasattr(Layer, name) or name in reserved else name


def _plain(value: Any) -> Any:
    return np.array(value) if isinstance(value, (list, np.ndarray)) else value


def _is_real(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


class FunctionLayer(Layer):
    """``y, cache = forward(x, *others)``, ``dx, *dothers = backward(cache, dy)``: a layer made of two functions.

    Parameters
    ----------
    pair : FunctionPair
    """

    def __init__(self, pair: FunctionPair) -> None:
        self.pair = pair

    @property
    def certified(self) -> Callable[..., Any]:
        """The function whose source a finding points to."""
        return self.pair.source

    def build(self, input_shape: Shape) -> Shape:
        for name, value in self.pair.others.items():
            self.add_parameter(name, value.shape, lambda rng, shape, dtype, value=value: value.astype(dtype))
        values = {name: value.astype(float) for name, value in self.pair.others.items()}
        x = np.resize(self.pair.inputs[self.pair.x], (ROWS, *input_shape))
        y = self._calls(x, values, True, seed=0)[0]
        return () if self.pair.whole else y.shape[1:]

    def forward(self, x: Array, training: bool = False) -> Array:
        values = {name: self.views[name] for name in self.pair.others}
        for value in list(values.values())[:1] if x.dtype.kind == "f" else ():
            x = x.astype(value.dtype, copy=False)  # all arguments have the same dtype
        seed = int(self.rng.integers(2**31)) if self.pair.draws[training] else None
        self._shape = x.shape
        y, self._caches, self._rows = self._calls(x, values, training, seed)
        return y

    def _calls(self, x: Array, others: dict[str, Array], training: bool, seed: int | None) -> tuple[Array, Any, Array]:
        """Return ``y``, the caches of all calls, and the row indices of the other inputs for the rows of ``x``."""
        pair = self.pair
        rows = np.arange(len(x)) % (len(pair.inputs[pair.x]) if pair.batched else 1)
        arguments = {name: self._of_rows(name, value, x, rows) for name, value in (pair.arguments | others).items()}
        with nullcontext() if seed is None else pair.seeded(seed):
            calls = [pair.call(arguments | {pair.x: row}, training) for row in ([x] if pair.batched else x)]
        caches = [cache for _, cache in calls]
        if pair.batched:
            return calls[0][0].reshape(1) if pair.number else calls[0][0], caches, rows
        return np.stack([y for y, _ in calls]), caches, rows

    def _of_rows(self, name: str, value: Any, x: Array, rows: Array) -> Any:
        """Return an argument with its rows matched to those of ``x``, in the dtype of ``x``."""
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and x.dtype.kind == "f":
            value = value.astype(x.dtype, copy=False)
        return value[rows] if self._has_rows(name) and len(rows) != len(value) else value

    def _has_rows(self, name: str) -> bool:
        pair = self.pair
        return pair.batched and name in pair.inputs and pair.inputs[name].shape[:1] == pair.inputs[pair.x].shape[:1]

    def backward(self, dy: Array) -> Any:
        pair = self.pair
        upstream = dy if not pair.batched else [dy[0]] if pair.number else [dy]
        found = [pair.differentiate(cache, row) for cache, row in zip(self._caches, upstream, strict=True)]
        for name, value in pair.others.items():
            parts = [gradients[name] for gradients in found]
            if any(part is None for part in parts):
                continue  # `contract` reports that it is missing
            total = sum(parts[1:], start=np.asarray(parts[0]))
            if self._has_rows(name) and len(self._rows) != len(value):
                total, given = np.zeros(value.shape, total.dtype), total
                np.add.at(total, self._rows, given)
            setattr(self, f"d{name}", total)
        if pair.x not in pair.differentiable:
            return np.zeros(self._shape, dy.dtype)  # x holds ids
        dx = [gradients[pair.x] for gradients in found]
        if pair.batched or any(part is None for part in dx):
            return dx[0]
        return np.stack(dx)
