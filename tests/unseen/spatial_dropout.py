"""A layer that is right."""

import numpy as np

from minidl import Layer


class SpatialDropout(Layer):
    """In training, switches whole channels off and scales the others up."""

    stochastic = True
    certify_input_shape = (4, 5)

    def __init__(self, rate=0.3):
        if not 0 <= rate < 1:
            raise ValueError("rate must be at least 0 and below 1")
        self.rate = rate

    def build(self, input_shape):
        time, channels = input_shape
        return input_shape

    def forward(self, x, training=False):
        self._mask = None
        if not training:
            return x
        kept = self.rng.random((len(x), 1, x.shape[2])) >= self.rate
        self._mask = kept.astype(x.dtype) / (1 - self.rate)
        return x * self._mask

    def backward(self, dy):
        if self._mask is None:
            return dy
        return dy * self._mask
