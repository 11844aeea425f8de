"""A layer that is right."""

import numpy as np

from minidl import Layer


class PReLU(Layer):
    """y = x where x > 0, else alpha * x, with alpha for each feature."""

    def __init__(self, start=0.25):
        self.start = start

    def build(self, input_shape):
        start = self.start
        self.add_parameter("alpha", input_shape[-1:], lambda rng, shape, dtype: np.full(shape, start, dtype))
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dy):
        x = self._x
        below = np.where(x > 0, 0, x * dy)
        self.dalpha = below.sum(axis=tuple(range(x.ndim - 1)))
        return np.where(x > 0, dy, self.alpha * dy)
