"""A layer that is right."""

import numpy as np

from minidl import Layer


class AttentionPool(Layer):
    """y = sum over t of a[t] x[t], where a is the softmax over t of tanh(x @ W) @ q."""

    certify_input_shape = (4, 3)

    def __init__(self, units=2):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[1], self.units))
        self.add_parameter("q", (self.units,), "glorot_uniform")
        return input_shape[1:]

    def forward(self, x, training=False):
        self._x = x
        self._h = np.tanh(x @ self.W)
        e = self._h @ self.q
        e = np.exp(e - e.max(axis=1, keepdims=True))
        self._a = e / e.sum(axis=1, keepdims=True)
        return np.einsum("mt,mtf->mf", self._a, x)

    def backward(self, dy):
        x, a, h = self._x, self._a, self._h
        da = np.einsum("mf,mtf->mt", dy, x)
        de = a * (da - (a * da).sum(axis=1, keepdims=True))
        self.dq = np.einsum("mt,mtu->u", de, h)
        dz = de[:, :, None] * self.q * (1 - h**2)
        self.dW = np.einsum("mtf,mtu->fu", x, dz)
        return a[:, :, None] * dy[:, None, :] + dz @ self.W.T
