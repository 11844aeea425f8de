"""A layer that is right."""

import numpy as np

from minidl import Layer


class HardSwish(Layer):
    """y = x * clip(x + bound, 0, 2 * bound) / (2 * bound)"""

    def __init__(self, bound=3.0):
        if bound <= 0:
            raise ValueError("bound must be positive")
        self.bound = bound

    def forward(self, x, training=False):
        self._x = x
        return x * np.clip(x + self.bound, 0, 2 * self.bound) / (2 * self.bound)

    def backward(self, dy):
        x = self._x
        middle = (2 * x + self.bound) / (2 * self.bound)
        slope = np.where(x <= -self.bound, 0, np.where(x >= self.bound, 1, middle))
        return dy * slope
