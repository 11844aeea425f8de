"""Layers that act on each value alone, smooth and kinked, with and without parameters."""

import numpy as np

from minidl.layers import Layer


class Elementwise(Layer):
    """Abstract: `f` is the function, `slope` its derivative."""

    def forward(self, x, training=False):
        self._x = x
        self._y = self.f(x)
        return self._y

    def backward(self, dy):
        return dy * np.asarray(self.slope(self._x, self._y), dy.dtype)


class ReLU(Elementwise):
    def f(self, x):
        return np.maximum(x, 0)

    def slope(self, x, y):
        return x > 0


class LeakyReLU(Elementwise):
    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def f(self, x):
        return np.where(x >= 0, x, self.negative_slope * x)

    def slope(self, x, y):
        return np.where(x >= 0, 1, self.negative_slope)


class Sigmoid(Elementwise):
    def f(self, x):
        e = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, e) / (1 + e)

    def slope(self, x, y):
        return y * (1 - y)


class Tanh(Elementwise):
    def f(self, x):
        return np.tanh(x)

    def slope(self, x, y):
        return 1 - y**2


class GELU(Elementwise):
    """y = x P(x) by the tanh formula."""

    root = float(np.sqrt(2 / np.pi))

    def inner(self, x):
        return np.tanh(self.root * (x + 0.044715 * x**3))

    def f(self, x):
        return 0.5 * x * (1 + self.inner(np.clip(x, -40, 40)))

    def slope(self, x, y):
        x = np.clip(x, -40, 40)
        t = self.inner(x)
        return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * self.root * (1 + 3 * 0.044715 * x**2)


class Softplus(Elementwise):
    def f(self, x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def slope(self, x, y):
        return -np.expm1(-y)


class SiLU(Elementwise):
    def sigmoid(self, x):
        return 0.5 * (1 + np.tanh(0.5 * x))

    def f(self, x):
        return x * self.sigmoid(x)

    def slope(self, x, y):
        s = self.sigmoid(x)
        return s + y * (1 - s)


class HardTanh(Elementwise):
    """y = x clipped to [-limit, limit]."""

    def __init__(self, limit=1.0):
        self.limit = limit

    def f(self, x):
        return np.clip(x, -self.limit, self.limit)

    def slope(self, x, y):
        return np.abs(x) < self.limit


class Softsign(Elementwise):
    def f(self, x):
        return x / (1 + np.abs(x))

    def slope(self, x, y):
        return 1 / (1 + np.abs(x)) ** 2


class Square(Elementwise):
    def f(self, x):
        return x * x

    def slope(self, x, y):
        return 2 * x


class LogOfOnePlusSquare(Elementwise):
    def f(self, x):
        return np.log1p(x**2)

    def slope(self, x, y):
        return 2 * x / (1 + x**2)


class SafeLog(Elementwise):
    """y = log(x), for positive x only."""

    input_domain = "positive"

    def f(self, x):
        return np.log(x)

    def slope(self, x, y):
        return 1 / x


class Scale(Layer):
    """y = gamma * x + beta."""

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return self.gamma * x + self.beta

    def backward(self, dy):
        self.dgamma = (dy * self._x).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        return dy * self.gamma


class PReLU(Layer):
    """y = x where x > 0, else alpha * x."""

    def build(self, input_shape):
        self.add_parameter("alpha", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dy):
        self.dalpha = (dy * np.minimum(self._x, 0)).sum(axis=0)
        return np.where(self._x > 0, dy, self.alpha * dy)


class Polynomial(Layer):
    """y = sum over k of c[k] * x**k, with trained coefficients."""

    def __init__(self, degree):
        self.degree = degree

    def build(self, input_shape):
        self.add_parameter("c", (self.degree + 1,), "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return sum(self.c[k] * x**k for k in range(self.degree + 1))

    def backward(self, dy):
        x = self._x
        self.dc = np.array([(dy * x**k).sum() for k in range(self.degree + 1)])
        return dy * sum(k * self.c[k] * x ** (k - 1) for k in range(1, self.degree + 1))


class Saturation(Layer):
    """``y = sign(x) (1 - exp(-abs(x)))``."""

    def forward(self, x, training=False):
        self._x = x
        return np.sign(x) * -np.expm1(-np.abs(x))

    def backward(self, dy):
        return dy * np.exp(-np.abs(self._x))
