"""A layer that is right."""

import numpy as np

from minidl import Layer


class GroupNorm(Layer):
    """Normalises the features of a row in groups of equal size."""

    certify_input_shape = (6,)
    certify_arguments = {"groups": [1, 3, 6]}

    def __init__(self, groups=2, epsilon=1e-5):
        self.groups = groups
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        v = x.reshape(len(x), self.groups, x.shape[1] // self.groups)
        centered = v - v.mean(axis=2, keepdims=True)
        self._s = np.sqrt((centered**2).mean(axis=2, keepdims=True) + self.epsilon)
        self._n = centered / self._s
        return self.gamma * self._n.reshape(x.shape) + self.beta

    def backward(self, dy):
        n = self._n
        self.dgamma = (dy * n.reshape(dy.shape)).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        g = (dy * self.gamma).reshape(n.shape)
        inner = g - g.mean(axis=2, keepdims=True) - n * (g * n).mean(axis=2, keepdims=True)
        return (inner / self._s).reshape(dy.shape)
