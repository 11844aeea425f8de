"""CheckedLayer: a layer whose every call is compared with its contract, so that the layer at fault is named."""

from typing import Any

import numpy as np

from minidl.data import read_only
from minidl.errors import LayerError
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.typing import Array


class CheckedLayer:
    """Forward and backward of ``layer``, with every promise of the contract checked."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.shape: tuple[int, ...] = ()
        self.finite = True

    def forward(self, x: Array, training: bool) -> Array:
        """Run the layer's forward; its output must have the promised shape and dtype."""
        self.shape, self.finite = x.shape, bool(np.isfinite(x).all())
        y = self._call("forward", x, training)
        self._expect("forward", y, (len(x), *(self.layer.output_shape or ())), x.dtype)
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
        finite = self.finite and np.isfinite(dy).all()
        suspects = {name: gradient for name, gradient in gradients.items() if finite and np.isnan(gradient).all()}
        for gradient in suspects.values():
            gradient[...] = 0
        if suspects:  # a gradient that overflowed is NaN again, one that was left alone is not
            self._call(method, dy)
        for name, gradient in suspects.items():
            if not np.isnan(gradient).all():
                raise LayerError(f"{self.layer.label}: {method}: expected it to set self.{name}, got nothing. Set it.")
        return dx

    def _call(self, method: str, array: Array, *rest: Any) -> Any:
        return call_guarded(self.layer, f"{self.layer.label}: {method}", method, read_only(array), *rest)

    def _expect(self, method: str, value: Any, shape: tuple[int, ...], dtype: Any) -> None:
        expect_array(value, f"{self.layer.label}: {method}", shape, dtype)


def call_guarded(part: Any, who: str, method: str, *arguments: Any) -> Any:
    """Call a method of a layer or loss; a write into a read-only argument is a `LayerError`."""
    try:
        return getattr(part, method)(*arguments)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        fix = "Work on a copy."
        raise LayerError(f"{who}: expected its argument to stay unchanged, got a write into it. {fix}") from error


def expect_array(value: Any, who: str, shape: tuple[int, ...], dtype: Any) -> None:
    """Raise a `LayerError` unless ``value`` is an array of this shape and dtype."""
    who = f"{who}: expected it to return"
    if not isinstance(value, np.ndarray):
        raise LayerError(f"{who} an array, got {type(value).__name__}.")
    if value.shape != shape:
        raise LayerError(f"{who} shape {shape}, got {value.shape}.")
    if value.dtype != dtype:
        fix = "NumPy scalars and new arrays are float64 unless told otherwise."
        raise LayerError(f"{who} {dtype}, as it was given, got {value.dtype}. {fix}")
