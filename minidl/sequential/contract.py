"""Watched: a layer whose every call is held against its contract.

The first training step of a model runs through these, so that a wrong custom layer is named at once; all
later steps run without them.
"""

from typing import Any

import numpy as np

from minidl.errors import LayerError
from minidl.layers import Layer
from minidl.layers.base import walk
from minidl.typing import Array, Shape


class Watched:
    """Stands in for ``layer``: the same forward and backward, with every promise checked."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.shape: tuple[int, ...] = ()
        self.finite = True

    def forward(self, x: Array, training: bool) -> Array:
        """Run the layer's forward; its output must have the promised shape and type."""
        self.shape, self.finite = x.shape, bool(np.isfinite(x).all())
        y = self._call("forward", x, training)
        self._expect("forward", y, (len(x), *self.layer.output_shape), x.dtype)  # type: ignore[misc]
        return y

    def backward(self, dy: Array) -> Array:
        """Run the layer's backward; it must return ``dx`` and set every gradient."""
        dx = self._backward("backward", dy)
        self._expect("backward", dx, self.shape, dy.dtype)
        return dx

    def backward_parameters(self, dy: Array) -> None:
        """Run the layer's backward without ``dx``; it must set every gradient."""
        self._backward("backward_parameters", dy)

    def _backward(self, method: str, dy: Array) -> Any:
        gradients = {
            f"d{name}": layer.views["d" + name] for _, layer in walk({"": self.layer}) for name in layer.parameter_names
        }
        for gradient in gradients.values():
            gradient[...] = np.nan
        dx = self._call(method, dy)
        for name, gradient in gradients.items():
            if self.finite and np.isfinite(dy).all() and np.isnan(gradient).all():
                raise LayerError(f"{self.layer.label}: {method}: expected it to set self.{name}, got nothing. Set it.")
        return dx

    def _call(self, method: str, array: Array, *rest: Any) -> Any:
        guarded = array.view()
        guarded.flags.writeable = False
        try:
            return getattr(self.layer, method)(guarded, *rest)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise LayerError(
                f"{self.layer.label}: {method}: expected its argument to stay unchanged, got a write into it. "
                "Work on a copy."
            ) from error

    def _expect(self, method: str, value: Any, shape: tuple[int, ...], dtype: Any) -> None:
        who = f"{self.layer.label}: {method}: expected it to return"
        if not isinstance(value, np.ndarray):
            raise LayerError(f"{who} an array, got {type(value).__name__}.")
        if value.shape != shape:
            raise LayerError(f"{who} shape {shape}, got {value.shape}.")
        if value.dtype != dtype:
            fix = "NumPy scalars and new arrays are float64 unless told otherwise."
            raise LayerError(f"{who} {dtype}, as it was given, got {value.dtype}. {fix}")


def infer(chain: list[Layer], output_shape: Shape | None, x: Array) -> Array:
    """Return the output of the layers in inference; a layer that breaks its contract is named."""
    y = x
    for layer in chain:
        y = layer.forward(y, False)
    if type(y) is not np.ndarray or y.shape != (len(x), *output_shape):  # type: ignore[misc]
        for layer in chain:
            x = Watched(layer).forward(x, False)
    return y
