"""Dense, a residual block around it."""

import numpy as np

from minidl.layers import Layer


class Dense(Layer):
    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[0], self.units))
        self.add_parameter("b", (self.units,), "zeros")
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self._x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T


class Configurable(Layer):
    """y = factor * (x @ W + b), where bias and factor may be missing and the mode may be a mean over the units."""

    def __init__(self, units, use_bias=True, factor=None, mode="sum"):
        self.units = units
        self.use_bias = use_bias
        self.factor = factor
        self.mode = mode

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[-1], self.units))
        if self.use_bias:
            self.add_parameter("b", (self.units,), "zeros")
        return (self.units,)

    def times(self, dtype):
        factor = 1.0 if self.factor is None else self.factor
        return dtype.type(factor / self.units if self.mode == "mean" else factor)

    def forward(self, x, training=False):
        self._x = x
        y = x @ self.W
        return self.times(x.dtype) * (y + self.b if self.use_bias else y)

    def backward(self, dy):
        dz = self.times(dy.dtype) * dy
        self.dW = self._x.T @ dz
        if self.use_bias:
            self.db = dz.sum(axis=0)
        return dz @ self.W.T


class Projection(Layer):
    """``y = x @ W + b`` along the last axis, whatever axes there are before."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[-1], self.units))
        self.add_parameter("b", (self.units,), "zeros")
        return (*input_shape[:-1], self.units)

    def forward(self, x, training=False):
        self._x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = np.tensordot(self._x, dy, (range(dy.ndim - 1),) * 2)
        self.db = dy.reshape(-1, self.units).sum(axis=0)
        return dy @ self.W.T


class Residual(Layer):
    """y = x + tanh(x @ W + b)."""

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[0], input_shape[0]))
        self.add_parameter("b", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        self._h = np.tanh(x @ self.W + self.b)
        return x + self._h

    def backward(self, dy):
        dz = dy * (1 - self._h**2)
        self.dW = self._x.T @ dz
        self.db = dz.sum(axis=0)
        return dy + dz @ self.W.T


class Highway(Layer):
    """y = s * tanh(x @ W) + (1 - s) * (x @ V), with the gate s = sigmoid(x @ G)."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        for name in ("W", "V", "G"):
            self.add_parameter(name, (input_shape[0], self.units))
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        self._t, self._v = np.tanh(x @ self.W), x @ self.V
        self._s = 0.5 * (1 + np.tanh(0.5 * (x @ self.G)))
        return self._s * self._t + (1 - self._s) * self._v

    def backward(self, dy):
        t, v, s = self._t, self._v, self._s
        dt, dv, ds = dy * s * (1 - t**2), dy * (1 - s), dy * (t - v) * s * (1 - s)
        self.dW, self.dV, self.dG = self._x.T @ dt, self._x.T @ dv, self._x.T @ ds
        return dt @ self.W.T + dv @ self.V.T + ds @ self.G.T
