"""A layer that is right."""

import numpy as np

from minidl import Layer


class GlobalPool(Layer):
    """The mean and the maximum over time of each channel, side by side."""

    certify_input_shape = (5, 3)

    def build(self, input_shape):
        time, channels = input_shape
        return (2 * channels,)

    def forward(self, x, training=False):
        self._shape = x.shape
        self._best = x.argmax(axis=1)
        return np.concatenate([x.mean(axis=1), x.max(axis=1)], axis=1)

    def backward(self, dy):
        batch, time, channels = self._shape
        dmean, dmax = dy[:, :channels], dy[:, channels:]
        dx = np.repeat(dmean[:, None] / time, time, axis=1)
        rows, columns = np.arange(batch)[:, None], np.arange(channels)
        dx[rows, self._best, columns] += dmax
        return dx
