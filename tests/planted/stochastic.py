"""Layers that draw random numbers in training."""

import numpy as np

from minidl.layers import Layer


class Dropout(Layer):
    stochastic = True

    def __init__(self, rate):
        self.rate = rate

    def forward(self, x, training=False):
        self._mask = None
        if not training or self.rate == 0:
            return x.copy()
        self._mask = (self.rng.random(x.shape) >= self.rate).astype(x.dtype) / x.dtype.type(1 - self.rate)
        return x * self._mask

    def backward(self, dy):
        return dy.copy() if self._mask is None else dy * self._mask


class GaussianNoise(Layer):
    """In training y = x * (1 + scale * noise)."""

    stochastic = True

    def __init__(self, scale):
        self.scale = scale

    def forward(self, x, training=False):
        factor = 1 + self.scale * self.rng.standard_normal(x.shape) if training else np.ones(x.shape)
        self._factor = factor.astype(x.dtype)
        return x * self._factor

    def backward(self, dy):
        return dy * self._factor


class MixRows(Layer):
    """In training each row is mixed with one that is drawn for it."""

    stochastic = True

    def forward(self, x, training=False):
        self._other = self.rng.permutation(len(x)) if training else np.arange(len(x))
        return 0.7 * x + 0.3 * x[self._other]

    def backward(self, dy):
        dx = 0.7 * dy
        dx[self._other] += 0.3 * dy
        return dx
