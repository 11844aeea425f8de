"""Losses that are right, and their bugs."""

import numpy as np

from minidl.losses import Loss
from tests.planted.registry import FORMULA, INTERFACE, PRECISION, REGION, STATE, bug, correct


class PlantedLoss(Loss):
    """Abstract: `terms` gives one number a row, `slopes` its derivative."""

    def forward(self, y_pred, y_true, sample_weight=None):
        self._y_pred, self._y_true = y_pred, y_true
        self._weight = np.ones(len(y_pred), y_pred.dtype) if sample_weight is None else sample_weight
        return float((self.terms(y_pred, y_true) * self._weight).sum() / max(1, len(y_pred)))

    def backward(self):
        slopes = self.slopes(self._y_pred, self._y_true)
        return (slopes * self._weight[:, None] / max(1, len(slopes))).astype(self._y_pred.dtype)


@correct(shape=(3,))
class SquaredError(PlantedLoss):
    def terms(self, y, t):
        return ((y - t) ** 2).mean(axis=-1)

    def slopes(self, y, t):
        return 2 * (y - t) / y.shape[-1]


@bug(FORMULA, "constant 3 = batch size")
class NotDividedByM(SquaredError):
    def backward(self):
        return super().backward() * len(self._y_pred)


@bug(FORMULA, r"constant 0\.5 = 1/2")
class SquaredErrorTwoForgotten(SquaredError):
    def slopes(self, y, t):
        return (y - t) / y.shape[-1]


@bug(FORMULA, "constant -1: wrong sign")
class SquaredErrorSign(SquaredError):
    def slopes(self, y, t):
        return 2 * (t - y) / y.shape[-1]


@bug(FORMULA, "length of axis 1 of x")
class OutputsNotAveraged(SquaredError):
    def slopes(self, y, t):
        return 2 * (y - t)


@bug(REGION, "sample_weight.* is missing")
class WeightsIgnoredInBackward(SquaredError):
    def backward(self):
        self._weight = np.ones_like(self._weight)
        return super().backward()


@bug(REGION, "sum of sample_weight|returns dx in float64")
class DividedByTheSumOfWeights(SquaredError):
    def backward(self):
        return super().backward() * len(self._weight) / self._weight.sum()


@bug(STATE, "writes into its input|y_pred to stay")
class WritesIntoThePredictions(SquaredError):
    def forward(self, y_pred, y_true, sample_weight=None):
        y_pred -= y_true
        return super().forward(y_pred + y_true, y_true, sample_weight)


@bug(STATE, r"self\._first")
class FirstTargetsKept(SquaredError):
    def forward(self, y_pred, y_true, sample_weight=None):
        loss = super().forward(y_pred, y_true, sample_weight)
        first = self.__dict__.setdefault("_first", y_true)
        self._y_true = first if first.shape == y_true.shape else y_true
        return loss


@bug(INTERFACE, "returns dx in float64")
class LossGradientInFloat64(SquaredError):
    def backward(self):
        return super().backward().astype("float64")


@correct(shape=(3,))
class CrossEntropyOfLogits(PlantedLoss):
    def probabilities(self, y):
        e = np.exp(y - y.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def terms(self, y, t):
        top = y.max(axis=-1, keepdims=True)
        return (t * (top + np.log(np.exp(y - top).sum(axis=-1, keepdims=True)) - y)).sum(axis=-1)

    def slopes(self, y, t):
        return self.probabilities(y) * t.sum(axis=-1, keepdims=True) - t


@bug(FORMULA, r"expected \(softmax\(y_pred\) - y_true\) / batch size")
class OnlyTheTargets(CrossEntropyOfLogits):
    def slopes(self, y, t):
        return -t


@bug(INTERFACE, "not finite at 800")
class LogitsOverflow(CrossEntropyOfLogits):
    def terms(self, y, t):
        return (t * (np.log(np.exp(y).sum(axis=-1, keepdims=True)) - y)).sum(axis=-1)


@correct(1.0, shape=(3,))
class Huber(PlantedLoss):
    def __init__(self, delta=1.0):
        self.delta = delta

    def terms(self, y, t):
        a = np.abs(y - t)
        return np.where(a <= self.delta, 0.5 * a**2, self.delta * (a - 0.5 * self.delta)).mean(axis=-1)

    def slopes(self, y, t):
        return np.clip(y - t, -self.delta, self.delta) / y.shape[-1]


@bug(REGION, "delta is hard-coded")
class DeltaHardCoded(Huber):
    def slopes(self, y, t):
        return np.clip(y - t, -1.0, 1.0) / y.shape[-1]


@bug(FORMULA, r"\|?\(?y_pred - y_true\)?\|? > 1|beyond .*delta")
class HuberNeverLinear(Huber):
    def slopes(self, y, t):
        return (y - t) / y.shape[-1]


@bug(FORMULA, r"y_pred - y_true\)? < -1")
class HuberOneSided(Huber):
    def slopes(self, y, t):
        return np.minimum(y - t, self.delta) / y.shape[-1]


@correct(shape=(1,))
class BinaryCrossEntropyOfLogits(PlantedLoss):
    def terms(self, y, t):
        return (np.maximum(y, 0) - y * t + np.log1p(np.exp(-np.abs(y)))).mean(axis=-1)

    def slopes(self, y, t):
        return (0.5 * (1 + np.tanh(0.5 * y)) - t) / y.shape[-1]


@bug(FORMULA, r"sigmoid'\(x\) is a factor too many")
class SigmoidDerivativeTwice(BinaryCrossEntropyOfLogits):
    def slopes(self, y, t):
        s = 0.5 * (1 + np.tanh(0.5 * y))
        return (s - t) * s * (1 - s) / y.shape[-1]


@bug(PRECISION, r"wrong exactly where \|x\| > 4\.\d")
class ProbabilitiesClipped(BinaryCrossEntropyOfLogits):
    def slopes(self, y, t):
        return (np.clip(0.5 * (1 + np.tanh(0.5 * y)), 0.01, 0.99) - t) / y.shape[-1]


@bug(INTERFACE, "not finite at 800")
class LogitOverflows(BinaryCrossEntropyOfLogits):
    def terms(self, y, t):
        return (np.log(1 + np.exp(y)) - y * t).mean(axis=-1)
