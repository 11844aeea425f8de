"""A layer that is right."""

import numpy as np

from minidl import Layer


class SoftPool(Layer):
    """y = sum over t of softmax(x)[t] * x[t]."""

    certify_input_shape = (4, 3)

    def build(self, input_shape):
        return input_shape[1:]

    def forward(self, x, training=False):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self._p = e / e.sum(axis=1, keepdims=True)
        self._x = x
        self._y = (self._p * x).sum(axis=1)
        return self._y

    def backward(self, dy):
        gap = self._x - self._y[:, None, :]
        return dy[:, None, :] * self._p * (1 + gap)
