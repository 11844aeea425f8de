"""A small recurrent layer, unrolled over time, and its bugs."""

import numpy as np

from minidl.layers import Layer
from tests.planted.registry import FORMULA, REGION, STATE, bug, correct


@correct(3, shape=(4, 2))
class Recurrent(Layer):
    """h[t] = tanh(x[t] @ W + h[t - 1] @ U + b), starting from zero; y is the last h."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[1], self.units))
        self.add_parameter("U", (self.units, self.units))
        self.add_parameter("b", (self.units,), "zeros")
        return (self.units,)

    def start(self, x):
        return np.zeros((len(x), self.units), x.dtype)

    def forward(self, x, training=False):
        self._x, self._h = x, [self.start(x)]
        for t in range(x.shape[1]):
            self._h.append(np.tanh(x[:, t] @ self.W + self._h[-1] @ self.U + self.b))
        return self._h[-1].copy()

    def backward(self, dy):
        dW, dU, db = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        dx = np.empty(self._x.shape, dy.dtype)
        dh = dy
        for t in reversed(range(self.first_step(), dx.shape[1])):
            dz = dh * self.slope(t)
            dW += self._x[:, t].T @ dz
            dU += self._h[t].T @ dz
            db += dz.sum(axis=0)
            dx[:, t] = dz @ self.W.T
            dh = dz @ self.U.T
        self.dW, self.dU, self.db = dW, dU, db
        return dx

    def first_step(self):
        return 0

    def slope(self, t):
        return 1 - self._h[t + 1] ** 2


@bug(FORMULA, "through U")
class TimeTruncated(Recurrent):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dU = self._h[-2].T @ (dy * (1 - self._h[-1] ** 2))
        return dx


@bug(REGION, "last 4 steps|axis 1 0 .*of 5.*zero")
class LongSequencesTruncated(Recurrent):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[:, : max(0, dx.shape[1] - 4)] = 0
        return dx


@bug(FORMULA, r"self\._h\[1:\]|self\.slope\(t \+ 1\)")
class StateShiftedByOne(Recurrent):
    def slope(self, t):
        return 1 - self._h[t] ** 2


@bug(FORMULA, r"transposed|U\.T")
class RecurrentTransposeMissing(Recurrent):
    def backward(self, dy):
        keep = self.U.copy()
        self.U = keep.T
        dx = super().backward(dy)
        self.U = keep
        return dx


@bug(STATE, r"self\._last")
class StateCarriedOver(Recurrent):
    """The next batch starts where the last one ended."""

    def start(self, x):
        last = self.__dict__.get("_last")
        return np.zeros((len(x), self.units), x.dtype) if last is None or last.shape[0] != len(x) else last

    def forward(self, x, training=False):
        y = super().forward(x)
        self._last = y.copy()
        return y
