"""Flatten and Reshape: the same values in another shape.

Neither has parameters, and both may return a view of their input.
"""

import math
from typing import Unpack

from minidl import checks
from minidl.errors import ArgumentError, ShapeError
from minidl.layers.base import Layer
from minidl.typing import Array, LayerOptions, Shape


class Reshape(Layer):
    """Reshape each sample: ``y[i] = x[i].reshape(target_shape)``.

    Parameters
    ----------
    target_shape : tuple of int
        Shape of a sample, without the batch axis; one length may be -1 and is then inferred.

    Raises
    ------
    ShapeError
        In `build`, if the number of values in a sample does not match.
    """

    keeps_values = True

    def __init__(self, target_shape: Shape, **options: Unpack[LayerOptions]) -> None:
        given: object = target_shape
        lengths = given if isinstance(given, (tuple, list)) else [0]
        if not checks.is_shape([1 if n == -1 else n for n in lengths]) or lengths.count(-1) > 1:
            expected = "expected lengths of at least 1, or one -1"
            raise ArgumentError(f"Reshape: target_shape: {expected}, got {target_shape!r:.100}.")
        self.target_shape = tuple(target_shape)

    def build(self, input_shape: Shape) -> Shape:
        size, known = math.prod(input_shape), math.prod(n for n in self.target_shape if n != -1)
        shape = tuple(size // known if length == -1 else length for length in self.target_shape)
        if math.prod(shape) != size:
            raise ShapeError(f"{self.label}: expected rows of {known} values for {self.target_shape}, got {size}.")
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        self._shape = x.shape
        return x.reshape((len(x), *self.output_shape))  # type: ignore[arg-type, misc]

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self._shape)


class Flatten(Reshape):
    """Flatten each sample to a vector, like ``Reshape((-1,))``: ``y[i] = x[i].ravel()``, as for images."""

    def __init__(self, **options: Unpack[LayerOptions]) -> None:
        self.target_shape = (-1,)
