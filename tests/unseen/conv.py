"""A layer that is right."""

import numpy as np

from minidl import Layer


class Conv1D(Layer):
    """Cross-correlation over time: x is (batch, time, channels), W is (width, channels, filters)."""

    certify_input_shape = (8, 2)
    certify_arguments = {"padding": ["valid", "same"]}

    def __init__(self, filters=3, width=3, stride=1, dilation=1, padding="valid"):
        self.filters = filters
        self.width = width
        self.stride = stride
        self.dilation = dilation
        self.padding = padding

    def _plan(self, time):
        span = (self.width - 1) * self.dilation + 1
        left = right = 0
        if self.padding == "same":
            total = max((-(-time // self.stride) - 1) * self.stride + span - time, 0)
            left, right = total // 2, total - total // 2
        steps = (time + left + right - span) // self.stride + 1
        index = self.stride * np.arange(steps)[:, None] + self.dilation * np.arange(self.width)
        return left, right, index

    def build(self, input_shape):
        time, channels = input_shape
        if min(self.width, self.stride, self.dilation) < 1:
            raise ValueError("width, stride and dilation must be positive")
        left, right, index = self._plan(time)
        if not len(index):
            raise ValueError("the window is longer than the input")
        self.add_parameter("W", (self.width, channels, self.filters))
        self.add_parameter("b", (self.filters,), "zeros")
        return (len(index), self.filters)

    def forward(self, x, training=False):
        left, right, index = self._plan(x.shape[1])
        self._time = x.shape[1]
        self._padded = np.pad(x, ((0, 0), (left, right), (0, 0)))
        self._columns = self._padded[:, index]  # (batch, steps, width, channels)
        return np.tensordot(self._columns, self.W, axes=2) + self.b

    def backward(self, dy):
        left, right, index = self._plan(self._time)
        self.dW = np.tensordot(self._columns, dy, axes=((0, 1), (0, 1)))
        self.db = dy.sum(axis=(0, 1))
        dcolumns = np.tensordot(dy, self.W, axes=(2, 2))
        dpadded = np.zeros(self._padded.shape, dy.dtype)
        np.add.at(dpadded, (slice(None), index), dcolumns)
        return dpadded[:, left : left + self._time]
