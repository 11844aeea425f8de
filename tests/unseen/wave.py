"""A layer that is right."""

import numpy as np

from minidl import Layer


class Wave(Layer):
    """y = x + b * sin(a * x)**2, with a and b for each feature."""

    def build(self, input_shape):
        self.add_parameter("a", input_shape[-1:], "ones")
        self.add_parameter("b", input_shape[-1:], "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return x + self.b * np.sin(self.a * x) ** 2

    def backward(self, dy):
        x = self._x
        batch_axes = tuple(range(x.ndim - 1))
        slope = self.b * np.sin(2 * self.a * x)
        self.da = (dy * x * slope).sum(axis=batch_axes)
        self.db = (dy * np.sin(self.a * x) ** 2).sum(axis=batch_axes)
        return dy * (1 + self.a * slope)
