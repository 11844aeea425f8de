"""Layers along an axis: pooling, convolution, look-up, and their bugs."""

import numpy as np

from minidl.layers import Layer
from tests.planted.registry import FORMULA, INTERFACE, PRECISION, REGION, STATE, bug, correct


@correct(2, shape=(6,))
class MaxPool(Layer):
    def __init__(self, size):
        self.size = size

    def build(self, input_shape):
        return (input_shape[0] // self.size,)

    def windows(self, x):
        count = x.shape[1] // self.size
        return x[:, : count * self.size].reshape(len(x), count, self.size)

    def forward(self, x, training=False):
        z = self.windows(x)
        self._shape = x.shape
        self._hot = np.arange(self.size) == z.argmax(axis=-1)[..., None]
        return z.max(axis=-1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        self.windows(dx)[...] = self._hot * dy[..., None]
        return dx


@bug(REGION, "at the tie")
class EveryTiedMaximumGetsAll(MaxPool):
    def forward(self, x, training=False):
        y = super().forward(x)
        self._hot = self.windows(x) == y[..., None]
        return y


@bug(REGION, "at the tie")
class NoTiedMaximumGetsAnything(MaxPool):
    def forward(self, x, training=False):
        y = super().forward(x)
        self._hot = self._hot & ((self.windows(x) == y[..., None]).sum(axis=-1, keepdims=True) == 1)
        return y


@bug(FORMULA, "mean of the right ones|every entry of a window")
class MaxPoolSpreads(MaxPool):
    def backward(self, dy):
        self._hot = np.full(self._hot.shape, 1 / self.size)
        return super().backward(dy)


@bug(FORMULA, "another mask|mask of backward is another")
class MaxPoolTakesTheFirst(MaxPool):
    def backward(self, dy):
        self._hot = np.broadcast_to(np.arange(self.size) == 0, self._hot.shape)
        return super().backward(dy)


@bug(FORMULA, "the mask is inverted")
class MaxPoolTakesTheMinimum(MaxPool):
    def forward(self, x, training=False):
        y = super().forward(x)
        self._hot = np.arange(self.size) == self.windows(x).argmin(axis=-1)[..., None]
        return y


@bug(REGION, "columns 2 of 3.*right gradient is zero|columns 2 of 3: analytic - numeric")
class RemainderFilled(MaxPool):
    """Where the length is no multiple of the size, the left-over inputs get a gradient."""

    def backward(self, dy):
        dx = super().backward(dy)
        dx[:, dy.shape[1] * self.size :] = dy[:, -1:]
        return dx


@bug(STATE, r"self\._dx")
class MaxPoolReusesZeros(MaxPool):
    """The buffer of zeros is made once and never cleared."""

    def backward(self, dy):
        buffer = self.__dict__.get("_dx")
        if buffer is None or buffer.shape != self._shape or buffer.dtype != dy.dtype:
            self._dx = buffer = np.zeros(self._shape, dy.dtype)
        z = self.windows(buffer)
        z[self._hot] = dy.ravel()
        return buffer.copy()


@correct(2, shape=(6,))
class AveragePool(Layer):
    def __init__(self, size):
        self.size = size

    def build(self, input_shape):
        return (input_shape[0] // self.size,)

    def forward(self, x, training=False):
        self._shape = x.shape
        count = x.shape[1] // self.size
        return x[:, : count * self.size].reshape(len(x), count, self.size).mean(axis=-1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        dx[:, : dy.shape[1] * self.size] = np.repeat(dy / self.size, self.size, axis=1)
        return dx


@bug(FORMULA, "constant 2 = .*size")
class NotDividedBySize(AveragePool):
    def backward(self, dy):
        return super().backward(dy * self.size)


@bug(FORMULA, "columns are permuted")
class TileForRepeat(AveragePool):
    def backward(self, dy):
        return np.tile(dy / self.size, (1, self._shape[1] // dy.shape[1]))


@bug(REGION, "size is hard-coded|wrong for size=3", arguments=(2,))
class SizeHardCoded(AveragePool):
    def backward(self, dy):
        return super().backward(dy * self.size / 2)


@correct(shape=(3, 4))
class GlobalAveragePool(Layer):
    def build(self, input_shape):
        return (input_shape[-1],)

    def forward(self, x, training=False):
        self._shape = x.shape
        return x.mean(axis=1)

    def backward(self, dy):
        return np.repeat(dy[:, None, :] / self._shape[1], self._shape[1], axis=1)


@bug(FORMULA, r"dy\[:, None\]/4, expected dy\[:, None\]/3")
class DividedByChannels(GlobalAveragePool):
    def backward(self, dy):
        return super().backward(dy) * self._shape[1] / self._shape[2]


@bug(STATE, "cached input")
class DxIsABroadcastView(GlobalAveragePool):
    """Every row of dx is the same memory: writing to it raises or spreads."""

    def forward(self, x, training=False):
        self._last = x
        return super().forward(x)

    def backward(self, dy):
        dx = super().backward(dy)
        self._last[...] = 0
        return dx


@correct(7, 3, shape=(5,))
class Embedding(Layer):
    """y[i, j] = W[x[i, j]]: integer ids, often repeated."""

    input_domain = "integer"

    def __init__(self, ids, units):
        self.ids = ids
        self.units = units

    def build(self, input_shape):
        self.add_parameter("W", (self.ids, self.units))
        return (*input_shape, self.units)

    def forward(self, x, training=False):
        self._x = x.astype(np.intp)
        return self.W[self._x]

    def backward(self, dy):
        dW = np.zeros_like(self.W)
        np.add.at(dW, self._x, dy)
        self.dW = dW
        return np.zeros(self._x.shape, dy.dtype)


@bug(FORMULA, r"np\.add\.at")
class RepeatedIdsOverwrite(Embedding):
    def backward(self, dy):
        dx = super().backward(dy)
        dW = np.zeros_like(self.W)
        dW[self._x] = dy
        self.dW = dW
        return dx


@bug(FORMULA, "how often the id occurs")
class RepeatedIdsAveraged(Embedding):
    def backward(self, dy):
        dx = super().backward(dy)
        count = np.bincount(self._x.ravel(), minlength=self.ids)
        self.dW = self.dW / np.maximum(count, 1)[:, None]
        return dx


@bug(FORMULA, "rows 0 .*zero there")
class FirstIdForgotten(Embedding):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dW[0] = 0
        return dx


@bug(STATE, "old values are never cleared")
class OldRowsNotCleared(Embedding):
    def backward(self, dy):
        rows = np.unique(self._x)
        dW = np.nan_to_num(self.dW)
        dW[rows] = 0
        np.add.at(dW, self._x, dy)
        self.dW = dW
        return np.zeros(self._x.shape, dy.dtype)


@correct(3, 2, shape=(6, 2))
class Conv1D(Layer):
    """y[n, t] = sum over k of x[n, t + k] @ w[k] + b."""

    def __init__(self, units, width):
        self.units = units
        self.width = width

    def build(self, input_shape):
        self.add_parameter("w", (self.width, input_shape[1], self.units))
        self.add_parameter("b", (self.units,), "zeros")
        return (input_shape[0] - self.width + 1, self.units)

    def forward(self, x, training=False):
        self._x = x
        self._steps = steps = x.shape[1] - self.width + 1
        return sum(x[:, k : k + steps] @ self.w[k] for k in range(self.width)) + self.b

    def backward(self, dy):
        x, steps = self._x, self._steps
        self.db = dy.sum(axis=(0, 1))
        self.dw = np.array([np.einsum("nti,ntj->ij", x[:, k : k + steps], dy) for k in range(self.width)])
        return self.input_gradient(dy, self.w)

    def input_gradient(self, dy, w):
        dx = np.zeros(self._x.shape, dy.dtype)
        for k in range(self.width):
            dx[:, k : k + self._steps] += dy @ w[k].T
        return dx


@bug(FORMULA, "w reversed along axis 0")
class KernelFlipped(Conv1D):
    def backward(self, dy):
        super().backward(dy)
        return self.input_gradient(dy, self.w[::-1])


@bug(FORMULA, "reversed along axis 0")
class KernelGradientFlipped(Conv1D):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dw = self.dw[::-1]
        return dx


@bug(FORMULA, "others are overwritten")
class OverlapsOverwritten(Conv1D):
    def input_gradient(self, dy, w):
        dx = np.zeros(self._x.shape, dy.dtype)
        for k in range(self.width):
            dx[:, k : k + self._steps] = dy @ w[k].T
        return dx


@bug(FORMULA, "axis 1 5 .*zero there")
class LastStepForgotten(Conv1D):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[:, -1] = 0
        return dx


@bug(FORMULA, r"expected \(3,\)|summing axis")
class ConvBiasNotSummedOverTime(Conv1D):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.sum(axis=0)
        return dx


@bug(FORMULA, "1/length of axis 1 of y")
class ConvBiasAveragedOverTime(Conv1D):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.sum(axis=0).mean(axis=0)
        return dx


@bug(FORMULA, "1/batch size")
class ConvKernelAveraged(Conv1D):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dw = self.dw / len(dy)
        return dx


@bug(FORMULA, "shifted (back )?by one along axis 1")
class ConvWindowShifted(Conv1D):
    def backward(self, dy):
        dx = super().backward(dy)
        return np.roll(dx, 1, axis=1)


@bug(REGION, "wrong for width=3")
class WidthsAboveTwoTruncated(Conv1D):
    def input_gradient(self, dy, w):
        dx = np.zeros(self._x.shape, dy.dtype)
        for k in range(min(self.width, 2)):
            dx[:, k : k + self._steps] += dy @ w[k].T
        return dx


@bug(PRECISION, "representable in float32")
class ConvAccumulatesInFloat32(Conv1D):
    def input_gradient(self, dy, w):
        dx = np.zeros(self._x.shape, "float32")
        for k in range(self.width):
            dx[:, k : k + self._steps] += dy @ w[k].T
        return dx.astype(dy.dtype)


@bug(INTERFACE, "only for C-contiguous memory")
class ConvReadsRawMemory(Conv1D):
    """as_strided with the strides of a C-contiguous array, whatever the memory of dy is."""

    def backward(self, dy):
        return super().backward(dy.ravel("K").reshape(dy.shape))


@bug(STATE, "writes into|in place|the output .* changed")
class PadsInPlace(Conv1D):
    def forward(self, x, training=False):
        x[:, -1] *= 1.0
        return super().forward(x)


@correct(2, shape=(3, 3))
class Upsample(Layer):
    """Every step repeated ``times`` times along axis 1."""

    def __init__(self, times):
        self.times = times

    def build(self, input_shape):
        return (input_shape[0] * self.times, *input_shape[1:])

    def forward(self, x, training=False):
        self._shape = x.shape
        return np.repeat(x, self.times, axis=1)

    def backward(self, dy):
        n, steps, channels = self._shape
        return dy.reshape(n, steps, self.times, channels).sum(axis=2)


@bug(FORMULA, "1/times")
class UpsampleAverages(Upsample):
    def backward(self, dy):
        return super().backward(dy) / self.times


@bug(FORMULA, "only one of them counts")
class UpsampleTakesTheFirst(Upsample):
    def backward(self, dy):
        return dy[:, :: self.times].copy()


@bug(FORMULA, "sum over axis 1|wrong order|mixed")
class UpsampleSumsTheWrongAxis(Upsample):
    def backward(self, dy):
        n, steps, channels = self._shape
        return dy.reshape(n, self.times, steps, channels).sum(axis=1)


@correct(shape=(3, 4))
class SwapAxes(Layer):
    """y = x with its two inner axes exchanged."""

    def build(self, input_shape):
        return (input_shape[1], input_shape[0])

    def forward(self, x, training=False):
        return np.swapaxes(x, 1, 2).copy()

    def backward(self, dy):
        return np.swapaxes(dy, 1, 2).copy()


@bug(FORMULA, "reshape where a transpose belongs")
class ReshapeForSwap(SwapAxes):
    def backward(self, dy):
        return dy.reshape(len(dy), dy.shape[2], dy.shape[1])
