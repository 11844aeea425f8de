"""A layer that is right."""

import numpy as np

from minidl import Layer


class MaskedInstanceNorm(Layer):
    """Normalises each channel over the steps that the last channel marks as real (> 0)."""

    def __init__(self, epsilon=1e-3):
        self.epsilon = epsilon

    def build(self, input_shape):
        steps, channels = input_shape
        if channels < 2:
            raise ValueError("a channel and the mask are needed")
        self.add_parameter("gamma", (channels - 1,), "ones")
        self.add_parameter("beta", (channels - 1,), "zeros")
        return (steps, channels - 1)

    def forward(self, x, training=False):
        v = x[..., :-1]
        self._m = (x[..., -1:] > 0).astype(x.dtype)
        self._n = np.maximum(self._m.sum(axis=1, keepdims=True), 1)
        mean = (self._m * v).sum(axis=1, keepdims=True) / self._n
        c = (v - mean) * self._m
        self._r = 1 / np.sqrt((c**2).sum(axis=1, keepdims=True) / self._n + self.epsilon)
        self._hat = c * self._r
        return (self.gamma * self._hat + self.beta) * self._m

    def backward(self, dy):
        m, n, hat = self._m, self._n, self._hat
        dy = dy * m
        self.dgamma = (dy * hat).sum(axis=(0, 1))
        self.dbeta = dy.sum(axis=(0, 1))
        d = dy * self.gamma
        dv = self._r * (d - d.sum(axis=1, keepdims=True) / n - hat * (d * hat).sum(axis=1, keepdims=True) / n) * m
        return np.concatenate([dv, np.zeros_like(m)], axis=-1)
