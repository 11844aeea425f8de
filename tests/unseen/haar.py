"""A layer that is right."""

import numpy as np

from minidl import Layer


class Haar(Layer):
    """Averages and halved differences of neighbouring steps, the averages first."""

    certify_input_shape = (6, 2)
    certify_other_shapes = False

    def build(self, input_shape):
        return input_shape

    def forward(self, x, training=False):
        even, odd = x[:, 0::2], x[:, 1::2]
        return np.concatenate([(even + odd) / 2, (even - odd) / 2], axis=1)

    def backward(self, dy):
        half = dy.shape[1] // 2
        mean, gap = dy[:, :half], dy[:, half:]
        dx = np.empty_like(dy)
        dx[:, 0::2] = (mean + gap) / 2
        dx[:, 1::2] = (mean - gap) / 2
        return dx
