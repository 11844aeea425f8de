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


@bug(FORMULA, "batch size|division by m|3")
class NotDividedByM(SquaredError):
    def backward(self):
        return super().backward() * len(self._y_pred)


@bug(FORMULA, r"0\.5|1/2")
class SquaredErrorTwoForgotten(SquaredError):
    def slopes(self, y, t):
        return (y - t) / y.shape[-1]


@bug(FORMULA, "-1|sign")
class SquaredErrorSign(SquaredError):
    def slopes(self, y, t):
        return 2 * (t - y) / y.shape[-1]


@bug(FORMULA, "outputs|constant|3|size")
class OutputsNotAveraged(SquaredError):
    def slopes(self, y, t):
        return 2 * (y - t)


@bug(REGION, "sample_weight|weight")
class WeightsIgnoredInBackward(SquaredError):
    def backward(self):
        self._weight = np.ones_like(self._weight)
        return super().backward()


@bug(REGION, "sample_weight|weight|negative|sum")
class DividedByTheSumOfWeights(SquaredError):
    def backward(self):
        return super().backward() * len(self._weight) / self._weight.sum()


@bug(STATE, "y_pred|input|changed|read-only|-=")
class WritesIntoThePredictions(SquaredError):
    def forward(self, y_pred, y_true, sample_weight=None):
        y_pred -= y_true
        return super().forward(y_pred + y_true, y_true, sample_weight)


@bug(STATE, "earlier|stale|fresh|first|instances|identical")
class FirstTargetsKept(SquaredError):
    def forward(self, y_pred, y_true, sample_weight=None):
        loss = super().forward(y_pred, y_true, sample_weight)
        first = self.__dict__.setdefault("_first", y_true)
        self._y_true = first if first.shape == y_true.shape else y_true
        return loss


@bug(INTERFACE, "dtype|float64|float32")
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


@bug(FORMULA, "missing|equals|y_true|-t|target|softmax|term")
class OnlyTheTargets(CrossEntropyOfLogits):
    def slopes(self, y, t):
        return -t


@bug(INTERFACE, "finite|overflow")
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


@bug(REGION, "delta|argument|default")
class DeltaHardCoded(Huber):
    def slopes(self, y, t):
        return np.clip(y - t, -1.0, 1.0) / y.shape[-1]


@bug(FORMULA, "y_pred|large|x|wrong exactly where|delta|region|interval|error")
class HuberNeverLinear(Huber):
    def slopes(self, y, t):
        return (y - t) / y.shape[-1]


@bug(FORMULA, "sign|x|wrong exactly where|region|where|no hypothesis")
class HuberOneSided(Huber):
    def slopes(self, y, t):
        return np.minimum(y - t, self.delta) / y.shape[-1]


@correct(shape=(1,))
class BinaryCrossEntropyOfLogits(PlantedLoss):
    def terms(self, y, t):
        return (np.maximum(y, 0) - y * t + np.log1p(np.exp(-np.abs(y)))).mean(axis=-1)

    def slopes(self, y, t):
        return (0.5 * (1 + np.tanh(0.5 * y)) - t) / y.shape[-1]


@bug(FORMULA, "missing|sigmoid|derivative|y|factor|ratio")
class SigmoidDerivativeTwice(BinaryCrossEntropyOfLogits):
    def slopes(self, y, t):
        s = 0.5 * (1 + np.tanh(0.5 * y))
        return (s - t) * s * (1 - s) / y.shape[-1]


@bug(PRECISION, r"clip|x > \d|approximat|right to")
class ProbabilitiesClipped(BinaryCrossEntropyOfLogits):
    def slopes(self, y, t):
        return (np.clip(0.5 * (1 + np.tanh(0.5 * y)), 0.01, 0.99) - t) / y.shape[-1]


@bug(INTERFACE, "finite|overflow")
class LogitOverflows(BinaryCrossEntropyOfLogits):
    def terms(self, y, t):
        return (np.log(1 + np.exp(y)) - y * t).mean(axis=-1)
