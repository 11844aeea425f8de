"""Layers that normalise, over the batch or over the features, and their bugs."""

import numpy as np

from minidl.layers import Layer
from tests.planted.registry import FORMULA, INTERFACE, PRECISION, REGION, STATE, bug, correct


@correct(shape=(4,))
class Softmax(Layer):
    def forward(self, x, training=False):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self._y = e / e.sum(axis=-1, keepdims=True)
        return self._y

    def backward(self, dy):
        y = self._y
        return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


@bug(FORMULA, "diagonal")
class OnlyTheDiagonal(Softmax):
    def backward(self, dy):
        return dy * self._y * (1 - self._y)


@bug(FORMULA, r"multiple of y|-y ?\* ?sum")
class SumTermMissing(Softmax):
    def backward(self, dy):
        return dy * self._y


@bug(FORMULA, r"multiple of y|sum|sign")
class SumTermSign(Softmax):
    def backward(self, dy):
        y = self._y
        return y * (dy + (dy * y).sum(axis=-1, keepdims=True))


@bug(FORMULA, r"multiple of y|row|batch|axis|depends on")
class SumOverTheBatch(Softmax):
    def backward(self, dy):
        y = self._y
        return y * (dy - (dy * y).sum(axis=0))


@bug(FORMULA, r"multiple of y|row|mean|sum|1/")
class MeanForTheSum(Softmax):
    def backward(self, dy):
        y = self._y
        return y * (dy - (dy * y).mean(axis=-1, keepdims=True))


@bug(FORMULA, r"multiple of y|sum|y|missing")
class YMissingInTheSum(Softmax):
    def backward(self, dy):
        y = self._y
        return y * (dy - dy.sum(axis=-1, keepdims=True))


@bug(FORMULA, r"ratio|y|factor|missing")
class OuterYMissing(Softmax):
    def backward(self, dy):
        return dy - (dy * self._y).sum(axis=-1, keepdims=True)


@bug(FORMULA, r"equals dy|fake|cross-entropy|identity")
class GradientOfTheCrossEntropy(Softmax):
    def backward(self, dy):
        return dy.copy()


@bug(INTERFACE, "finite|overflow")
class SoftmaxOverflows(Softmax):
    def forward(self, x, training=False):
        e = np.exp(x)
        self._y = e / e.sum(axis=-1, keepdims=True)
        return self._y


@bug(STATE, "output|changed|returned")
class SoftmaxChangesItsOutput(Softmax):
    def backward(self, dy):
        y = self._y
        y *= dy - (dy * y).sum(axis=-1, keepdims=True)
        return y


@bug(INTERFACE, r"empty|0 rows|zero rows")
class TotalMaximum(Softmax):
    """The maximum over the whole batch: fails without rows."""

    def forward(self, x, training=False):
        e = np.exp(x - np.maximum(x.max(axis=-1, keepdims=True), x.max() - 600))
        self._y = e / e.sum(axis=-1, keepdims=True)
        return self._y


@correct(shape=(4,))
class LogSoftmax(Layer):
    def forward(self, x, training=False):
        z = x - x.max(axis=-1, keepdims=True)
        self._y = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        return self._y

    def backward(self, dy):
        return dy - np.exp(self._y) * dy.sum(axis=-1, keepdims=True)


@bug(FORMULA, "equals dy|missing|sum")
class LogSoftmaxIdentity(LogSoftmax):
    def backward(self, dy):
        return dy.copy()


@bug(REGION, "sum|missing|mean|multiple|dy|row")
class LogSoftmaxForOneHotOnly(LogSoftmax):
    """Right where dy sums to one in each row."""

    def backward(self, dy):
        return dy - np.exp(self._y)


@bug(FORMULA, "exp|y|multiple|proportional|per row|log")
class LogSoftmaxWithoutExp(LogSoftmax):
    def backward(self, dy):
        return dy - self._y * dy.sum(axis=-1, keepdims=True)


@correct(shape=(4,))
class LogSumExp(Layer):
    """One number a row: y = log(sum(exp(x)))."""

    def build(self, input_shape):
        return (1,)

    def forward(self, x, training=False):
        top = x.max(axis=-1, keepdims=True)
        e = np.exp(x - top)
        total = e.sum(axis=-1, keepdims=True)
        self._p = e / total
        return top + np.log(total)

    def backward(self, dy):
        return dy * self._p


@bug(FORMULA, "constant along|equal|mean|broadcast|dy|not the softmax|no hypothesis|1/|ratio")
class LogSumExpUniform(LogSumExp):
    def backward(self, dy):
        return dy * np.full_like(self._p, 1 / self._p.shape[-1])


@bug(FORMULA, r"exp|ratio|per row|normalis")
class LogSumExpNotNormalised(LogSumExp):
    def forward(self, x, training=False):
        y = super().forward(x)
        self._p = self._p * np.exp(y - x.max(axis=-1, keepdims=True))
        return y


@bug(FORMULA, r"ratio|power|root|square|softmax\(x\)\*\*2")
class LogSumExpSquared(LogSumExp):
    def backward(self, dy):
        return dy * self._p**2


@correct(1e-3, shape=(4,))
class BatchNorm(Layer):
    def __init__(self, epsilon=1e-3, momentum=0.9):
        self.epsilon = epsilon
        self.momentum = momentum

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        self.add_state("mean", input_shape, "zeros")
        self.add_state("variance", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._training = training
        if training and len(x):
            mean, variance = x.mean(axis=0), x.var(axis=0)
            self.mean = self.momentum * self.mean + (1 - self.momentum) * mean
            self.variance = self.momentum * self.variance + (1 - self.momentum) * variance
        else:
            mean, variance = self.mean, self.variance
        self._std = np.sqrt(variance + self.epsilon)
        self._x = x
        self._xhat = (x - mean) / self._std
        return self.gamma * self._xhat + self.beta

    def backward(self, dy):
        self.dgamma = (dy * self._xhat).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        g = dy * self.gamma / self._std
        if not self._training or not len(dy):
            return g
        return g - g.mean(axis=0) - self._xhat * (g * self._xhat).mean(axis=0)


@bug(FORMULA, "through-the-mean|constant along the batch")
class MeanTermMissing(BatchNorm):
    def backward(self, dy):
        super().backward(dy)
        g = dy * self.gamma / self._std
        return g - self._xhat * (g * self._xhat).mean(axis=0) if self._training else g


@bug(FORMULA, "through-the-variance|proportional to .?x")
class VarianceTermMissing(BatchNorm):
    def backward(self, dy):
        super().backward(dy)
        g = dy * self.gamma / self._std
        return g - g.mean(axis=0) if self._training else g


@bug(FORMULA, "through-the-variance|proportional to .?x|N-1|N - 1")
class VarianceTermByNMinusOne(BatchNorm):
    def backward(self, dy):
        super().backward(dy)
        g = dy * self.gamma / self._std
        if not self._training or len(dy) < 2:
            return g
        return g - g.mean(axis=0) - self._xhat * (g * self._xhat).sum(axis=0) / (len(dy) - 1)


@bug(FORMULA, "mean|variance|coupl|running|constant along|proportional|inference|statistics")
class StatisticsTakenAsConstants(BatchNorm):
    def backward(self, dy):
        super().backward(dy)
        return dy * self.gamma / self._std


@bug(FORMULA, "ratio|per feature|running")
class RunningVarianceInTraining(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * self._std / np.sqrt(self.variance + self.epsilon) if self._training else dx


@bug(REGION, "gamma")
class BatchNormWithoutGamma(BatchNorm):
    def backward(self, dy):
        return super().backward(dy) / self.gamma


@bug(PRECISION, r"eps", arguments=(1e-3,))
class EpsilonLeftOut(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * self._std / np.sqrt(self._std**2 - self.epsilon) if len(dy) > 1 else dx


@bug(PRECISION, r"eps|approximat|right to|proportional|x - mean|through-the-variance")
class EpsilonInTheXhatOfBackward(BatchNorm):
    def backward(self, dy):
        keep, self._xhat = self._xhat, self._xhat * self._std / np.sqrt(self._std**2 + 1e-6)
        dx = super().backward(dy)
        self._xhat = keep
        return dx


@bug(INTERFACE, "side effect|inference")
class RunningStatisticsAtInference(BatchNorm):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if not training and len(x):
            self.mean = self.momentum * self.mean + (1 - self.momentum) * x.mean(axis=0)
        return y


@bug(INTERFACE, "inference|mode|training")
class TrainingFormulaAtInference(BatchNorm):
    def backward(self, dy):
        keep, self._training = self._training, True
        dx = super().backward(dy)
        self._training = keep
        return dx


@bug(INTERFACE, "inference|mode|training")
class InferenceCentresTheBatch(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self._training else dx - dx.mean(axis=0)


@bug(FORMULA, "x|xhat|ratio|mean|normalised|std|beta|linear combination")
class GammaFromX(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = (dy * self._x).sum(axis=0)
        return dx


@bug(REGION, r"batch.*\b2\b|batch|rows")
class BatchesOfTwoWrong(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * 1.5 if len(dy) == 2 else dx


@bug(STATE, "state|running|statistics|order|fresh|side effect|backward")
class BackwardMovesTheStatistics(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        self.mean = self.mean + 0.01 * dy.sum(axis=0)
        return dx


@correct(1e-3, shape=(5,))
class LayerNorm(Layer):
    def __init__(self, epsilon=1e-3):
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        centred = x - x.mean(axis=-1, keepdims=True)
        self._std = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.epsilon)
        self._xhat = centred / self._std
        return self.gamma * self._xhat + self.beta

    def backward(self, dy):
        self.dgamma = (dy * self._xhat).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        g = dy * self.gamma
        xhat = self._xhat
        return (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std


@bug(FORMULA, "constant along|through-the-mean")
class RowMeanTermMissing(LayerNorm):
    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy * self.gamma, self._xhat
        return (g - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std


@bug(FORMULA, "x - mean|through-the-variance")
class RowVarianceTermMissing(LayerNorm):
    def backward(self, dy):
        super().backward(dy)
        g = dy * self.gamma
        return (g - g.mean(axis=-1, keepdims=True)) / self._std


@bug(FORMULA, "ratio|std|per row")
class StandardDeviationMissing(LayerNorm):
    def backward(self, dy):
        return super().backward(dy) * self._std


@bug(FORMULA, "axis|batch|row|depends|constant along")
class MeanOverTheWrongAxis(LayerNorm):
    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy * self.gamma, self._xhat
        return (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std


@bug(REGION, "gamma")
class LayerNormWithoutGamma(LayerNorm):
    """Right while gamma has its first value of one."""

    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy, self._xhat
        return (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std


@bug(REGION, "gamma")
class GammaAfterTheProjection(LayerNorm):
    """gamma * (projection of dy) for the projection of gamma * dy: right while gamma is constant."""

    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy, self._xhat
        dx = (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std
        return dx * self.gamma


@bug(REGION, "epsilon|argument|default", arguments=())
class EpsilonHardCoded(LayerNorm):
    def backward(self, dy):
        return super().backward(dy) * self._std / np.sqrt(self._std**2 - self.epsilon + 1e-3)


@bug(FORMULA, "constant|1/batch size|batch")
class LayerNormDividesByTheBatch(LayerNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma, self.dbeta = self.dgamma / len(dy), self.dbeta / len(dy)
        return dx


@correct(1e-6, shape=(4,))
class RMSNorm(Layer):
    def __init__(self, epsilon=1e-6):
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._r = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.epsilon)
        self._xhat = x * self._r
        return self.gamma * self._xhat

    def backward(self, dy):
        self.dgamma = (dy * self._xhat).sum(axis=0)
        g, xhat = dy * self.gamma, self._xhat
        return self._r * (g - xhat * (g * xhat).mean(axis=-1, keepdims=True))


@bug(FORMULA, "x|proportional|multiple|per row|size|sum")
class SumForTheMean(RMSNorm):
    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy * self.gamma, self._xhat
        return self._r * (g - xhat * (g * xhat).sum(axis=-1, keepdims=True))


@bug(FORMULA, "x|proportional|multiple|per row|missing")
class RadiusTakenAsConstant(RMSNorm):
    def backward(self, dy):
        super().backward(dy)
        return self._r * dy * self.gamma


@bug(FORMULA, "gamma|xhat|ratio|per")
class GammaTwiceInDgamma(RMSNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = self.dgamma * self.gamma
        return dx


@correct(shape=(4,))
class L2Normalise(Layer):
    """y = x / |x|, row by row."""

    def forward(self, x, training=False):
        self._norm = np.maximum(np.sqrt((x * x).sum(axis=-1, keepdims=True)), 1e-300)
        self._y = x / self._norm
        return self._y

    def backward(self, dy):
        y = self._y
        return (dy - y * (dy * y).sum(axis=-1, keepdims=True)) / self._norm


@bug(FORMULA, "multiple of (y|x)|per row|proportional|missing")
class ProjectionMissing(L2Normalise):
    def backward(self, dy):
        return dy / self._norm


@bug(FORMULA, "ratio|per row|norm")
class NormMissing(L2Normalise):
    def backward(self, dy):
        return super().backward(dy) * self._norm


@bug(FORMULA, "ratio|per row|norm|square")
class NormSquared(L2Normalise):
    def backward(self, dy):
        return super().backward(dy) / self._norm


@bug(FORMULA, "ratio|norm|total|row|depends")
class NormOfTheWholeBatch(L2Normalise):
    def backward(self, dy):
        return super().backward(dy) * self._norm / np.sqrt((self._norm**2).sum())


@correct(shape=(4,))
class CentreTheBatch(Layer):
    """y = x - mean over the batch: rows are coupled, nothing is trained."""

    def forward(self, x, training=False):
        self._rows = len(x)
        return x - x.mean(axis=0) if len(x) else x.copy()

    def backward(self, dy):
        return dy - dy.mean(axis=0) if len(dy) else dy.copy()


@bug(FORMULA, "constant along the batch|equals dy|mean")
class CentringForgotten(CentreTheBatch):
    def backward(self, dy):
        return dy.copy()


@bug(FORMULA, "constant along|mean|axis|total")
class CentredByTheTotalMean(CentreTheBatch):
    def backward(self, dy):
        return dy - dy.mean() if len(dy) else dy.copy()


@correct(2, shape=(6,))
class GroupNorm(Layer):
    def __init__(self, groups, epsilon=1e-3):
        self.groups = groups
        self.epsilon = epsilon

    def forward(self, x, training=False):
        z = x.reshape(len(x), self.groups, x.shape[1] // self.groups)
        z = z - z.mean(axis=-1, keepdims=True)
        self._std = np.sqrt((z**2).mean(axis=-1, keepdims=True) + self.epsilon)
        self._xhat = z / self._std
        return self._xhat.reshape(x.shape)

    def backward(self, dy):
        g, xhat = dy.reshape(self._xhat.shape), self._xhat
        dx = (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std
        return dx.reshape(dy.shape)


@bug(FORMULA, "group|constant along|axis|missing|mean")
class GroupMeanOverAllFeatures(GroupNorm):
    def backward(self, dy):
        g, xhat = dy.reshape(self._xhat.shape), self._xhat
        dx = (g - g.mean(axis=(1, 2), keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std
        return dx.reshape(dy.shape)


@bug(REGION, "groups|argument|epsilon|default", arguments=(2,))
class GroupNormSecondGroupByTheFirst(GroupNorm):
    """All groups share the first group's deviation when there are more than two."""

    def backward(self, dy):
        keep = self._std
        if self.groups > 2:
            self._std = self._std[:, :1]
        dx = super().backward(dy)
        self._std = keep
        return dx
