"""LayerNormalization: normalises every sample to mean 0 and variance 1 over its features, then scales and shifts it.

Samples are independent, so training and inference are the same.
"""

import math
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from minidl import checks
from minidl.checks import batch_shape
from minidl.errors import ShapeError
from minidl.initializers import resolve_initializer
from minidl.layers.base import Layer
from minidl.layers.row_blocks import row_blocks
from minidl.numeric import column_sums, ones
from minidl.regularizers import resolve_regularizer
from minidl.typing import Array, LayerOptions, Shape


class LayerNormalization(Layer):
    """``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, with statistics over the features of a sample.

    Parameters
    ----------
    axis : int or tuple of int
        The axes to normalise over, counting the batch axis: the last one or the last few.
    epsilon : float
        Added to the variance, above 0.
    center, scale : bool
        False leaves out ``beta`` or ``gamma``.
    beta_initializer, gamma_initializer : str, Initializer or function
        Defaults: `Zeros` and `Ones`.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        Penalties on ``beta`` and ``gamma``, added to the loss.

    Shapes
    ------
    x, y         (batch, ..., *features)
    gamma, beta  features, the lengths of the normalised axes

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or value.
    ShapeError
        If ``axis`` is not the last one or the last few, or ``x`` does not have the shape given to `build`.

    Notes
    -----
    With ``n = (x - mean) / sqrt(variance + epsilon)`` and ``g = dy * gamma``::

        dL/dgamma = column sums of dy * n        dL/dbeta = column sums of dy
        dL/dx = (g - mean of g - n * mean of g * n) / sqrt(variance + epsilon)

    Ba, Kiros and Hinton, 2016, equations (3) and (4). The variance is computed from deviations from the mean,
    which is corrected for its own rounding error, so the variance stays accurate where the mean is large.

    Examples
    --------
    >>> model = Sequential([Input((2,)), LayerNormalization()])
    >>> model.forward(np.array([[1.0, 3.0], [50.0, 10.0]])).round(2)
    array([[-1.,  1.],
           [ 1., -1.]], dtype=float32)
    """

    gamma: Array
    beta: Array
    dgamma: Array
    dbeta: Array

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        for one in [axis] if not isinstance(axis, (tuple, list)) else axis:
            checks.integer(one, "LayerNormalization: axis")
        resolve_initializer(beta_initializer, "LayerNormalization: beta_initializer")
        resolve_initializer(gamma_initializer, "LayerNormalization: gamma_initializer")
        resolve_regularizer(beta_regularizer, "LayerNormalization: beta_regularizer")
        resolve_regularizer(gamma_regularizer, "LayerNormalization: gamma_regularizer")
        self.axis = axis
        self.epsilon = checks.number(epsilon, "LayerNormalization: epsilon", above=0)
        self.center = checks.flag(center, "LayerNormalization: center")
        self.scale = checks.flag(scale, "LayerNormalization: scale")
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer

    def build(self, input_shape: Shape) -> Shape:
        ends = len(input_shape) + 1
        axes = sorted(axis % ends for axis in ([self.axis] if isinstance(self.axis, int) else self.axis))
        if axes != list(range(ends - len(axes), ends)) or axes[:1] in ([], [0]):
            raise ShapeError(
                f"{self.label}: axis: expected -1 or the last few axes of {batch_shape(input_shape)}, got {self.axis}."
            )
        features = input_shape[-len(axes) :]
        if self.scale:
            self.add_parameter("gamma", features, self.gamma_initializer, self.gamma_regularizer)
        if self.center:
            self.add_parameter("beta", features, self.beta_initializer, self.beta_regularizer)
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        if x.shape[1:] != self.input_shape:
            raise ShapeError(f"{self.label}: expected input of shape {batch_shape(self.input_shape)}, got {x.shape}.")
        axes = 1 if isinstance(self.axis, int) else len(self.axis)
        x2 = x.reshape(-1, math.prod(x.shape[-axes:]))
        share, one = 1 / x2.shape[1], ones(x2.shape[1], x.dtype)
        self._n, y = np.empty_like(x2), np.empty_like(x2)
        self._inverse = np.empty((len(x2), 1), x.dtype)
        for rows in row_blocks(x2):
            n = np.subtract(x2[rows], (x2[rows].dot(one) * share)[:, None], out=self._n[rows])
            n -= (n.dot(one) * share)[:, None]  # the rounding error of the mean
            np.divide(1, np.sqrt(np.vecdot(n, n) * share + self.epsilon)[:, None], out=self._inverse[rows])
            n *= self._inverse[rows]
            np.multiply(n, self.gamma.reshape(-1) if self.scale else one, out=y[rows])
            if self.center:
                y[rows] += self.beta.reshape(-1)
        return y.reshape(x.shape)

    def backward(self, dy: Array) -> Array:
        n, dy2 = self._n, dy.reshape(self._n.shape)
        gamma = self.gamma.reshape(-1) if self.scale else ones(n.shape[1], n.dtype)
        share, dx, dgamma = 1 / n.shape[1], np.empty_like(dy2), np.zeros_like(gamma)
        for rows in row_blocks(n):
            products = dy2[rows] * n[rows]
            dgamma += column_sums(products)
            part = np.multiply(dy2[rows], gamma, out=dx[rows])
            part -= (dy2[rows].dot(gamma) * share)[:, None]
            part -= np.multiply(n[rows], (products.dot(gamma) * share)[:, None], out=products)
            part *= self._inverse[rows]
        if self.scale:
            self.dgamma[...] = dgamma.reshape(self.dgamma.shape)
        if self.center:
            column_sums(dy2, out=self.dbeta.reshape(-1))
        return dx.reshape(dy.shape)
