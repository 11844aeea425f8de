"""The certification kit tries altered copies of a wrong backward, and tells the one that is right."""

import sys

import numpy as np
import pytest

from minidl import Layer
from minidl.losses import Loss
from minidl.testing import certify, certify_loss, gradient_check


class Two(Layer):
    """tanh(x @ W) @ V + scale * x, right; the variants below alter one line of it."""

    def __init__(self, scale=0.7):
        self.scale = scale

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[-1], 5))
        self.add_parameter("V", (5, input_shape[-1]))
        return input_shape

    def forward(self, x, training=False):
        self._x, self._h = x, np.tanh(x @ self.W)
        return self._h @ self.V + self.scale * x

    def backward(self, dy):
        dz = dy @ self.V.T * (1 - self._h**2)
        self.dV = self._h.T @ dy
        self.dW = self._x.T @ dz
        return dz @ self.W.T + self.scale * dy


class WrongDerivative(Two):
    def backward(self, dy):
        dz = dy @ self.V.T * (1 - self._h)
        self.dV = self._h.T @ dy
        self.dW = self._x.T @ dz
        return dz @ self.W.T + self.scale * dy


class WrongArray(Two):
    def forward(self, x, training=False):
        self._x, self._z = x, x @ self.W
        self._h = np.tanh(self._z)
        return self._h @ self.V + self.scale * x

    def backward(self, dy):
        dz = dy @ self.V.T * (1 - self._h**2)
        self.dV = self._z.T @ dy
        self.dW = self._x.T @ dz
        return dz @ self.W.T + self.scale * dy


class ForgottenArgument(Two):
    def backward(self, dy):
        dz = dy @ self.V.T * (1 - self._h**2)
        self.dV = self._h.T @ dy
        self.dW = self._x.T @ dz
        return dz @ self.W.T + dy


class SpoiledCache(Two):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        self._h = np.round(self._h, 2)
        return y


class NoSource(Two):
    exec("def backward(self, dy):\n    self.dV, self.dW = self._h.T @ dy, 0 * self.W\n    return dy")


class Sums(Layer):
    """Sums over a window of two steps."""

    def forward(self, x, training=False):
        return x[:, 1:] + x[:, :-1]

    def build(self, input_shape):
        return (input_shape[0] - 1, *input_shape[1:])

    def backward(self, dy):
        dx = np.zeros((len(dy), dy.shape[1] + 1, *dy.shape[2:]), dy.dtype)
        dx[:, 1:] += dy
        dx[:, :-1] = dy
        return dx


class Highway(Layer):
    """sigmoid(x @ V) * tanh(x) + (1 - sigmoid(x @ V)) * x, whose backward lets the wrong share of dy pass."""

    def build(self, input_shape):
        self.add_parameter("V", (input_shape[0], input_shape[0]))
        return input_shape

    def forward(self, x, training=False):
        self._x, self._t, self._s = x, np.tanh(x), 1 / (1 + np.exp(-(x @ self.V)))
        return self._s * self._t + (1 - self._s) * x

    def backward(self, dy):
        x, t, s = self._x, self._t, self._s
        ds = dy * (t - x) * s * (1 - s)
        self.dV = x.T @ ds
        return dy * s * (1 - t**2) + ds @ self.V.T + dy * s


class Table(Layer):
    input_domain = ("integer", 4)

    def build(self, input_shape):
        self.add_parameter("E", (4, 2))
        return (*input_shape, 2)

    def forward(self, x, training=False):
        self._x = x
        return self.E[x]

    def backward(self, dy):
        dE = np.zeros_like(self.E)
        dE[self._x] += dy
        self.dE = dE
        return np.zeros(self._x.shape, dy.dtype)


def slope(x):
    """Return the slope of tanh, wrongly."""
    return 1 - np.tanh(x)


class Helped(Layer):
    def forward(self, x, training=False):
        self._x = x
        return np.tanh(x)

    def backward(self, dy):
        return dy * slope(self._x)


def why(layer, **options):
    return certify(layer, on_fail="return", **options).findings[0].why


@pytest.mark.parametrize(
    ("layer", "old", "new"),
    [
        (WrongDerivative(), "* (1 - self._h)", "* (1 - self._h ** 2)"),
        (WrongArray(), "self.dV = self._z.T @ dy", "self.dV = self._h.T @ dy"),
        (ForgottenArgument(), "return dz @ self.W.T + dy", "return dz @ self.W.T + dy * self.scale"),
        (Sums(), "dx[:, :-1] = dy", "dx[:, :-1] += dy"),
        (Table(), "dE[self._x] += dy", "np.add.at(dE, np.s_[self._x], dy)"),
        (Helped(), "return 1 - np.tanh(x)", "return 1 - np.tanh(x) ** 2"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Layer) else "",
)
def test_the_line_that_is_wrong_is_told_and_how_it_is_right(layer, old, new):
    told = why(layer)
    before, _, after = told.partition(" reads ")
    assert "becomes right when `" in before
    assert old in before
    assert new in after
    assert "test_testing_repairs.py:" in after


def test_the_complement_of_a_gate_is_put_in():
    assert "+ dy * (1 - s)`" in certify(Highway(), on_fail="return").findings[0].why


def test_a_line_in_forward_that_spoils_a_cache_is_told():
    told = why(SpoiledCache())
    assert "self._h = np.round(self._h, 2)" in told
    assert "(forward, test_testing_repairs.py:" in told


def test_the_layer_runs_its_own_code_again_afterwards():
    codes = WrongDerivative.backward.__code__, WrongDerivative.forward.__code__, Two.forward.__code__
    why(WrongDerivative())
    assert (WrongDerivative.backward.__code__, WrongDerivative.forward.__code__, Two.forward.__code__) == codes


def test_a_layer_without_source_is_diagnosed_from_its_numbers():
    assert "becomes right when `" not in why(NoSource())


def test_a_profiler_is_left_alone():
    def profiler(*_):
        pass

    sys.setprofile(profiler)
    try:
        told = why(WrongArray())
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)
    assert "becomes right when `" not in told


class Squares(Loss):
    def forward(self, y_pred, y_true, sample_weight=None):
        self._d = y_pred - y_true
        return (self._d**2).sum() / len(y_pred)

    def backward(self):
        return 2 * self._d / self._d.size


def test_the_line_of_a_loss_is_told():
    told = certify_loss(Squares(), on_fail="return").findings[0].why
    assert "`return 2 * self._d / self._d.size` reads `return 2 * self._d / " in told


def gradient(x):
    return 3 * x


def test_the_line_of_a_bare_function_is_told():
    report = gradient_check(lambda x: (x**3).sum(), gradient, np.array([1.0, -2.0, 0.3]))
    assert "`return 3 * x` reads `return 3 * x ** 2`" in report.findings[0].why


class Wave(Layer):
    def build(self, input_shape):
        self.add_parameter("a", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return x + np.sin(self.a * x) ** 2

    def backward(self, dy):
        x = self._x
        slope = 2 * np.sin(self.a * x)
        self.da = (dy * x * slope).sum(axis=0)
        return dy * (1 + self.a * slope)


class Gated(Layer):
    def build(self, input_shape):
        self.add_parameter("W", (input_shape[0], 3))
        self.add_parameter("V", (input_shape[0], 3))
        return (3,)

    def forward(self, x, training=False):
        self._x, self._a, self._g = x, x @ self.W, np.tanh(x @ self.V)
        return self._a * self._g

    def backward(self, dy):
        da = dy * self._g
        dz = dy * self._a * (1 - self._g**2)
        self.dW, self.dV = self._x.T @ da, self._x.T @ dz
        return da @ self.W.T


class Delayed(Layer):
    certify_input_shape = (5, 2)

    def forward(self, x, training=False):
        self._padded = np.pad(x, ((0, 0), (2, 0), (0, 0)))
        return self._padded[:, :-2] + 3 * self._padded[:, 1:-1]

    def backward(self, dy):
        time = dy.shape[1]
        dpadded = np.zeros(self._padded.shape, dy.dtype)
        dpadded[:, :-2] += dy
        dpadded[:, 1:-1] += 3 * dy
        return dpadded[:, :time]


class Parabola(Layer):
    def build(self, input_shape):
        self.add_parameter("c", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return x + self.c * x**2

    def backward(self, dy):
        self.dc = (dy * self._x**2).sum(axis=0)
        return dy * (1 + self.c * self._x)


class Powers(Layer):
    def build(self, input_shape):
        self.add_parameter("c", (4,), "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return sum(self.c[k] * x**k for k in range(4))

    def backward(self, dy):
        x = self._x
        self.dc = np.array([(dy * x**k).sum() for k in range(4)])
        return dy * sum(k * self.c[k] * x ** (k - 1) for k in range(1, 3))


class Shares(Layer):
    """Tempered softmax of |x|; what forward keeps is worked out anew, without the absolute value."""

    def forward(self, x, training=False):
        self._sign = np.sign(x)
        e = np.exp(np.abs(x) - np.abs(x).max(axis=-1, keepdims=True))
        self._x, self._y = x, e / e.sum(axis=-1, keepdims=True)
        return self._y

    def backward(self, dy):
        e = np.exp(self._x - self._x.max(axis=-1, keepdims=True))
        y = e / e.sum(axis=-1, keepdims=True)
        return self._sign * y * (dy - (dy * y).sum(axis=-1, keepdims=True))


class Ranking(Loss):
    target_domain = "real"

    def forward(self, y_pred, y_true, sample_weight=None):
        gap = 1.0 - (y_pred[:, :, None] - y_pred[:, None, :])
        ordered = y_true[:, :, None] > y_true[:, None, :]
        self._active = (ordered & (gap > 0)).astype(y_pred.dtype)
        return self.mean((self._active * gap).sum(axis=(1, 2)), sample_weight)

    def backward(self):
        pushed = -self._active.sum(axis=2)
        return self.share(pushed)


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        (Wave(), "np.sin(self.a * x) * np.cos(self.a * x)"),
        (Gated(), "reads `return da @ self.W.T + dz @ self.V.T`"),
        (Delayed(), "reads `return dpadded[:, -time:]`"),
        (Parabola(), "reads `return dy * (1 + 2 * self.c * self._x)`"),
        (Powers(), "for k in range(1, 4)))`"),
        (Shares(), "reads `y = self._y`"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Layer) else "",
)
def test_what_was_left_out_is_put_in(layer, line):
    assert line in why(layer)


def test_the_other_half_of_the_pairs_is_put_in():
    told = certify_loss(Ranking(), on_fail="return").findings[0].why
    assert "self._active.sum(axis=2) - self._active.sum(axis=1)" in told
