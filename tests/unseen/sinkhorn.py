"""A layer that is right."""

import numpy as np

from minidl import Layer


class Sinkhorn(Layer):
    """Log of a doubly stochastic matrix: rows and columns are normalised by turns."""

    def __init__(self, rounds=3, temperature=0.7):
        self.rounds = rounds
        self.temperature = temperature

    def build(self, input_shape):
        n, m = input_shape
        return input_shape

    def forward(self, x, training=False):
        z = x / self.temperature
        self._kept = []
        for _ in range(self.rounds):
            for axis in (2, 1):
                top = z.max(axis=axis, keepdims=True)
                z = z - top - np.log(np.exp(z - top).sum(axis=axis, keepdims=True))
                self._kept.append((axis, z))
        return z.copy()

    def backward(self, dy):
        d = dy
        for axis, z in reversed(self._kept):
            d = d - np.exp(z) * d.sum(axis=axis, keepdims=True)
        return d / self.temperature
