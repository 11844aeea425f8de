"""Concatenate: runs several branches on the same input and concatenates their outputs.

Start a branch with `Columns` to give it its own subset of the features.
"""

from typing import Any, Unpack

import numpy as np

from minidl.errors import ArgumentError, ShapeError
from minidl.layers.base import Layer
from minidl.layers.integer_inputs import check_input_of, common_input_dtype
from minidl.layers.residual import check_layers
from minidl.typing import Array, LayerOptions, Shape


class Concatenate(Layer):
    """Parallel branches: ``y = concatenate([branch(x) for branch in branches], axis=-1)``.

    Parameters
    ----------
    *branches : Layer or list of Layer
        Each a layer or a list of layers in sequence; an empty list passes ``x`` through unchanged.

    Raises
    ------
    ArgumentError
        If there is no branch, or a branch contains something other than layers.
    ShapeError
        In `build`, if the outputs differ along any axis but the last.

    Notes
    -----
    The derivative is ``dx = sum of branch.backward(dy of that branch)``. Keras writes it as
    ``Concatenate()([branch(x), ...])`` in its functional interface, where the branches may have different inputs; here,
    these are columns of one input, see `Columns`.

    Examples
    --------
    >>> wide_and_deep = Concatenate([], [Dense(8, activation="relu"), Dense(3)])
    >>> Sequential([Input((4,)), wide_and_deep, Dense(1)], seed=0).predict(np.ones((5, 4))).shape
    (5, 1)
    >>> wide_and_deep.output_shape
    (7,)
    """

    def __init__(self, *branches: Layer | list[Layer], **options: Unpack[LayerOptions]) -> None:
        if not branches:
            raise ArgumentError("Concatenate: branches: expected at least one branch, got none.")
        for branch in branches:
            check_layers(branch if isinstance(branch, list) else [branch], "Concatenate: branches")
        self.branches = branches

    def build(self, input_shape: Shape) -> Shape:
        shapes = []
        for row in self.rows:
            shape = input_shape
            for layer in row:
                shape = layer.declare(shape)
            shapes.append(shape)
        if len({shape[:-1] for shape in shapes}) > 1:
            raise ShapeError(
                f"{self.label}: expected branches whose outputs differ in the last axis only, got {shapes}."
            )
        self.widths = [shape[-1] for shape in shapes]
        return (*shapes[0][:-1], sum(self.widths))

    @property
    def rows(self) -> list[list[Layer]]:
        """The layers of each branch, in order."""
        return [branch if isinstance(branch, list) else [branch] for branch in self.branches]

    @property
    def input_dtype(self) -> str | None:
        """The dtype that all branches need for ``x``; None for the model's dtype."""
        return common_input_dtype(self.rows)

    def check_input(self, x: Array, who: str) -> None:
        for row in self.rows:
            check_input_of(row, x, who)

    def forward(self, x: Array, training: bool = False) -> Array:
        outputs = []
        for row in self.rows:
            y = x
            for layer in row:
                y = layer.forward(y, training)
            outputs.append(y)
        return np.concatenate(outputs, axis=-1)

    def backward(self, dy: Array) -> Array:
        dx: Any = 0
        for row, part in self._rows_with_parts(dy):
            for layer in reversed(row):
                part = layer.backward(part)
            dx = dx + part
        return dx

    def backward_parameters(self, dy: Array) -> None:
        for row, part in self._rows_with_parts(dy):
            for layer in row[:0:-1]:
                part = layer.backward(part)
            if row:
                row[0].backward_parameters(part)

    def _rows_with_parts(self, dy: Array) -> list[tuple[list[Layer], Array]]:
        """Return the layers of each branch with its slice of ``dy``."""
        stops = np.cumsum(self.widths).tolist()
        parts = [dy[..., stop - width : stop] for stop, width in zip(stops, self.widths, strict=True)]
        return list(zip(self.rows, parts, strict=True))
