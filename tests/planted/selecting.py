"""Layers that choose, sort or accumulate: kinks, ties and permutations, and their bugs."""

import numpy as np

from minidl.layers import Layer
from tests.planted.registry import FORMULA, INTERFACE, REGION, STATE, bug, correct


@correct(3, 2)
class Maxout(Layer):
    """y[:, j] = max over the pieces k of (x @ W[k] + b[k])[:, j]."""

    def __init__(self, units, pieces):
        self.units = units
        self.pieces = pieces

    def build(self, input_shape):
        self.add_parameter("W", (self.pieces, input_shape[0], self.units))
        self.add_parameter("b", (self.pieces, self.units), "zeros")
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        z = np.stack([x @ self.W[k] + self.b[k] for k in range(self.pieces)])
        self._hot = np.arange(self.pieces)[:, None, None] == z.argmax(axis=0)
        return z.max(axis=0)

    def backward(self, dy):
        dz = self._hot * dy
        self.dW = np.stack([self._x.T @ d for d in dz])
        self.db = dz.sum(axis=1)
        return sum(d @ self.W[k].T for k, d in enumerate(dz))


@bug(FORMULA, "total of the right ones|the mask is all ones")
class EveryPieceGetsTheGradient(Maxout):
    def backward(self, dy):
        self._hot = np.ones_like(self._hot)
        return super().backward(dy)


@bug(FORMULA, "mask of backward is another|another mask")
class MaxoutMaskFromTheFirstRow(Maxout):
    def backward(self, dy):
        self._hot = np.broadcast_to(self._hot[:, :1], self._hot.shape)
        return super().backward(dy)


@bug(FORMULA, "constant -1: wrong sign")
class MaxoutBiasSign(Maxout):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = -self.db
        return dx


@bug(REGION, "wrong for pieces=3", arguments=(3, 2))
class MaxoutThirdPieceForgotten(Maxout):
    def backward(self, dy):
        self._hot = self._hot & (np.arange(self.pieces) < 2)[:, None, None]
        return super().backward(dy)


@correct(shape=(5,))
class Sort(Layer):
    def forward(self, x, training=False):
        self._order = np.argsort(x, axis=-1)
        return np.take_along_axis(x, self._order, axis=-1)

    def backward(self, dy):
        dx = np.empty_like(dy)
        np.put_along_axis(dx, self._order, dy, axis=-1)
        return dx


@bug(FORMULA, "permutation not inverted")
class PermutationNotInverted(Sort):
    def backward(self, dy):
        return np.take_along_axis(dy, self._order, axis=-1)


@bug(FORMULA, "equals dy|permuted")
class SortGradientUnsorted(Sort):
    def backward(self, dy):
        return dy.copy()


@bug(FORMULA, "permuted|reversed")
class SortedTheOtherWay(Sort):
    def backward(self, dy):
        return super().backward(dy[:, ::-1])


@correct(2, shape=(5,))
class TopK(Layer):
    """The k largest values of each row, largest first."""

    def __init__(self, k):
        self.k = k

    def build(self, input_shape):
        return (self.k,)

    def forward(self, x, training=False):
        self._shape = x.shape
        self._order = np.argsort(-x, axis=-1, kind="stable")[:, : self.k]
        return np.take_along_axis(x, self._order, axis=-1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        np.put_along_axis(dx, self._order, dy, axis=-1)
        return dx


@bug(FORMULA, r"columns \(outputs\) 1 of dy \(of 2\) is missing")
class OnlyTheLargest(TopK):
    def backward(self, dy):
        self._order = self._order[:, :1]
        return super().backward(dy[:, :1])


@bug(FORMULA, "dy is reversed along axis 1")
class TopKInReverse(TopK):
    def backward(self, dy):
        return super().backward(dy[:, ::-1])


@bug(REGION, "wrong for k=3")
class KAboveTwoCut(TopK):
    def backward(self, dy):
        self._order = self._order[:, :2]
        return super().backward(dy[:, :2])


@bug(STATE, "on the class")
class OrderKeptOnTheClass(TopK):
    def forward(self, x, training=False):
        y = super().forward(x)
        OrderKeptOnTheClass.order = self._order
        return y

    def backward(self, dy):
        self._order = OrderKeptOnTheClass.order
        return super().backward(dy)


@correct(shape=(5,))
class CumulativeSum(Layer):
    def forward(self, x, training=False):
        return np.cumsum(x, axis=-1)

    def backward(self, dy):
        return np.cumsum(dy[:, ::-1], axis=-1)[:, ::-1]


@bug(FORMULA, "expected dy summed cumulatively from the end of axis 1")
class CumulativeSumNotReversed(CumulativeSum):
    def backward(self, dy):
        return np.cumsum(dy, axis=-1)


@bug(FORMULA, "reversed along axis 1")
class CumulativeSumReversedBackwards(CumulativeSum):
    def backward(self, dy):
        return np.cumsum(dy[:, ::-1], axis=-1)


@bug(FORMULA, "cumulatively .*axis 0, expected .*axis 1")
class CumulativeSumOverTheBatch(CumulativeSum):
    def backward(self, dy):
        return np.cumsum(dy[::-1], axis=0)[::-1]


@bug(FORMULA, "numeric - analytic equals dy")
class CumulativeSumExclusive(CumulativeSum):
    def backward(self, dy):
        return super().backward(dy) - dy


@correct(shape=(4,))
class CumulativeProduct(Layer):
    """y[:, j] = x[:, 0] * ... * x[:, j], without division."""

    def forward(self, x, training=False):
        self._x = x
        return np.cumprod(x, axis=-1)

    def backward(self, dy):
        x, n = self._x, self._x.shape[1]
        dx = np.zeros_like(dy)
        for i in range(n):
            others = x.copy()
            others[:, i] = 1
            dx[:, i] = (dy * np.cumprod(others, axis=-1))[:, i:].sum(axis=1)
        return dx


@bug(REGION, r"at x\[2,0\] == 0 .*nan is not in")
class CumulativeProductDivides(CumulativeProduct):
    """The textbook formula: fails where a value is exactly zero."""

    def backward(self, dy):
        with np.errstate(all="ignore"):
            terms = dy * np.cumprod(self._x, axis=-1)
            return np.cumsum(terms[:, ::-1], axis=-1)[:, ::-1] / self._x


@bug(FORMULA, "only the diagonal")
class CumulativeProductDiagonalOnly(CumulativeProduct):
    def backward(self, dy):
        ones = np.ones((len(dy), 1), dy.dtype)
        return dy * np.concatenate([ones, np.cumprod(self._x, axis=-1)[:, :-1]], axis=1)


@correct(shape=(5,))
class Difference(Layer):
    """y[:, j] = |x[:, j + 1] - x[:, j]|."""

    def build(self, input_shape):
        return (input_shape[0] - 1,)

    def forward(self, x, training=False):
        self._sign = np.sign(np.diff(x, axis=-1))
        return np.abs(np.diff(x, axis=-1))

    def backward(self, dy):
        d = dy * self._sign
        dx = np.zeros((len(d), d.shape[1] + 1), d.dtype)
        dx[:, 1:] += d
        dx[:, :-1] -= d
        return dx


@bug(FORMULA, r"signs? (is|are) (lost|wrong|missing)|self\._sign is missing|but for its sign")
class DifferenceWithoutSign(Difference):
    def backward(self, dy):
        self._sign = np.ones_like(self._sign)
        return super().backward(dy)


@bug(FORMULA, "at other positions")
class OnlyTheUpperNeighbour(Difference):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx + np.pad(dy * self._sign, ((0, 0), (0, 1)))


@correct(shape=(4,))
class SmallestAndLargest(Layer):
    """The minimum and the maximum of each row."""

    def build(self, input_shape):
        return (2,)

    def forward(self, x, training=False):
        self._shape = x.shape
        self._low, self._high = x.argmin(axis=1), x.argmax(axis=1)
        return np.stack([x.min(axis=1), x.max(axis=1)], axis=1)

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        rows = np.arange(len(dy))
        dx[rows, self._low] += dy[:, 0]
        dx[rows, self._high] += dy[:, 1]
        return dx


@bug(FORMULA, "dy is reversed along axis 1")
class EndsSwapped(SmallestAndLargest):
    def backward(self, dy):
        return super().backward(dy[:, ::-1])


@bug(REGION, "others are overwritten|tie")
class EqualRowsLoseAGradient(SmallestAndLargest):
    """Assignment for addition: wrong where one value is both smallest and largest."""

    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        rows = np.arange(len(dy))
        dx[rows, self._low] = dy[:, 0]
        dx[rows, self._high] = dy[:, 1]
        return dx


@bug(INTERFACE, "only for C-contiguous memory")
class FlatIndexIntoAnyMemory(SmallestAndLargest):
    def backward(self, dy):
        dx = np.zeros(self._shape, dy.dtype)
        flat = dy.ravel("K")
        rows = np.arange(len(dy))
        dx[rows, self._low] += flat[::2]
        dx[rows, self._high] += flat[1::2]
        return dx
