"""A layer that is right."""

import numpy as np

from minidl import Layer


class LayerNorm(Layer):
    """y = gamma * (x - mean) / sqrt(var + epsilon) + beta, over the last axis."""

    def __init__(self, epsilon=1e-5):
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape[-1:], "ones")
        self.add_parameter("beta", input_shape[-1:], "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._centered = x - x.mean(axis=-1, keepdims=True)
        variance = (self._centered**2).mean(axis=-1, keepdims=True)
        self._std = np.sqrt(variance + self.epsilon)
        self._normal = self._centered / self._std
        return self.gamma * self._normal + self.beta

    def backward(self, dy):
        normal = self._normal
        axes = tuple(range(dy.ndim - 1))
        self.dgamma = (dy * normal).sum(axis=axes)
        self.dbeta = dy.sum(axis=axes)
        g = dy * self.gamma
        mean_g = g.mean(axis=-1, keepdims=True)
        mean_gn = (g * normal).mean(axis=-1, keepdims=True)
        return (g - mean_g - normal * mean_gn) / self._std
