"""PReLU: a leaky ReLU that learns its slopes.

Every feature has its own slope for negative inputs, except along shared axes.
"""

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from minidl import checks
from minidl.checks import batch_shape
from minidl.errors import ArgumentError, ShapeError
from minidl.initializers import resolve_initializer
from minidl.layers.base import Layer
from minidl.numeric import column_sums, select
from minidl.regularizers import resolve_regularizer
from minidl.typing import Array, LayerOptions, Shape


class PReLU(Layer):
    """Parametric ReLU: ``y = x where x >= 0, else alpha * x``, with trained slopes ``alpha``.

    Parameters
    ----------
    alpha_initializer : str, Initializer or function
        Default: `Zeros`.
    alpha_regularizer : str or Regularizer, optional
        Penalty on ``alpha``, added to the loss.
    shared_axes : list of int, optional
        Axes, counting the batch axis, along which all positions share a slope.

    Shapes
    ------
    x, y   (batch, ...)
    alpha  the shape of a sample, with 1 for the shared axes

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or value.
    ShapeError
        If a shared axis is not an axis of a sample, or ``x`` does not have the shape given to `build`.

    Notes
    -----
    ``dx = dy where x >= 0, else alpha * dy``; ``dalpha`` is the sum over the batch and the shared axes of ``dy * x``
    where ``x < 0``. He, Zhang, Ren and Sun, 2015, section 2.1. The derivative at 0 is 1, as for `LeakyReLU`.

    Examples
    --------
    >>> model = Sequential([Input((2,)), PReLU("ones")])
    >>> model[0].alpha = [0.5, 0.25]
    >>> model.forward(np.array([[-2.0, -2.0], [3.0, 3.0]]))
    array([[-1. , -0.5],
           [ 3. ,  3. ]], dtype=float32)
    """

    alpha: Array
    dalpha: Array

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        shared_axes: Sequence[int] | None = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        resolve_initializer(alpha_initializer, "PReLU: alpha_initializer")
        resolve_regularizer(alpha_regularizer, "PReLU: alpha_regularizer")
        if shared_axes is not None and not isinstance(shared_axes, (tuple, list)):
            raise ArgumentError(f"PReLU: shared_axes: expected a list of axes, such as [1], got {shared_axes!r}.")
        for axis in shared_axes or ():
            checks.integer(axis, "PReLU: shared_axes", minimum=1)
        self.alpha_initializer, self.alpha_regularizer = alpha_initializer, alpha_regularizer
        self.shared_axes = shared_axes

    def build(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        for axis in self.shared_axes or ():
            if axis > len(shape):
                shown = batch_shape(input_shape)
                raise ShapeError(f"{self.label}: shared_axes: expected axes of {shown}, the batch is 0; got {axis}.")
            shape[axis - 1] = 1
        self.add_parameter("alpha", tuple(shape), self.alpha_initializer, self.alpha_regularizer)
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        if x.shape[1:] != self.input_shape:
            raise ShapeError(f"{self.label}: expected input of shape {batch_shape(self.input_shape)}, got {x.shape}.")
        self._x, self._slope = x, select(x >= 0, 1, self.alpha, x.dtype)
        return x * self._slope

    def backward(self, dy: Array) -> Array:
        self.backward_parameters(dy)
        return dy * self._slope

    def backward_parameters(self, dy: Array) -> None:
        sums = column_sums((dy * np.minimum(self._x, 0)).reshape(len(dy), -1)).reshape(self.input_shape)
        shared = tuple(axis for axis, length in enumerate(self.alpha.shape) if length < sums.shape[axis])
        self.dalpha = sums.sum(axis=shared, keepdims=True)
