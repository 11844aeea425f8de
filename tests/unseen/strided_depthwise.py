"""A layer that is right."""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minidl import Layer


class DilatedDepthwise(Layer):
    """Each channel with a kernel of its own, dilated, over windows made by strides."""

    certify_input_shape = (7, 2)

    def __init__(self, width=3, dilation=2):
        self.width = width
        self.dilation = dilation

    def build(self, input_shape):
        steps, channels = input_shape
        out = steps - (self.width - 1) * self.dilation
        if min(out, self.width, self.dilation) < 1:
            raise ValueError("the window is longer than the input")
        self.add_parameter("W", (self.width, channels))
        return (out, channels)

    def windows(self, v, out):
        b, t, c = v.strides
        shape = (len(v), out, self.width, v.shape[2])
        return as_strided(v, shape, (b, t, self.dilation * t, c), writeable=False)

    def forward(self, x, training=False):
        self._x = np.ascontiguousarray(x)
        self._out = x.shape[1] - (self.width - 1) * self.dilation
        return np.einsum("btkc,kc->btc", self.windows(self._x, self._out), self.W)

    def backward(self, dy):
        self.dW = np.einsum("btkc,btc->kc", self.windows(self._x, self._out), dy)
        pad = (self.width - 1) * self.dilation
        padded = np.ascontiguousarray(np.pad(dy, ((0, 0), (pad, pad), (0, 0))))
        return np.einsum("btkc,kc->btc", self.windows(padded, self._x.shape[1]), self.W[::-1])
