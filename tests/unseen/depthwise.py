"""A layer that is right."""

import numpy as np

from minidl import Layer


class DepthwiseConv1D(Layer):
    """Causal convolution of each channel with its own kernel."""

    certify_input_shape = (6, 3)

    def __init__(self, width=3):
        self.width = width

    def build(self, input_shape):
        time, channels = input_shape
        self.add_parameter("W", (self.width, channels))
        self.add_parameter("b", (channels,), "zeros")
        return input_shape

    def forward(self, x, training=False):
        time = x.shape[1]
        self._padded = np.pad(x, ((0, 0), (self.width - 1, 0), (0, 0)))
        y = np.zeros(x.shape, x.dtype) + self.b
        for k in range(self.width):
            y += self.W[k] * self._padded[:, k : k + time]
        return y

    def backward(self, dy):
        time = dy.shape[1]
        dpadded = np.zeros(self._padded.shape, dy.dtype)
        dW = np.zeros(self.W.shape, dy.dtype)
        for k in range(self.width):
            dW[k] = (dy * self._padded[:, k : k + time]).sum(axis=(0, 1))
            dpadded[:, k : k + time] += self.W[k] * dy
        self.dW = dW
        self.db = dy.sum(axis=(0, 1))
        return dpadded[:, self.width - 1 :]
