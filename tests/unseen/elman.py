"""A layer that is right."""

import numpy as np

from minidl import Layer


class ElmanRNN(Layer):
    """h[t] = tanh(x[t] @ W + h[t-1] @ U + b), over time; returns the last h or all of them."""

    certify_input_shape = (5, 3)

    def __init__(self, units=4, return_sequences=False):
        self.units = units
        self.return_sequences = return_sequences

    def build(self, input_shape):
        time, features = input_shape
        self.add_parameter("W", (features, self.units))
        self.add_parameter("U", (self.units, self.units))
        self.add_parameter("b", (self.units,), "zeros")
        return (time, self.units) if self.return_sequences else (self.units,)

    def forward(self, x, training=False):
        h = np.zeros((len(x), self.units), x.dtype)
        self._x = x
        self._h = [h]
        for t in range(x.shape[1]):
            h = np.tanh(x[:, t] @ self.W + h @ self.U + self.b)
            self._h.append(h)
        return np.stack(self._h[1:], axis=1) if self.return_sequences else h

    def backward(self, dy):
        x = self._x
        time = x.shape[1]
        dW, dU, db = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        dx = np.zeros(x.shape, dy.dtype)
        dh = np.zeros((len(x), self.units), dy.dtype)
        for t in reversed(range(time)):
            if self.return_sequences:
                dh = dh + dy[:, t]
            elif t == time - 1:
                dh = dy
            dz = dh * (1 - self._h[t + 1] ** 2)
            dW += x[:, t].T @ dz
            dU += self._h[t].T @ dz
            db += dz.sum(axis=0)
            dx[:, t] = dz @ self.W.T
            dh = dz @ self.U.T
        self.dW, self.dU, self.db = dW, dU, db
        return dx
