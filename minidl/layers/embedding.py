"""Embedding: maps each category id to a trained vector.

Ids are integers from 0, and keep an integer dtype from the data to the layer.
"""

from typing import Any, Unpack

import numpy as np

from minidl import checks
from minidl.errors import DataError
from minidl.initializers import resolve_initializer
from minidl.layers.base import Layer
from minidl.regularizers import resolve_regularizer
from minidl.typing import Array, LayerOptions, Shape


class Embedding(Layer):
    """``y = W[x]``: the rows of ``W`` selected by the ids ``x``.

    Parameters
    ----------
    input_dim : int
        Number of ids, which range from 0 to ``input_dim - 1``.
    output_dim : int
        Length of the vectors.
    embeddings_initializer : str, Initializer or function
        Fills ``W``. Default: `RandomUniform`.
    embeddings_regularizer : str or Regularizer, optional
        Penalty on ``W``, added to the loss.

    Shapes
    ------
    x  (batch, ...)               ids, integers or whole floating-point numbers
    y  (batch, ..., output_dim)
    W  (input_dim, output_dim)

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or value.
    DataError
        If ``x`` holds something other than whole numbers from 0 to ``input_dim - 1``.

    Notes
    -----
    ``dW[i]`` is the sum of ``dy`` over all positions where ``x == i``, added in order; ``dx = 0``, because ids have no
    derivative. Bengio, Ducharme, Vincent and Jauvin, 2003, section 2.

    As the first layer, or after `Flatten`, `Reshape` or `Columns`, it receives the ids as int64. In a branch next to
    layers with numeric inputs, it receives them in the model's dtype: float32 is exact for integers up to 2**24,
    float64 up to 2**53.

    Examples
    --------
    >>> model = Sequential([Input((2,)), Embedding(3, 4), Flatten(), Dense(1)], seed=0)
    >>> model.predict([[0, 1], [2, 2]]).shape
    (2, 1)
    """

    input_dtype = "int64"
    W: Array
    dW: Array

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        self.input_dim = checks.integer(input_dim, "Embedding: input_dim", minimum=1)
        self.output_dim = checks.integer(output_dim, "Embedding: output_dim", minimum=1)
        resolve_initializer(embeddings_initializer, "Embedding: embeddings_initializer")
        resolve_regularizer(embeddings_regularizer, "Embedding: embeddings_regularizer")
        self.embeddings_initializer = embeddings_initializer
        self.embeddings_regularizer = embeddings_regularizer

    def build(self, input_shape: Shape) -> Shape:
        self.add_parameter(
            "W", (self.input_dim, self.output_dim), self.embeddings_initializer, self.embeddings_regularizer
        )
        return (*input_shape, self.output_dim)

    def check_input(self, x: Array, who: str) -> None:
        if x.dtype.kind == "f" and x.dtype.itemsize == 4 and self.input_dim > 2**24:
            fix = 'Make it the first layer, or use Sequential(..., dtype="float64").'
            raise DataError(f"{who}: {self.label}: ids above 2**24 are rounded in float32. {fix}")
        if not x.size or (x.dtype.kind in "iub" and x.min() >= 0 and x.max() < self.input_dim):
            return
        wrong = checks.wrong_label(x.reshape(-1), self.input_dim)
        if wrong is not None:
            index = tuple(int(i) for i in np.unravel_index(wrong, x.shape))
            raise DataError(
                f"{who}: {self.label}: expected ids in [0, {self.input_dim}), its input_dim, got {x[index]} "
                f"at {checks.place(index)} of its input. Number the categories from 0, or raise input_dim."
            )

    def forward(self, x: Array, training: bool = False) -> Array:
        self.check_input(x, "x")
        self._ids = x.astype(np.intp, copy=False)
        return self.W.take(self._ids, axis=0)

    def backward(self, dy: Array) -> Array:
        self.backward_parameters(dy)
        return np.zeros(self._ids.shape, dy.dtype)

    def backward_parameters(self, dy: Array) -> None:
        places = self._ids.reshape(-1, 1) * self.output_dim + np.arange(self.output_dim)
        self.dW[...] = 0
        np.add.at(self.dW.reshape(-1), places.reshape(-1), dy.reshape(-1))  # four times as fast as row by row
