"""Layers that are right in every situation, and bugs that show in one only: further axes, long batches, tiny inputs."""

import warnings

import numpy as np

from minidl.layers import Layer
from tests.planted.dense import Dense
from tests.planted.elementwise import Sigmoid, Tanh
from tests.planted.normalising import BatchNorm
from tests.planted.registry import FORMULA, INTERFACE, REGION, STATE, bug, correct


@correct(3)
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


@bug(REGION, "further axes")
class BiasOfTheLastStep(Projection):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = (dy if dy.ndim == 2 else dy[:, -1]).sum(axis=0)
        return dx


@bug(REGION, "further axes")
class WeightsAveragedOverSteps(Projection):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self.dW / np.prod(dy.shape[1:-1])
        return dx


@bug(REGION, "axis of length 1 is squeezed")
class OneUnitSqueezed(Dense):
    def forward(self, x, training=False):
        y = super().forward(x)
        return y[:, 0] if self.units == 1 else y

    def backward(self, dy):
        return super().backward(dy.reshape(len(dy), self.units))


@bug(REGION, "right for batch <= 3276|batch of more than 3276")
class BudgetOfNumbers(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        rows = 2**14 // self.units
        self.dW = self._x[:rows].T @ dy[:rows]
        return dx


@correct()
class Saturation(Layer):
    """``y = sign(x) (1 - exp(-abs(x)))``."""

    def forward(self, x, training=False):
        self._x = x
        return np.sign(x) * -np.expm1(-np.abs(x))

    def backward(self, dy):
        return dy * np.exp(-np.abs(self._x))


@correct()
class Simplex(Layer):
    """The nearest point with positive entries that sum to one, of each row (sparsemax)."""

    def forward(self, x, training=False):
        x = x - x.max(axis=-1, keepdims=True)
        ordered = -np.sort(-x, axis=-1)
        count = np.arange(1, x.shape[-1] + 1)
        sums = np.cumsum(ordered, axis=-1)
        size = (1 + count * ordered > sums).sum(axis=-1, keepdims=True)
        level = (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size
        y = np.maximum(x - level, 0).astype(x.dtype if x.dtype.kind == "f" else float)
        self._inside = y > 0
        return y

    def backward(self, dy):
        inside = self._inside
        means = (dy * inside).sum(axis=-1, keepdims=True) / np.maximum(1, inside.sum(axis=-1, keepdims=True))
        return ((dy - means) * inside).astype(dy.dtype)


@bug(INTERFACE, "integers are truncated")
class SimplexOfIntegers(Simplex):
    def forward(self, x, training=False):
        return super().forward(x).astype(x.dtype)


@correct()
class MixRows(Layer):
    """In training each row is mixed with one that is drawn for it."""

    stochastic = True

    def forward(self, x, training=False):
        self._other = self.rng.permutation(len(x)) if training else np.arange(len(x))
        return 0.7 * x + 0.3 * x[self._other]

    def backward(self, dy):
        dx = 0.7 * dy
        dx[self._other] += 0.3 * dy
        return dx


@bug(FORMULA, "permut|transpose|argsort")
class MixRowsGathers(MixRows):
    def backward(self, dy):
        return 0.7 * dy + 0.3 * dy[self._other]


@bug(STATE, "statistics of the batch")
class StatisticsOfTheBatch(BatchNorm):
    def forward(self, x, training=False):
        kept = self.mean.copy(), self.variance.copy()
        y = super().forward(x, len(x) > 0)
        if not training:
            self.mean, self.variance = kept
        return y


@bug(STATE, "leading underscore")
class KeepsTheBatch(Dense):
    def forward(self, x, training=False):
        self.inputs = x
        return super().forward(x)


@bug(INTERFACE, "errstate")
class SilencesErrors(Tanh):
    def forward(self, x, training=False):
        np.seterr(over="ignore")
        return super().forward(x)


@bug(INTERFACE, "catch_warnings")
class SilencesWarnings(Sigmoid):
    def build(self, input_shape):
        warnings.simplefilter("ignore")
        return super().build(input_shape)


@bug(INTERFACE, "printoptions")
class PrintsBriefly(Dense):
    def backward(self, dy):
        np.set_printoptions(precision=3)
        return super().backward(dy)
