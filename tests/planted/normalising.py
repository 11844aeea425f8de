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


@bug(FORMULA, "only the diagonal")
class OnlyTheDiagonal(Softmax):
    def backward(self, dy):
        return dy * self._y * (1 - self._y)


@bug(FORMULA, r"term -sum\(dy\*y, axis=1\)\*y is missing|term -y\*sum\(dy\*y\) is missing")
class SumTermMissing(Softmax):
    def backward(self, dy):
        return dy * self._y


@bug(FORMULA, r"term -y\*sum\(dy\*y\) is wrong")
class SumTermSign(Softmax):
    def backward(self, dy):
        y = self._y
        return y * (dy + (dy * y).sum(axis=-1, keepdims=True))


@bug(FORMULA, "depends on dy of other rows")
class SumOverTheBatch(Softmax):
    def backward(self, dy):
        y = self._y
        return y * (dy - (dy * y).sum(axis=0))


@bug(FORMULA, r"term -y\*sum\(dy\*y\) is wrong")
class MeanForTheSum(Softmax):
    def backward(self, dy):
        y = self._y
        return y * (dy - (dy * y).mean(axis=-1, keepdims=True))


@bug(FORMULA, r"term -y\*sum\(dy\*y\) is")
class YMissingInTheSum(Softmax):
    def backward(self, dy):
        y = self._y
        return y * (dy - dy.sum(axis=-1, keepdims=True))


@bug(FORMULA, "y is missing")
class OuterYMissing(Softmax):
    def backward(self, dy):
        return dy - (dy * self._y).sum(axis=-1, keepdims=True)


@bug(FORMULA, "equals dy")
class GradientOfTheCrossEntropy(Softmax):
    def backward(self, dy):
        return dy.copy()


@bug(INTERFACE, "not finite at 800")
class SoftmaxOverflows(Softmax):
    def forward(self, x, training=False):
        e = np.exp(x)
        self._y = e / e.sum(axis=-1, keepdims=True)
        return self._y


@bug(STATE, "works in place on the cached output")
class SoftmaxChangesItsOutput(Softmax):
    def backward(self, dy):
        y = self._y
        y *= dy - (dy * y).sum(axis=-1, keepdims=True)
        return y


@bug(INTERFACE, "maximum or a minimum of no rows")
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


@bug(FORMULA, r"term -sum\(dy, axis=1\)\*exp\(y\) is missing")
class LogSoftmaxIdentity(LogSoftmax):
    def backward(self, dy):
        return dy.copy()


@bug(REGION, r"for dy = 0 it is .*exp\(y\)")
class LogSoftmaxForOneHotOnly(LogSoftmax):
    """Right where dy sums to one in each row."""

    def backward(self, dy):
        return dy - np.exp(self._y)


@bug(FORMULA, r"exp\(y\)")
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


@bug(FORMULA, "mean of the right ones")
class LogSumExpUniform(LogSumExp):
    def backward(self, dy):
        return dy * np.full_like(self._p, 1 / self._p.shape[-1])


@bug(FORMULA, r"sum of exp\(x - max\) per row is a factor too many")
class LogSumExpNotNormalised(LogSumExp):
    def forward(self, x, training=False):
        y = super().forward(x)
        self._p = self._p * np.exp(y - x.max(axis=-1, keepdims=True))
        return y


@bug(FORMULA, r"self\._p is a factor too many")
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


@bug(FORMULA, "through-the-mean")
class MeanTermMissing(BatchNorm):
    def backward(self, dy):
        super().backward(dy)
        g = dy * self.gamma / self._std
        return g - self._xhat * (g * self._xhat).mean(axis=0) if self._training else g


@bug(FORMULA, "through-the-variance")
class VarianceTermMissing(BatchNorm):
    def backward(self, dy):
        super().backward(dy)
        g = dy * self.gamma / self._std
        return g - g.mean(axis=0) if self._training else g


@bug(FORMULA, "through-the-variance")
class VarianceTermByNMinusOne(BatchNorm):
    def backward(self, dy):
        super().backward(dy)
        g = dy * self.gamma / self._std
        if not self._training or len(dy) < 2:
            return g
        return g - g.mean(axis=0) - self._xhat * (g * self._xhat).sum(axis=0) / (len(dy) - 1)


@bug(FORMULA, "terms through the batch statistics")
class StatisticsTakenAsConstants(BatchNorm):
    def backward(self, dy):
        super().backward(dy)
        return dy * self.gamma / self._std


@bug(FORMULA, "running variance")
class RunningVarianceInTraining(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * self._std / np.sqrt(self.variance + self.epsilon) if self._training else dx


@bug(REGION, "gamma is missing")
class BatchNormWithoutGamma(BatchNorm):
    def backward(self, dy):
        return super().backward(dy) / self.gamma


@bug(PRECISION, r"sqrt\(1 \+ eps", arguments=(1e-3,))
class EpsilonLeftOut(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * self._std / np.sqrt(self._std**2 - self.epsilon) if len(dy) > 1 else dx


@bug(PRECISION, "through-the-variance")
class EpsilonInTheXhatOfBackward(BatchNorm):
    def backward(self, dy):
        keep, self._xhat = self._xhat, self._xhat * self._std / np.sqrt(self._std**2 + 1e-6)
        dx = super().backward(dy)
        self._xhat = keep
        return dx


@bug(INTERFACE, "only forward in training may update")
class RunningStatisticsAtInference(BatchNorm):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if not training and len(x):
            self.mean = self.momentum * self.mean + (1 - self.momentum) * x.mean(axis=0)
        return y


@bug(INTERFACE, "at inference.*(dy of other rows|formula of the wrong mode)")
class TrainingFormulaAtInference(BatchNorm):
    def backward(self, dy):
        keep, self._training = self._training, True
        dx = super().backward(dy)
        self._training = keep
        return dx


@bug(INTERFACE, "at inference.*constant along the batch axis")
class InferenceCentresTheBatch(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self._training else dx - dx.mean(axis=0)


@bug(FORMULA, r"equals sum\(dy\*x, axis=0\), expected")
class GammaFromX(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = (dy * self._x).sum(axis=0)
        return dx


@bug(REGION, "wrong for batch size 2 only")
class BatchesOfTwoWrong(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx * 1.5 if len(dy) == 2 else dx


@bug(STATE, "changed the state mean")
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


@bug(FORMULA, "through-the-mean")
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


@bug(FORMULA, r"self\._std is a factor too many")
class StandardDeviationMissing(LayerNorm):
    def backward(self, dy):
        return super().backward(dy) * self._std


@bug(FORMULA, "depends on dy of other rows")
class MeanOverTheWrongAxis(LayerNorm):
    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy * self.gamma, self._xhat
        return (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std


@bug(REGION, "gamma is missing")
class LayerNormWithoutGamma(LayerNorm):
    """Right while gamma has its first value of one."""

    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy, self._xhat
        return (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std


@bug(REGION, "gamma outside of the brackets|gamma is in the wrong place")
class GammaAfterTheProjection(LayerNorm):
    """gamma * (projection of dy) for the projection of gamma * dy: right while gamma is constant."""

    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy, self._xhat
        dx = (g - g.mean(axis=-1, keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std
        return dx * self.gamma


@bug(REGION, "epsilon is hard-coded|wrong for epsilon=", arguments=())
class EpsilonHardCoded(LayerNorm):
    def backward(self, dy):
        return super().backward(dy) * self._std / np.sqrt(self._std**2 - self.epsilon + 1e-3)


@bug(FORMULA, "1/batch size")
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


@bug(FORMULA, "mean square of x is missing or wrong")
class SumForTheMean(RMSNorm):
    def backward(self, dy):
        super().backward(dy)
        g, xhat = dy * self.gamma, self._xhat
        return self._r * (g - xhat * (g * xhat).sum(axis=-1, keepdims=True))


@bug(FORMULA, "mean square of x is missing")
class RadiusTakenAsConstant(RMSNorm):
    def backward(self, dy):
        super().backward(dy)
        return self._r * dy * self.gamma


@bug(FORMULA, r"gamma is a factor too many|equals sum\(dy\*y, axis=0\), expected")
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


@bug(FORMULA, r"term -y\*sum\(dy\*y\) is missing")
class ProjectionMissing(L2Normalise):
    def backward(self, dy):
        return dy / self._norm


@bug(FORMULA, r"self\._norm is a factor too many")
class NormMissing(L2Normalise):
    def backward(self, dy):
        return super().backward(dy) * self._norm


@bug(FORMULA, r"self\._norm is missing")
class NormSquared(L2Normalise):
    def backward(self, dy):
        return super().backward(dy) / self._norm


@bug(FORMULA, "norm of x per row / norm of all")
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


@bug(FORMULA, "equals dy|constant along the batch")
class CentringForgotten(CentreTheBatch):
    def backward(self, dy):
        return dy.copy()


@bug(FORMULA, "through-the-mean term")
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


@bug(FORMULA, "constant along axis 2|between the groups")
class GroupMeanOverAllFeatures(GroupNorm):
    def backward(self, dy):
        g, xhat = dy.reshape(self._xhat.shape), self._xhat
        dx = (g - g.mean(axis=(1, 2), keepdims=True) - xhat * (g * xhat).mean(axis=-1, keepdims=True)) / self._std
        return dx.reshape(dy.shape)


@bug(REGION, "wrong for groups=3", arguments=(2,))
class GroupNormSecondGroupByTheFirst(GroupNorm):
    """All groups share the first group's deviation when there are more than two."""

    def backward(self, dy):
        keep = self._std
        if self.groups > 2:
            self._std = self._std[:, :1]
        dx = super().backward(dy)
        self._std = keep
        return dx
