"""A layer that is right."""

import numpy as np

from minidl import Layer


class Affine(Layer):
    """y = scale * (x @ W + b)"""

    def __init__(self, units=4, scale=1.0):
        self.units = units
        self.scale = scale

    def build(self, input_shape):
        (inputs,) = input_shape
        self.add_parameter("W", (inputs, self.units))
        self.add_parameter("b", (self.units,), "zeros")
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        return self.scale * (x @ self.W + self.b)

    def backward(self, dy):
        dz = self.scale * dy
        self.dW = self._x.T @ dz
        self.db = dz.sum(axis=0)
        return dz @ self.W.T
