"""GaussianNoise: adds noise to its inputs in training, to reduce overfitting.

In inference, it has no effect.
"""

from typing import Unpack

import numpy as np

from minidl import checks
from minidl.layers.base import Layer
from minidl.typing import Array, LayerOptions


class GaussianNoise(Layer):
    """In training ``y = x + stddev * noise`` with standard normal noise; in inference ``y = x``.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise, at least 0, in the units of ``x``.

    Notes
    -----
    ``dx = dy``. Bishop, 1995, Training with noise is equivalent to Tikhonov regularization. The noise is a function of
    the model's seed, the training pass and the layer.

    Examples
    --------
    >>> model = Sequential([Input((2,)), GaussianNoise(0.1)], seed=0)
    >>> model.predict(np.ones((1, 2)))
    array([[1., 1.]], dtype=float32)
    >>> model.forward(np.ones((500, 2)), training=True).std().round(2)
    np.float32(0.1)
    """

    stochastic = True

    def __init__(self, stddev: float, **options: Unpack[LayerOptions]) -> None:
        self.stddev = checks.number(stddev, "GaussianNoise: stddev", at_least=0)

    def forward(self, x: Array, training: bool = False) -> Array:
        if not training or self.stddev == 0:
            return x
        return x + self.rng.standard_normal(x.shape, dtype=np.float32) * self.stddev

    def backward(self, dy: Array) -> Array:
        return dy
