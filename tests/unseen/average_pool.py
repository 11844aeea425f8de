"""A layer that is right."""

import numpy as np

from minidl import Layer


class AveragePool1D(Layer):
    """Mean over a window around each time step; what sticks out at the ends does not count."""

    certify_input_shape = (6, 2)

    def __init__(self, size=3):
        self.size = size

    def build(self, input_shape):
        time, channels = input_shape
        if not 1 <= self.size <= time:
            raise ValueError("size does not fit")
        return input_shape

    def _spans(self, time):
        for k in range(self.size):
            shift = k - (self.size - 1) // 2
            yield slice(max(0, -shift), min(time, time - shift)), slice(max(0, shift), min(time, time + shift))

    def forward(self, x, training=False):
        time = x.shape[1]
        total = np.zeros(x.shape, x.dtype)
        count = np.zeros((time, 1), x.dtype)
        for out, source in self._spans(time):
            total[:, out] += x[:, source]
            count[out] += 1
        self._count = count
        return total / count

    def backward(self, dy):
        time = dy.shape[1]
        share = dy / self._count
        dx = np.zeros(dy.shape, dy.dtype)
        for out, source in self._spans(time):
            dx[:, source] += share[:, out]
        return dx
