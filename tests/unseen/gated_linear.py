"""A layer that is right."""

import numpy as np

from minidl import Layer
from minidl.numeric import sigmoid


class GatedLinear(Layer):
    """y = (x @ W + b) * sigmoid(x @ V + c)"""

    def __init__(self, units=3):
        self.units = units

    def build(self, input_shape):
        (inputs,) = input_shape
        self.add_parameter("W", (inputs, self.units))
        self.add_parameter("b", (self.units,), "zeros")
        self.add_parameter("V", (inputs, self.units))
        self.add_parameter("c", (self.units,), "zeros")
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        self._a = x @ self.W + self.b
        self._z = x @ self.V + self.c
        self._g = sigmoid(self._z)
        return self._a * self._g

    def backward(self, dy):
        x, a, g = self._x, self._a, self._g
        da = dy * g
        dz = dy * a * g * sigmoid(-self._z)
        self.dW = x.T @ da
        self.db = da.sum(axis=0)
        self.dV = x.T @ dz
        self.dc = dz.sum(axis=0)
        return da @ self.W.T + dz @ self.V.T
