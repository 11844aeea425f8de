"""A small recurrent layer, unrolled over time."""

import numpy as np

from minidl.layers import Layer


class Recurrent(Layer):
    """h[t] = tanh(x[t] @ W + h[t - 1] @ U + b), starting from zero; y is the last h."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[1], self.units))
        self.add_parameter("U", (self.units, self.units))
        self.add_parameter("b", (self.units,), "zeros")
        return (self.units,)

    def forward(self, x, training=False):
        self._x, self._h = x, [np.zeros((len(x), self.units), x.dtype)]
        for t in range(x.shape[1]):
            self._h.append(np.tanh(x[:, t] @ self.W + self._h[-1] @ self.U + self.b))
        return self._h[-1].copy()

    def backward(self, dy):
        dW, dU, db = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        dx = np.empty(self._x.shape, dy.dtype)
        dh = dy
        for t in reversed(range(dx.shape[1])):
            dz = dh * (1 - self._h[t + 1] ** 2)
            dW += self._x[:, t].T @ dz
            dU += self._h[t].T @ dz
            db += dz.sum(axis=0)
            dx[:, t] = dz @ self.W.T
            dh = dz @ self.U.T
        self.dW, self.dU, self.db = dW, dU, db
        return dx
