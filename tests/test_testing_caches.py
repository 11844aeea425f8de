"""The certification kit names the attribute that carries something over, and how far a gradient is carried back."""

import numpy as np
import pytest

from minidl import Layer
from minidl.testing import certify
from minidl.testing.diagnosis.when.caches import stale_attribute
from minidl.testing.probe import Point
from minidl.testing.subject import Subject


class Cached(Layer):
    """tanh with its derivative kept; the variants below keep too much, or too little."""

    def forward(self, x, training=False):
        self._x = x
        return np.tanh(x)

    def backward(self, dy):
        return dy * (1 - np.tanh(self._x) ** 2)


class KeyedOnTheShape(Cached):
    def forward(self, x, training=False):
        if getattr(self, "_slope", np.zeros(0)).shape != x.shape:
            self._slope = 1 - np.tanh(x) ** 2
        return super().forward(x, training)

    def backward(self, dy):
        return dy * self._slope


class SpoilsItsCache(Cached):
    def backward(self, dy):
        self._x = np.tanh(self._x)
        return dy * (1 - self._x**2)


class DrawsInBackward(Cached):
    stochastic = True

    def forward(self, x, training=False):
        return x * (self.rng.random(x.shape) < 0.5) if training else x

    def backward(self, dy):
        return dy * (self.rng.random(dy.shape) < 0.5)


class ChangesItsArgument(Layer):
    def __init__(self, rate=0.5):
        self.rate = rate

    def forward(self, x, training=False):
        self.rate = 0.9 * self.rate
        self._rate = self.rate
        return self.rate * x

    def backward(self, dy):
        return self._rate * dy


class KeepsItInADictionary(Cached):
    def __init__(self):
        self.cache = {}

    def forward(self, x, training=False):
        self.cache["x"] = x
        return np.tanh(x)

    def backward(self, dy):
        return dy * (1 - np.tanh(self.cache["x"]) ** 2)


class KeyedOnTheArray(Cached):
    def forward(self, x, training=False):
        if getattr(self, "_key", None) != id(x):
            self._key, self._y = id(x), np.tanh(x)
        self._x = x
        return self._y.copy()


class SetInTrainingOnly(Cached):
    def forward(self, x, training=False):
        if training:
            self._x = x
        return np.tanh(x)


class WorksOutTheGainOnce(Cached):
    def __init__(self):
        self.gain = None

    def build(self, input_shape):
        self.add_state("level", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        self._gain = self.level.copy()
        if training:
            self.level = 0.9 * self.level + 0.1 * x.std()
        else:
            self.gain = self.level.copy() if self.gain is None else self.gain
            self._gain = self.gain
        return self._gain * np.tanh(x)

    def backward(self, dy):
        return self._gain * super().backward(dy)


class ScalesInPlace(Cached):
    def build(self, input_shape):
        self.add_parameter("a", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return self.a * np.tanh(x)

    def backward(self, dy):
        self.da = (dy * np.tanh(self._x)).sum(axis=0)
        a = self.a
        a *= 2
        return a * super().backward(dy) / 2


class LosesTheBatchAxis(Cached):
    def backward(self, dy):
        return super().backward(dy).squeeze()


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (KeyedOnTheShape(), "self._slope holds something from the call before"),
        (SpoilsItsCache(), "backward changes self._x, which forward keeps for it"),
        (DrawsInBackward(), "backward draws random numbers: it has to use those that forward drew"),
        (ChangesItsArgument(), "a call changes self.rate, which belongs to the constructor"),
        (KeepsItInADictionary(), "self.cache, one dict for a layer and its twins"),
        (KeyedOnTheArray(), "self._key holds something from the call before"),
        (SetInTrainingOnly(), "forward sets self._x in some calls only, such as in training"),
        (WorksOutTheGainOnce(), "a call changes self.gain, which belongs to the constructor"),
        (ScalesInPlace(), "an operation in place, such as *=, changes a itself"),
        (LosesTheBatchAxis(), "the batch axis is lost where there is one row"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Layer) else "",
)
def test_what_carries_over_is_named(layer, words):
    assert words in certify(layer, on_fail="return", input_shape=(4,)).findings[0].why


def test_an_address_that_is_remembered_is_named_whatever_the_memory_does():
    layer = Subject(KeyedOnTheArray())
    point = Point(np.ones((3, 4)), np.ones((3, 4)), {}, {})
    told = stale_attribute(lambda: layer.at(point), lambda _: None, point)
    assert told.startswith("self._key holds something from the call before: the address of x")


class Recurrence(Layer):
    """h_t = tanh(x_t + w h_(t-1)), of which the last is returned; carried back for two steps only."""

    def build(self, input_shape):
        self.add_parameter("w", (input_shape[1],), "ones")
        return input_shape[1:]

    def forward(self, x, training=False):
        h = np.zeros((len(x), x.shape[1] + 1, x.shape[2]), x.dtype)
        for t in range(x.shape[1]):
            h[:, t + 1] = np.tanh(x[:, t] + self.w * h[:, t])
        self._h = h
        return h[:, -1].copy()

    def backward(self, dy):
        h, carry = self._h, dy
        dx = np.zeros((len(dy), h.shape[1] - 1, h.shape[2]), dy.dtype)
        dw = np.zeros_like(self.w)
        for t in (h.shape[1] - 2, h.shape[1] - 3):
            dz = carry * (1 - h[:, t + 1] ** 2)
            dw += (h[:, t] * dz).sum(axis=0)
            dx[:, t] = dz
            carry = dz * self.w
        self.dw = dw
        return dx


def test_a_recursion_that_is_cut_is_told_as_such():
    told = certify(Recurrence(), on_fail="return", input_shape=(5, 3)).findings[0].why
    assert "(all but the last 2: what is carried back from step to step) of 5" in told
