"""A layer that is right."""

import numpy as np

from minidl import Layer


class RMSNorm(Layer):
    """y = gamma * x / sqrt(mean(x**2) + epsilon), over the last axis."""

    def __init__(self, epsilon=1e-6):
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape[-1:], "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        self._inverse = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.epsilon)
        return self.gamma * x * self._inverse

    def backward(self, dy):
        x, r = self._x, self._inverse
        self.dgamma = (dy * x * r).reshape(-1, x.shape[-1]).sum(axis=0)
        dot = (self.gamma * dy * x).sum(axis=-1, keepdims=True)
        return r * self.gamma * dy - r**3 * x * dot / x.shape[-1]
