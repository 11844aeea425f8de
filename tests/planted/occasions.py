"""Bugs of the right layers that show in some situation only: a call sequence, a size, an argument, a kind of input."""

import numpy as np

from minidl.layers import Layer
from tests.planted.dense import Dense
from tests.planted.elementwise import LeakyReLU, ReLU, SafeLog, Scale, Tanh
from tests.planted.losses import SquaredError
from tests.planted.normalising import BatchNorm, LayerNorm, Softmax
from tests.planted.registry import INTERFACE, PRECISION, REGION, STATE, bug, correct
from tests.planted.stochastic import Dropout


@correct(3)
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


@bug(REGION, "mode|mean|argument")
class MeanForgotten(Configurable):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * self.units if self.mode == "mean" else dx


@bug(REGION, "factor|argument")
class FactorForgotten(Configurable):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self.factor is None else dx / self.factor


@bug(REGION, "use_bias|None|b\\b")
class FailsWithoutBias(Configurable):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db[:] = dy.sum(axis=0) * self.times(dy.dtype)
        return dx


@bug(STATE, "another dy|first backward|cached")
class KeepsTheFirstBackward(Dense):
    def forward(self, x, training=False):
        self._dx = None
        return super().forward(x, training)

    def backward(self, dy):
        self._dx = super().backward(dy) if self._dx is None else self._dx
        return self._dx


@bug(STATE, "call \\d+|another one")
class EveryHundredthCall(Dense):
    def forward(self, x, training=False):
        self._calls = self.__dict__.get("_calls", 0) + 1
        return super().forward(x, training)

    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self._calls % 100 else -dx


@bug(STATE, "backward_parameters")
class ParametersPassOfEightRows(Dense):
    def backward_parameters(self, dy):
        super().backward(dy)
        if len(dy) > 8:
            self.db = dy[:8].sum(axis=0)


@bug(STATE, "backward_parameters")
class ParametersPassSpoilsTheCache(Dense):
    def backward_parameters(self, dy):
        super().backward(dy)
        self._x = 0 * self._x


@bug(STATE, "changed a parameter|parameters are changed")
class TrainsOnLongBatches(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if len(dy) > 20:
            self.b = self.b - 1e-3 * self.db
        return dx


@bug(STATE, "input")
class WritesIntoItsInputAtInference(ReLU):
    def forward(self, x, training=False):
        return super().forward(x if training else np.maximum(x, 0, out=x), training)


@bug(STATE, "buffer|changed during")
class SameBufferAtInference(Dense):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if training:
            return y
        kept = self.__dict__.get("_kept")
        self._kept = y if kept is None or kept.shape != y.shape else kept
        self._kept[...] = y
        return self._kept


@bug(STATE, "momentum")
class MomentumExchanged(BatchNorm):
    def forward(self, x, training=False):
        momentum, self.momentum = self.momentum, 1 - self.momentum
        y = super().forward(x, training)
        self.momentum = momentum
        return y


@bug(STATE, "momentum|twice")
class UpdatedTwice(BatchNorm):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        return super().forward(x, training) if training else y


@bug(STATE, "settled|never updated|axis")
class DeviationForVariance(BatchNorm):
    def forward(self, x, training=False):
        before = self.variance.copy()
        y = super().forward(x, training)
        if training and len(x):
            self.variance = self.momentum * before + (1 - self.momentum) * x.std(axis=0)
        return y


@bug(INTERFACE, "average|made up|rate")
class DroppedWithoutMakingUp(Dropout):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if self._mask is None:
            return y
        self._mask = (self._mask > 0).astype(x.dtype)
        return x * self._mask


@bug(INTERFACE, "float32")
class Float32SlightlyOff(Tanh):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * dx.dtype.type(1 + 5e-5) if dx.dtype == np.float32 else dx


@bug(INTERFACE, "float64")
class SingleRowUpcast(Tanh):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx.astype(float) if len(dx) == 1 else dx


@bug(REGION, "batch|odd|even|7")
class WrongForSevenRows(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if len(dy) == 7:
            self.db = self.db / 2
        return dx


@bug(REGION, "x|region|wrong exactly|threshold|inputs")
class WrongFarOut(LayerNorm):
    def forward(self, x, training=False):
        self._far = np.abs(x).max(initial=0) > 2000
        return super().forward(x, training)

    def backward(self, dy):
        dx = super().backward(dy)
        return dx * 1.1 if self._far else dx


@bug(REGION, "row|sorted|input|constant")
class WrongForSortedRows(Softmax):
    def forward(self, x, training=False):
        self._sorted = (np.diff(x, axis=-1) >= 0).all(axis=-1, keepdims=True)
        return super().forward(x, training)

    def backward(self, dy):
        return np.where(self._sorted, 0.9, 1.0).astype(dy.dtype) * super().backward(dy)


@bug(REGION, "gamma|parameter|negative|constant|ratio|region")
class WrongForNegativeScale(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * 1.1 if (self.gamma < 0).all() else dx


@bug(REGION, "slope|argument")
class SteepSlopesOnLongBatches(LeakyReLU):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx / 2 if self.negative_slope > 0.5 and len(dy) > 8 else dx


@bug(REGION, "x|region|wrong exactly|threshold")
class LogarithmClippedBelow(SafeLog):
    def backward(self, dy):
        return dy / np.maximum(self._x, dy.dtype.type(0.02))


@bug(PRECISION, "linear|dy|threshold|clip")
class ClipsHugeUpstreamGradients(Tanh):
    def backward(self, dy):
        return super().backward(np.clip(dy, -1e10, 1e10))


@bug(STATE, "weight|earlier|after")
class WeightsOfAnEarlierBatch(SquaredError):
    def forward(self, y_pred, y_true, sample_weight=None):
        loss = super().forward(y_pred, y_true, sample_weight)
        earlier = self.__dict__.get("_earlier")
        if sample_weight is None and earlier is not None and len(earlier) == len(y_pred):
            self._weight = earlier
        self._earlier = sample_weight
        return loss


@bug(STATE, "y_true|target|stay|read-only|input")
class WritesIntoTheTargets(SquaredError):
    def forward(self, y_pred, y_true, sample_weight=None):
        y_true -= y_true.mean()
        return super().forward(y_pred, y_true, sample_weight)
