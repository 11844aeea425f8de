"""Layers that choose, sort or accumulate: kinks, ties and permutations."""

import numpy as np

from minidl.layers import Layer


class Maxout(Layer):
    """y[:, j] = max over the pieces k of (x @ W[k] + b[k])[:, j]."""

    def __init__(self, units, pieces):
        self.units = units
        self.pieces = pieces

    def build(self, input_shape):
        self.add_parameter("W", (self.pieces, input_shape[0], self.units))
        self.add_parameter("b", (self.pieces, self.units), "zeros")
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        z = np.stack([x @ self.W[k] + self.b[k] for k in range(self.pieces)])
        self._hot = np.arange(self.pieces)[:, None, None] == z.argmax(axis=0)
        return z.max(axis=0)

    def backward(self, dy):
        dz = self._hot * dy
        self.dW = np.stack([self._x.T @ d for d in dz])
        self.db = dz.sum(axis=1)
        return sum(d @ self.W[k].T for k, d in enumerate(dz))


class Sort(Layer):
    def forward(self, x, training=False):
        self._order = np.argsort(x, axis=-1)
        return np.take_along_axis(x, self._order, axis=-1)

    def backward(self, dy):
        dx = np.empty_like(dy)
        np.put_along_axis(dx, self._order, dy, axis=-1)
        return dx


class TopK(Layer):
    """The k largest values of each row, largest first."""

    def __init__(self, k):
        self.k = k

    def build(self, input_shape):
        return (self.k,)

    def forward(self, x, training=False):
        self._shape = x.shape
        self._order = np.argsort(-x, axis=-1, kind="stable")[:, : self.k]
        return np.take_along_axis(x, self._order, axis=-1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        np.put_along_axis(dx, self._order, dy, axis=-1)
        return dx


class CumulativeSum(Layer):
    def forward(self, x, training=False):
        return np.cumsum(x, axis=-1)

    def backward(self, dy):
        return np.cumsum(dy[:, ::-1], axis=-1)[:, ::-1]


class CumulativeProduct(Layer):
    """y[:, j] = x[:, 0] * ... * x[:, j], without division."""

    def forward(self, x, training=False):
        self._x = x
        return np.cumprod(x, axis=-1)

    def backward(self, dy):
        x, n = self._x, self._x.shape[1]
        dx = np.zeros_like(dy)
        for i in range(n):
            others = x.copy()
            others[:, i] = 1
            dx[:, i] = (dy * np.cumprod(others, axis=-1))[:, i:].sum(axis=1)
        return dx


class Difference(Layer):
    """y[:, j] = |x[:, j + 1] - x[:, j]|."""

    def build(self, input_shape):
        return (input_shape[0] - 1,)

    def forward(self, x, training=False):
        self._sign = np.sign(np.diff(x, axis=-1))
        return np.abs(np.diff(x, axis=-1))

    def backward(self, dy):
        d = dy * self._sign
        dx = np.zeros((len(d), d.shape[1] + 1), d.dtype)
        dx[:, 1:] += d
        dx[:, :-1] -= d
        return dx


class SmallestAndLargest(Layer):
    """The minimum and the maximum of each row."""

    def build(self, input_shape):
        return (2,)

    def forward(self, x, training=False):
        self._shape = x.shape
        self._low, self._high = x.argmin(axis=1), x.argmax(axis=1)
        return np.stack([x.min(axis=1), x.max(axis=1)], axis=1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        rows = np.arange(len(dy))
        dx[rows, self._low] += dy[:, 0]
        dx[rows, self._high] += dy[:, 1]
        return dx
