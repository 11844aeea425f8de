"""FunctionLayer: a pair of functions in a layer's place.

Rows of inputs other than ``x`` belong to the rows of ``x`` by their position, again and again in a longer batch;
without a batch axis the functions are called for each row.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from minidl.layers.base import Layer
from minidl.testing.function_pair import FunctionPair
from minidl.typing import Array, Shape

ROWS = 2  # of the call from which `build` learns the shape of y


class FunctionLayer(Layer):
    """``y, cache = forward(x, *others)``, ``dx, *dothers = backward(cache, dy)``: two functions in a layer's place.

    Parameters
    ----------
    pair : FunctionPair
    """

    def __init__(self, pair: FunctionPair) -> None:
        self.pair = pair

    @property
    def certified(self) -> Callable[..., Any]:
        """The function whose source a finding points at."""
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
            x = x.astype(value.dtype, copy=False)  # all arguments have one dtype
        seed = int(self.rng.integers(2**31)) if self.pair.draws[training] else None
        self._shape = x.shape
        y, self._caches, self._rows = self._calls(x, values, training, seed)
        return y

    def _calls(self, x: Array, others: dict[str, Array], training: bool, seed: int | None) -> tuple[Array, Any, Array]:
        """Return ``y``, the caches of all calls, and the rows that other inputs have for those of ``x``."""
        pair = self.pair
        rows = np.arange(len(x)) % (len(pair.inputs[pair.x]) if pair.batched else 1)
        arguments = pair.inputs | pair.parameters | others
        arguments = {name: self._of_rows(name, value, x, rows) for name, value in arguments.items()}
        with nullcontext() if seed is None else pair.seeded(seed):
            calls = [pair.call(arguments | {pair.x: row}, training) for row in ([x] if pair.batched else x)]
        caches = [cache for _, cache in calls]
        if pair.batched:
            return calls[0][0].reshape(1) if pair.number else calls[0][0], caches, rows
        return np.stack([y for y, _ in calls]), caches, rows

    def _of_rows(self, name: str, value: Any, x: Array, rows: Array) -> Any:
        """Return an argument for the rows of ``x``, in its dtype."""
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
                continue  # the contract says that it is missing
            total = sum(parts[1:], start=np.asarray(parts[0]))
            if self._has_rows(name) and len(self._rows) != len(value):
                total, given = np.zeros(value.shape, total.dtype), total
                np.add.at(total, self._rows, given)
            setattr(self, f"d{name}", total)
        if pair.x not in pair.differentiable:
            return np.zeros(self._shape, dy.dtype)  # of ids
        dx = [gradients[pair.x] for gradients in found]
        if pair.batched or any(part is None for part in dx):
            return dx[0]
        return np.stack(dx)

    def with_others(self, x: Array, targets: bool) -> None:
        """Call the functions for other rows, between two calls that must agree."""
        self.backward(np.ones_like(self.forward(x[::-1])))
