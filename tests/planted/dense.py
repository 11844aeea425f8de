"""Dense, a residual block around it, and their bugs."""

import numpy as np

from minidl.layers import Layer
from tests.planted.registry import FORMULA, INTERFACE, PRECISION, REGION, STATE, bug, correct


@correct(5)
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


@bug(FORMULA, "never (computed|stored|set)|identically zero")
class NoBiasGradient(Dense):
    def backward(self, dy):
        self.dW = self._x.T @ dy
        return dy @ self.W.T


@bug(FORMULA, "identically zero")
class WeightGradientZero(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = np.zeros_like(self.W)
        return dx


@bug(FORMULA, "1/batch size")
class MeanForTheBias(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.mean(axis=0)
        return dx


@bug(FORMULA, "1/batch size")
class WeightsDividedByTheBatch(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self._x.T @ dy / len(dy)
        return dx


@bug(REGION, "square layer: a transpose")
class NoTransposeInDx(Dense):
    def backward(self, dy):
        super().backward(dy)
        return dy @ self.W


@bug(FORMULA, r"W\.T", arguments=(4,))
class SquareOnlyWithoutTranspose(Dense):
    """Hidden from a shape check where the layer is square; built for other shapes it raises."""

    def build(self, input_shape):
        self.units = input_shape[0]
        return super().build(input_shape)

    def backward(self, dy):
        super().backward(dy)
        return dy @ self.W


@bug(FORMULA, "transposed: a transpose is missing", arguments=(4,))
class SquareWeightsTransposed(Dense):
    def build(self, input_shape):
        self.units = input_shape[0]
        return super().build(input_shape)

    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = dy.T @ self._x
        return dx


@bug(FORMULA, r"-1\b.*sign")
class MinusDx(Dense):
    def backward(self, dy):
        return -super().backward(dy)


@bug(FORMULA, "total of the right ones")
class TotalForTheBias(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = np.full_like(self.b, dy.sum())
        return dx


@bug(FORMULA, r"expected \(5,\)|summing axis")
class BiasGradientNotReduced(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy
        return dx


@bug(FORMULA, "reversed along axis 0")
class RowsOfDxReversed(Dense):
    def backward(self, dy):
        return super().backward(dy)[::-1]


@bug(FORMULA, "cumulative sum along axis 0")
class RowsOfDxMixed(Dense):
    def backward(self, dy):
        return np.cumsum(super().backward(dy), axis=0)


@bug(FORMULA, "constant 2: counted twice")
class TwiceTheWeights(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = 2 * self.dW
        return dx


@bug(FORMULA, r"0\.001\*W, a multiple of W")
class WeightDecayInTheGradient(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self.dW + 1e-3 * self.W
        return dx


@bug(PRECISION, r"1e-06\*W, a multiple of W")
class TinyWeightDecay(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self.dW + 1e-6 * self.W
        return dx


@bug(FORMULA, "does not depend on dy")
class IgnoresTheUpstreamGradient(Dense):
    def backward(self, dy):
        return super().backward(np.ones_like(dy))


@bug(FORMULA, "look for clipping")
class ClipsTheUpstreamGradient(Dense):
    def backward(self, dy):
        return super().backward(np.clip(dy, -1, 1))


@bug(REGION, "look for clipping")
class ClipsLargeUpstreamGradients(Dense):
    def backward(self, dy):
        return super().backward(np.clip(dy, -100, 100))


@bug(FORMULA, "look for normalisation")
class NormalisesTheUpstreamGradient(Dense):
    def backward(self, dy):
        return super().backward(dy / max(1.0, np.linalg.norm(dy)))


@bug(REGION, "small upstream gradients are dropped")
class DropsSmallUpstreamGradients(Dense):
    def backward(self, dy):
        return super().backward(np.where(np.abs(dy) < 1e-3, 0, dy))


@bug(REGION, r"right for dy that sums to zero along axis 1|mean\(dy")
class SubtractsTheMeanOfDy(Dense):
    def backward(self, dy):
        super().backward(dy)
        return (dy - dy.mean(axis=-1, keepdims=True)) @ self.W.T


@bug(REGION, "batch <= 8|batch size (8|9)")
class ChunksDropTheTail(Dense):
    def backward(self, dy):
        whole = len(dy) - len(dy) % 8 if len(dy) > 8 else len(dy)
        dx = super().backward(dy)
        dx[whole:] = 0
        return dx


@bug(REGION, "batch <= 32")
class OnlyTheFirst32RowsCount(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy[:32].sum(axis=0)
        return dx


@bug(REGION, "wrong for batch size 1 only")
class BatchOfOneSqueezed(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if len(dy) == 1:
            self.dW = self.dW * 0
        return dx


@bug(REGION, "odd and even")
class OddBatchesWrong(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        half = len(dy) // 2
        self.dW = self._x[:half].T @ dy[:half] + self._x[half : 2 * half].T @ dy[half : 2 * half]
        return dx


@bug(REGION, r"W\.T.*transposed once too often|where the layer is square")
class SquareLayersWrong(Dense):
    def backward(self, dy):
        super().backward(dy)
        return dy @ (self.W if self.W.shape[0] == self.W.shape[1] else self.W.T)


@bug(REGION, "rows 8, .* of dW|more than 8 inputs")
class WideInputsTruncated(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self.dW * (np.arange(len(self.W)) < 8)[:, None]
        return dx


@bug(REGION, "wrong for units=1")
class OneUnitWrong(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * 2 if self.units == 1 else dx


@bug(FORMULA, "columns? 3 .*(zero there|zero)")
class LastColumnForgotten(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[:, -1] = 0
        return dx


@bug(FORMULA, "contribution of rows 0 of dy .* is missing")
class FirstRowForgotten(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy[1:].sum(axis=0)
        return dx


@bug(REGION, "W where it is positive, else 0")
class NegativeWeightsIgnored(Dense):
    def backward(self, dy):
        super().backward(dy)
        return dy @ np.maximum(self.W, 0).T


@bug(REGION, r"\|b\| > 0\.5")
class LargeBiasesWrong(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.sum(axis=0) * np.where(np.abs(self.b) > 0.5, 0.9, 1)
        return dx


@bug(STATE, "the gradient accumulates")
class AccumulatesWeights(Dense):
    def backward(self, dy):
        before = self.dW.copy()
        dx = super().backward(dy)
        self.dW = self.dW + np.nan_to_num(before)
        return dx


@bug(STATE, r"self\._total")
class AccumulatesInAPrivateSum(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self._total = self.__dict__.get("_total", 0) + dy.sum(axis=0)
        self.db = self._total
        return dx


@bug(STATE, r"self\._cache")
class CacheByBatchSize(Dense):
    def forward(self, x, training=False):
        cache = self.__dict__.setdefault("_cache", {})
        cache.setdefault(len(x), x)
        self._x = cache[len(x)]
        return x @ self.W + self.b


@bug(STATE, r"self\._memory")
class OutputCachedByShape(Dense):
    def forward(self, x, training=False):
        y = super().forward(x)
        memory = self.__dict__.setdefault("_memory", {})
        if x.shape in memory:
            self._x = memory[x.shape]
        if len(memory) < 2:
            memory[x.shape] = x.copy()
        return y


@bug(STATE, "stale|keeps something from its first call")
class TransposeCopiedAtFirstUse(Dense):
    def backward(self, dy):
        super().backward(dy)
        if "_WT" not in self.__dict__:
            self._WT = self.W.T.copy()
        return dy @ self._WT


@bug(STATE, "stale cache|keeps something from its first call")
class ForwardUsesAStaleBias(Dense):
    def forward(self, x, training=False):
        self._x = x
        if "_bias" not in self.__dict__:
            self._bias = self.b.copy()
        return x @ self.W + self._bias


@bug(STATE, "on the class")
class CacheOnTheClass(Dense):
    def forward(self, x, training=False):
        CacheOnTheClass._x = x
        return x @ self.W + self.b


@bug(STATE, "in a module")
class CacheInAGlobalDictionary(Dense):
    memory = {}

    def forward(self, x, training=False):
        self.memory["x"] = x
        return x @ self.W + self.b

    def backward(self, dy):
        self._x = self.memory["x"]
        return super().backward(dy)


@bug(STATE, "the same buffer is returned")
class OneOutputBuffer(Dense):
    def forward(self, x, training=False):
        self._x = x
        buffer = self.__dict__.get("_buffer")
        if buffer is None or buffer.shape != (len(x), self.units) or buffer.dtype != x.dtype:
            self._buffer = np.empty((len(x), self.units), x.dtype)
        np.matmul(x, self.W, out=self._buffer)
        self._buffer += self.b
        return self._buffer


@bug(STATE, "the same buffer is returned")
class OneDxBuffer(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        buffer = self.__dict__.get("_buffer")
        if buffer is None or buffer.shape != dx.shape or buffer.dtype != dx.dtype:
            self._buffer = np.empty_like(dx)
        self._buffer[...] = dx
        return self._buffer


@bug(STATE, "forward writes into its input")
class ForwardWritesIntoItsInput(Dense):
    def forward(self, x, training=False):
        x -= x.mean()
        return super().forward(x)


@bug(STATE, "writes into the upstream gradient")
class BackwardWritesIntoDy(Dense):
    def backward(self, dy):
        dy *= 1.0
        return super().backward(dy)


@bug(STATE, "changed a parameter|changed the parameter|changed parameter")
class BackwardUpdatesTheWeights(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.W -= 1e-3 * self.dW
        return dx


@bug(STATE, "changed a parameter|changed the parameter|changed parameter")
class ForwardNormalisesTheWeights(Dense):
    def forward(self, x, training=False):
        self.W /= np.linalg.norm(self.W)
        return super().forward(x)


@bug(STATE, r"changes self\._x")
class BackwardDropsTheCache(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self._x = np.zeros_like(self._x)
        return dx


@bug(STATE, r"self\.cache")
class PredictOverwritesTheCache(Dense):
    """The cache sits in an attribute that copies share."""

    def build(self, input_shape):
        self.cache = {}
        return super().build(input_shape)

    def forward(self, x, training=False):
        self.cache["x"] = x
        return x @ self.W + self.b

    def backward(self, dy):
        self._x = self.cache["x"]
        return super().backward(dy)


@bug(STATE, "share memory|view of|spoils its cache|same buffer|changed")
class DxIsTheCachedBuffer(Dense):
    """dx is written into the memory that the next backward reads."""

    def forward(self, x, training=False):
        y = super().forward(x)
        self._x = x.copy()
        return y

    def backward(self, dy):
        super().backward(dy)
        np.matmul(dy, self.W.T, out=self._x)
        return self._x


@bug(STATE, r"self\._calls")
class CountsCalls(Dense):
    def forward(self, x, training=False):
        self._calls = self.__dict__.get("_calls", 0) + 1
        return super().forward(x)

    def backward(self, dy):
        dx = super().backward(dy)
        return dx * (1.01 if self._calls > 3 else 1)


@bug(PRECISION, "random numbers")
class NoiseInBackward(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * (1 + 1e-9 * self.rng.standard_normal(dx.shape))


@bug(PRECISION, "representable in float32")
class WeightsThroughFloat32(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self.dW.astype("float32")
        return dx


@bug(PRECISION, "representable in float32")
class ProductsInFloat32(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW = self._x.astype("float32").T @ dy.astype("float32")
        return dx


@bug(PRECISION, "representable in float16")
class ThroughFloat16(Dense):
    def backward(self, dy):
        return super().backward(dy).astype("float16").astype(dy.dtype)


@bug(PRECISION, "rounded to 8 decimals")
class RoundedToEightDigits(Dense):
    def backward(self, dy):
        return np.round(super().backward(dy), 8)


@bug(PRECISION, "the constant 1e-09")
class TinyConstantAdded(Dense):
    def backward(self, dy):
        return super().backward(dy) + 1e-9


@bug(PRECISION, r"constant 1\.00000001")
class RatioOffByOneInTheEighthDigit(Dense):
    def backward(self, dy):
        return super().backward(dy) * (1 + 1e-8)


@bug(INTERFACE, "returns y in float64")
class UpcastsFloat32(Dense):
    def forward(self, x, training=False):
        self._x = x
        return x @ self.W + np.ones(1) * self.b


@bug(INTERFACE, "returns dx in float64")
class DxAlwaysFloat64(Dense):
    def backward(self, dy):
        return super().backward(dy).astype("float64")


@bug(INTERFACE, "integers are truncated")
class IntegerInputsTruncateTheOutput(Dense):
    def forward(self, x, training=False):
        self._x = x
        y = np.empty((len(x), self.units), x.dtype)
        y[...] = x @ self.W + self.b
        return y


@bug(INTERFACE, "only for C-contiguous memory")
class RavelsInMemoryOrder(Dense):
    def backward(self, dy):
        return super().backward(dy.ravel("K").reshape(dy.shape))


@bug(INTERFACE, "only for C-contiguous memory")
class TakesTheBufferOfX(Dense):
    """Reads the raw memory of x: right for C-contiguous arrays only."""

    def forward(self, x, training=False):
        y = super().forward(x)
        base = x if x.base is None or x.base.size != x.size else x.base
        self._x = base.reshape(x.shape)
        return y


@bug(INTERFACE, "zero-size array|maximum or a minimum of no rows")
class EmptyBatchFails(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.sum(axis=0) * (len(dy) / np.max(np.ones(len(dy)).cumsum()))
        return dx


@bug(INTERFACE, "no rows: dW is nan")
class EmptyBatchLeavesOldGradients(Dense):
    def backward(self, dy):
        if len(dy) == 0:
            return np.zeros_like(self._x)
        return super().backward(dy)


@bug(INTERFACE, "backward before any forward")
class BackwardBeforeForwardIsSilent(Dense):
    def backward(self, dy):
        if "_x" not in self.__dict__:
            return np.zeros((len(dy), len(self.W)))
        return super().backward(dy)


@bug(INTERFACE, "global random state")
class SeedsTheGlobalGenerator(Dense):
    def forward(self, x, training=False):
        np.random.seed(0)  # noqa: NPY002
        return super().forward(x)


@bug(INTERFACE, "of a deepcopy differs")
class LosesAnAttributeOnCopy(Dense):
    """The scale is state but sits in an underscore attribute, so no copy has it."""

    def build(self, input_shape):
        self._scale = 2.0
        return super().build(input_shape)

    def forward(self, x, training=False):
        self._x = x
        return x @ self.W * self.__dict__.get("_scale", 1.0) + self.b

    def backward(self, dy):
        dx = super().backward(dy) * self.__dict__.get("_scale", 1.0)
        self.dW = self.dW * self.__dict__.get("_scale", 1.0)
        return dx


@bug(INTERFACE, r"dx has shape \(4, 3\), expected \(3, 4\)")
class DxHasTheWrongShape(Dense):
    def backward(self, dy):
        return super().backward(dy).T


@bug(INTERFACE, "returns NoneType")
class BackwardReturnsNothing(Dense):
    def backward(self, dy):
        super().backward(dy)


@bug(INTERFACE, "build and forward disagree")
class BuildAnnouncesAnotherShape(Dense):
    def build(self, input_shape):
        super().build(input_shape)
        return (self.units + 1,)


@bug(INTERFACE, "db is never set")
class BackwardParametersForgetsTheBias(Dense):
    def backward_parameters(self, dy):
        self.dW = self._x.T @ dy


@bug(INTERFACE, "at inference: analytic/numeric is constant 2")
class TrainingFlagDoublesDx(Dense):
    def forward(self, x, training=False):
        self._training = training
        return super().forward(x)

    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self._training else 2 * dx


@correct(shape=(4,))
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


@bug(FORMULA, "identity path")
class SkipConnectionDropped(Residual):
    def backward(self, dy):
        return super().backward(dy) - dy


@bug(FORMULA, r"equals dy: the term \(dy\*\(1-self\._h\*\*2\)\) @ W\.T")
class OnlyTheSkipConnection(Residual):
    def backward(self, dy):
        super().backward(dy)
        return dy.copy()


@bug(FORMULA, "identity path is counted twice")
class SkipConnectionTwice(Residual):
    def backward(self, dy):
        return super().backward(dy) + dy


@bug(FORMULA, r"factor \(1-self\._h\*\*2\)")
class InnerDerivativeMissing(Residual):
    def backward(self, dy):
        self.dW = self._x.T @ dy
        self.db = dy.sum(axis=0)
        return dy + dy @ self.W.T


@bug(FORMULA, r"transposed|W\.T")
class InnerTransposeMissing(Residual):
    def backward(self, dy):
        super().backward(dy)
        return dy + (dy * (1 - self._h**2)) @ self.W


@bug(FORMULA, r"expected sum\(dy\*\(1-self\._h\*\*2\), axis=0\)")
class DerivativeMissingForTheBiasOnly(Residual):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.sum(axis=0)
        return dx


@bug(STATE, "writes into|in place")
class AddsInPlace(Residual):
    def forward(self, x, training=False):
        y = super().forward(x)
        x += self._h
        return x if training else y


@correct(5)
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


@bug(FORMULA, "passes through G")
class GatePathMissingInDx(Highway):
    def backward(self, dy):
        super().backward(dy)
        s = self._s
        return (dy * s * (1 - self._t**2)) @ self.W.T + (dy * (1 - s)) @ self.V.T


@bug(FORMULA, "constant -1: wrong sign")
class GateSignWrong(Highway):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dG = -self.dG
        return dx


@bug(FORMULA, "gradient of the other parameter V")
class GradientsSwapped(Highway):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW, self.dV = self.dV.copy(), self.dW.copy()
        return dx
