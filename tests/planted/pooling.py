"""Layers along an axis: pooling, convolution, look-up."""

import numpy as np

from minidl.layers import Layer


class MaxPool(Layer):
    def __init__(self, size):
        self.size = size

    def build(self, input_shape):
        return (input_shape[0] // self.size,)

    def windows(self, x):
        count = x.shape[1] // self.size
        return x[:, : count * self.size].reshape(len(x), count, self.size)

    def forward(self, x, training=False):
        z = self.windows(x)
        self._shape = x.shape
        self._hot = np.arange(self.size) == z.argmax(axis=-1)[..., None]
        return z.max(axis=-1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        self.windows(dx)[...] = self._hot * dy[..., None]
        return dx


class AveragePool(Layer):
    def __init__(self, size):
        self.size = size

    def build(self, input_shape):
        return (input_shape[0] // self.size,)

    def forward(self, x, training=False):
        self._shape = x.shape
        count = x.shape[1] // self.size
        return x[:, : count * self.size].reshape(len(x), count, self.size).mean(axis=-1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        dx[:, : dy.shape[1] * self.size] = np.repeat(dy / self.size, self.size, axis=1)
        return dx


class GlobalAveragePool(Layer):
    def build(self, input_shape):
        return (input_shape[-1],)

    def forward(self, x, training=False):
        self._shape = x.shape
        return x.mean(axis=1)

    def backward(self, dy):
        return np.repeat(dy[:, None, :] / self._shape[1], self._shape[1], axis=1)


class Embedding(Layer):
    """y[i, j] = W[x[i, j]]: integer ids, often repeated."""

    input_domain = "integer"

    def __init__(self, ids, units):
        self.ids = ids
        self.units = units

    def build(self, input_shape):
        self.add_parameter("W", (self.ids, self.units))
        return (*input_shape, self.units)

    def forward(self, x, training=False):
        self._x = x.astype(np.intp)
        return self.W[self._x]

    def backward(self, dy):
        dW = np.zeros_like(self.W)
        np.add.at(dW, self._x, dy)
        self.dW = dW
        return np.zeros(self._x.shape, dy.dtype)


class Conv1D(Layer):
    """y[n, t] = sum over k of x[n, t + k] @ w[k] + b."""

    def __init__(self, units, width):
        self.units = units
        self.width = width

    def build(self, input_shape):
        self.add_parameter("w", (self.width, input_shape[1], self.units))
        self.add_parameter("b", (self.units,), "zeros")
        return (input_shape[0] - self.width + 1, self.units)

    def forward(self, x, training=False):
        self._x = x
        self._steps = steps = x.shape[1] - self.width + 1
        return sum(x[:, k : k + steps] @ self.w[k] for k in range(self.width)) + self.b

    def backward(self, dy):
        x, steps = self._x, self._steps
        self.db = dy.sum(axis=(0, 1))
        self.dw = np.array([np.einsum("nti,ntj->ij", x[:, k : k + steps], dy) for k in range(self.width)])
        return self.input_gradient(dy, self.w)

    def input_gradient(self, dy, w):
        dx = np.zeros(self._x.shape, dy.dtype)
        for k in range(self.width):
            dx[:, k : k + self._steps] += dy @ w[k].T
        return dx


class Upsample(Layer):
    """Every step repeated ``times`` times along axis 1."""

    def __init__(self, times):
        self.times = times

    def build(self, input_shape):
        return (input_shape[0] * self.times, *input_shape[1:])

    def forward(self, x, training=False):
        self._shape = x.shape
        return np.repeat(x, self.times, axis=1)

    def backward(self, dy):
        n, steps, channels = self._shape
        return dy.reshape(n, steps, self.times, channels).sum(axis=2)


class SwapAxes(Layer):
    """y = x with its two inner axes exchanged."""

    def build(self, input_shape):
        return (input_shape[1], input_shape[0])

    def forward(self, x, training=False):
        return np.swapaxes(x, 1, 2).copy()

    def backward(self, dy):
        return np.swapaxes(dy, 1, 2).copy()
