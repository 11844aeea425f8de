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


@bug(REGION, "wrong for mode='mean'.*= units")
class MeanForgotten(Configurable):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * self.units if self.mode == "mean" else dx


@bug(REGION, "1/factor")
class FactorForgotten(Configurable):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self.factor is None else dx / self.factor


@bug(REGION, "wrong for use_bias=False")
class FailsWithoutBias(Configurable):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db[:] = dy.sum(axis=0) * self.times(dy.dtype)
        return dx


@bug(STATE, "kept from the first backward")
class KeepsTheFirstBackward(Dense):
    def forward(self, x, training=False):
        self._dx = None
        return super().forward(x, training)

    def backward(self, dy):
        self._dx = super().backward(dy) if self._dx is None else self._dx
        return self._dx


@bug(STATE, "at call 100")
class EveryHundredthCall(Dense):
    def forward(self, x, training=False):
        self._calls = self.__dict__.get("_calls", 0) + 1
        return super().forward(x, training)

    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self._calls % 100 else -dx


@bug(STATE, "backward_parameters.*(8 rows|rows 8|batch <= 8|contribution)")
class ParametersPassOfEightRows(Dense):
    def backward_parameters(self, dy):
        super().backward(dy)
        if len(dy) > 8:
            self.db = dy[:8].sum(axis=0)


@bug(STATE, "after backward_parameters|backward_parameters (changes|spoils)")
class ParametersPassSpoilsTheCache(Dense):
    def backward_parameters(self, dy):
        super().backward(dy)
        self._x = 0 * self._x


@bug(STATE, "changed the parameter b")
class TrainsOnLongBatches(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if len(dy) > 20:
            self.b = self.b - 1e-3 * self.db
        return dx


@bug(STATE, "forward writes into its input")
class WritesIntoItsInputAtInference(ReLU):
    def forward(self, x, training=False):
        return super().forward(x if training else np.maximum(x, 0, out=x), training)


@bug(STATE, "the same buffer is returned")
class SameBufferAtInference(Dense):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if training:
            return y
        kept = self.__dict__.get("_kept")
        self._kept = y if kept is None or kept.shape != y.shape else kept
        self._kept[...] = y
        return self._kept


@bug(STATE, "momentum and 1 - momentum are exchanged")
class MomentumExchanged(BatchNorm):
    def forward(self, x, training=False):
        momentum, self.momentum = self.momentum, 1 - self.momentum
        y = super().forward(x, training)
        self.momentum = momentum
        return y


@bug(STATE, "update is made twice")
class UpdatedTwice(BatchNorm):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        return super().forward(x, training) if training else y


@bug(STATE, "settled|not the variance")
class DeviationForVariance(BatchNorm):
    def forward(self, x, training=False):
        before = self.variance.copy()
        y = super().forward(x, training)
        if training and len(x):
            self.variance = self.momentum * before + (1 - self.momentum) * x.std(axis=0)
        return y


@bug(INTERFACE, "made up for|compensate")
class DroppedWithoutMakingUp(Dropout):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if self._mask is None:
            return y
        self._mask = (self._mask > 0).astype(x.dtype)
        return x * self._mask


@bug(INTERFACE, "dx of a float32 layer differs from that of its float64 clone")
class Float32SlightlyOff(Tanh):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * dx.dtype.type(1 + 5e-5) if dx.dtype == np.float32 else dx


@bug(INTERFACE, "in float64.*1 rows?|one row|single row|in float64")
class SingleRowUpcast(Tanh):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx.astype(float) if len(dx) == 1 else dx


@bug(REGION, "wrong for batch size 7 only")
class WrongForSevenRows(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if len(dy) == 7:
            self.db = self.db / 2
        return dx


@bug(REGION, r"inputs times 1000.*constant 1\.1")
class WrongFarOut(LayerNorm):
    def forward(self, x, training=False):
        self._far = np.abs(x).max(initial=0) > 2000
        return super().forward(x, training)

    def backward(self, dy):
        dx = super().backward(dy)
        return dx * 1.1 if self._far else dx


@bug(REGION, "in rising order|where .* is sorted")
class WrongForSortedRows(Softmax):
    def forward(self, x, training=False):
        self._sorted = (np.diff(x, axis=-1) >= 0).all(axis=-1, keepdims=True)
        return super().forward(x, training)

    def backward(self, dy):
        return np.where(self._sorted, 0.9, 1.0).astype(dy.dtype) * super().backward(dy)


@bug(REGION, "negative parameters")
class WrongForNegativeScale(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * 1.1 if (self.gamma < 0).all() else dx


@bug(REGION, "wrong for negative_slope")
class SteepSlopesOnLongBatches(LeakyReLU):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx / 2 if self.negative_slope > 0.5 and len(dy) > 8 else dx


@bug(REGION, r"inputs times 0\.001.*equals 50\*dy|x < 0\.02")
class LogarithmClippedBelow(SafeLog):
    def backward(self, dy):
        return dy / np.maximum(self._x, dy.dtype.type(0.02))


@bug(PRECISION, "look for clipping")
class ClipsHugeUpstreamGradients(Tanh):
    def backward(self, dy):
        return super().backward(np.clip(dy, -1e10, 1e10))


@bug(STATE, r"self\._earlier")
class WeightsOfAnEarlierBatch(SquaredError):
    def forward(self, y_pred, y_true, sample_weight=None):
        loss = super().forward(y_pred, y_true, sample_weight)
        earlier = self.__dict__.get("_earlier")
        if sample_weight is None and earlier is not None and len(earlier) == len(y_pred):
            self._weight = earlier
        self._earlier = sample_weight
        return loss


@bug(STATE, "y_true to stay|writes into y_true")
class WritesIntoTheTargets(SquaredError):
    def forward(self, y_pred, y_true, sample_weight=None):
        y_true -= y_true.mean()
        return super().forward(y_pred, y_true, sample_weight)
