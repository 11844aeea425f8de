"""Layers with products of activations: attention, gated and bilinear units."""

import numpy as np

from minidl.layers import Layer


class Attention(Layer):
    """y = softmax(q @ k.T / sqrt(units)) @ v over the steps of each row, with q = x @ Q, k = x @ K, v = x @ V."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        for name in ("Q", "K", "V"):
            self.add_parameter(name, (input_shape[1], self.units))
        return (input_shape[0], self.units)

    def forward(self, x, training=False):
        self._x = x
        self._q, self._k, self._v = x @ self.Q, x @ self.K, x @ self.V
        s = self._q @ self._k.swapaxes(1, 2) / self.units**0.5
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        self._a = e / e.sum(axis=-1, keepdims=True)
        return self._a @ self._v

    def softmax_backward(self, da):
        return self._a * (da - (da * self._a).sum(axis=-1, keepdims=True))

    def backward(self, dy):
        ds = self.softmax_backward(dy @ self._v.swapaxes(1, 2)) / self.units**0.5
        dq, dk, dv = ds @ self._k, ds.swapaxes(1, 2) @ self._q, self._a.swapaxes(1, 2) @ dy
        for name, d in (("dQ", dq), ("dK", dk), ("dV", dv)):
            setattr(self, name, np.einsum("nti,ntj->ij", self._x, d))
        return dq @ self.Q.T + dk @ self.K.T + dv @ self.V.T


class GatedLinear(Layer):
    """y = (x @ W + b) * sigmoid(x @ V + c)."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        for weights, biases in (("W", "b"), ("V", "c")):
            self.add_parameter(weights, (input_shape[0], self.units))
            self.add_parameter(biases, (self.units,), "zeros")
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        self._z = x @ self.W + self.b
        self._s = 0.5 * (1 + np.tanh(0.5 * (x @ self.V + self.c)))
        return self._z * self._s

    def backward(self, dy):
        z, s = self._z, self._s
        dz, dg = dy * s, dy * z * s * (1 - s)
        self.dW, self.db = self._x.T @ dz, dz.sum(axis=0)
        self.dV, self.dc = self._x.T @ dg, dg.sum(axis=0)
        return dz @ self.W.T + dg @ self.V.T


class Bilinear(Layer):
    """y[n, k] = x[n] @ A[k] @ x[n]."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("A", (self.units, input_shape[0], input_shape[0]))
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        return np.einsum("ni,kij,nj->nk", x, self.A, x)

    def backward(self, dy):
        x = self._x
        self.dA = np.einsum("nk,ni,nj->kij", dy, x, x)
        return np.einsum("nk,kij,nj->ni", dy, self.A + self.A.swapaxes(1, 2), x)


class Distances(Layer):
    """Radial units: y[n, k] = exp(-|x[n] - c[k]|**2 / 2)."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("c", (self.units, input_shape[0]), "random_normal")
        return (self.units,)

    def forward(self, x, training=False):
        self._d = x[:, None, :] - self.c
        self._y = np.exp(-0.5 * (self._d**2).sum(axis=-1))
        return self._y

    def backward(self, dy):
        g = (dy * self._y)[..., None] * self._d
        self.dc = g.sum(axis=0)
        return -g.sum(axis=1)
