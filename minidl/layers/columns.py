"""Columns: some of the features, by number or slice.

At the beginning of a branch of `Concatenate` it gives the branch its own part of the input.
"""

from typing import Any, Unpack

import numpy as np

from minidl.errors import ArgumentError, ShapeError
from minidl.layers.base import Layer
from minidl.typing import Array, LayerOptions, Shape


class Columns(Layer):
    """Some of the features, in the order given: ``y = x[..., columns]``.

    Parameters
    ----------
    *columns : int or slice
        Numbers (negative ones count from the end) and slices; each column once.

    Raises
    ------
    ArgumentError
        If there is no column, or something is no column.
    ShapeError
        In `build`, if ``x`` has no such column, or one is taken twice.

    Notes
    -----
    The derivative with respect to the features that are left out is 0.

    Examples
    --------
    >>> model = Sequential([Input((4,)), Columns(-1, slice(0, 2))])
    >>> model.predict([[0.0, 1.0, 2.0, 3.0]]).tolist()
    [[3.0, 0.0, 1.0]]
    """

    keeps_values = True

    def __init__(self, *columns: int | slice, **options: Unpack[LayerOptions]) -> None:
        self.columns = tuple(map(_checked, columns))
        if not columns:
            raise ArgumentError("Columns: columns: expected at least one column, got none.")

    def build(self, input_shape: Shape) -> Shape:
        features = input_shape[-1]
        self.indices: list[int] = []
        for column in self.columns:
            if isinstance(column, slice):
                self.indices += range(features)[column]
            elif -features <= column < features:
                self.indices.append(column % features)
            else:
                raise ShapeError(f"{self.label}: expected columns of {features} features, got column {column}.")
        if not self.indices or len(set(self.indices)) < len(self.indices):
            got = self.indices or "none"
            raise ShapeError(f"{self.label}: expected different columns of {features} features, got {got}.")
        return (*input_shape[:-1], len(self.indices))

    def forward(self, x: Array, training: bool = False) -> Array:
        self._shape = x.shape
        return x.take(self.indices, axis=-1)

    def backward(self, dy: Array) -> Array:
        dx = np.zeros(self._shape, dy.dtype)
        dx[..., self.indices] = dy
        return dx


def _checked(column: Any) -> int | slice:
    if isinstance(column, slice):
        return column
    if isinstance(column, (int, np.integer)) and not isinstance(column, bool):
        return int(column)
    fix = " Write Columns(*columns)." if isinstance(column, (list, tuple)) else ""
    raise ArgumentError(f"Columns: columns: expected numbers and slices, got {column!r}.{fix}")
