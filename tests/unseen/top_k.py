"""A layer that is right."""

import numpy as np

from minidl import Layer


class TopKPool(Layer):
    """The k largest values over time of each channel, in falling order."""

    certify_input_shape = (6, 2)

    def __init__(self, k=3):
        self.k = k

    def build(self, input_shape):
        time, channels = input_shape
        if not 1 <= self.k <= time:
            raise ValueError("k does not fit")
        return (self.k, channels)

    def forward(self, x, training=False):
        self._shape = x.shape
        self._order = np.argsort(-x, axis=1, kind="stable")[:, : self.k]
        return np.take_along_axis(x, self._order, axis=1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        np.put_along_axis(dx, self._order, dy, axis=1)
        return dx
