"""Layers that act on each value alone, smooth and kinked, with and without parameters, and their bugs."""

import numpy as np

from minidl.layers import Layer
from tests.planted.registry import FORMULA, INTERFACE, PRECISION, REGION, STATE, bug, correct


class Elementwise(Layer):
    """Abstract: `f` is the function, `slope` its derivative."""

    def forward(self, x, training=False):
        self._x = x
        self._y = self.f(x)
        return self._y

    def backward(self, dy):
        return dy * np.asarray(self.slope(self._x, self._y), dy.dtype)


@correct()
class ReLU(Elementwise):
    def f(self, x):
        return np.maximum(x, 0)

    def slope(self, x, y):
        return x > 0


@bug(FORMULA, "mask|all ones|equals dy")
class MaskAllOnes(ReLU):
    def slope(self, x, y):
        return y >= 0


@bug(FORMULA, "mask.*invert|invert|opposite")
class MaskInverted(ReLU):
    def slope(self, x, y):
        return x < 0


@bug(FORMULA, "sign of dy|guided|dy > 0|linear")
class GuidedBackpropagation(ReLU):
    def backward(self, dy):
        return dy * (self._x > 0) * (dy > 0)


@bug(FORMULA, "sign of dy|dy > 0|linear|deconv")
class DeconvolutionRule(ReLU):
    def backward(self, dy):
        return np.maximum(dy, 0)


@bug(REGION, "convex combination|neighbou?rs")
class SlopeTwoAtZero(ReLU):
    def slope(self, x, y):
        return np.where(x == 0, 2, x > 0)


@bug(REGION, "convex combination|neighbou?rs")
class SlopeMinusOneAtZero(ReLU):
    def slope(self, x, y):
        return np.where(x == 0, -1, x > 0)


@bug(REGION, r"x.*(>|<|between|\b[56]\b)|region|interval")
class Relu6InTheBackwardOnly(ReLU):
    def slope(self, x, y):
        return (x > 0) & (x < 6)


@bug(FORMULA, r"wrong exactly where|threshold|x")
class ThresholdShifted(ReLU):
    def slope(self, x, y):
        return x > 0.1


@bug(REGION, r"wrong exactly where|threshold|x|region|interval")
class ThresholdShiftedSlightly(ReLU):
    def slope(self, x, y):
        return x > 0.003


@bug(STATE, "output|changed|returned|y")
class MaskWrittenIntoTheOutput(ReLU):
    def backward(self, dy):
        np.sign(self._y, out=self._y)
        return dy * self._y


@correct(0.2)
class LeakyReLU(Elementwise):
    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    def f(self, x):
        return np.where(x >= 0, x, self.negative_slope * x)

    def slope(self, x, y):
        return np.where(x >= 0, 1, self.negative_slope)


@bug(FORMULA, "x < 0")
class SlopeMissingBelowZero(LeakyReLU):
    def slope(self, x, y):
        return (x >= 0) * 1.0


@bug(FORMULA, "x < 0|negative_slope|squared|ratio")
class SlopeSquared(LeakyReLU):
    def slope(self, x, y):
        return np.where(x >= 0, 1, self.negative_slope**2)


@bug(REGION, "default|negative_slope", arguments=())
class SlopeHardCoded(LeakyReLU):
    def slope(self, x, y):
        return np.where(x >= 0, 1, 0.01)


@bug(FORMULA, "invert|swap|x >|x <|opposite|everywhere")
class SlopesSwapped(LeakyReLU):
    def slope(self, x, y):
        return np.where(x >= 0, self.negative_slope, 1)


@bug(REGION, "negative_slope|argument")
class NegativeSlopesAboveOneWrong(LeakyReLU):
    def slope(self, x, y):
        return np.where(x >= 0, 1, min(self.negative_slope, 0.3))


@correct()
class Sigmoid(Elementwise):
    def f(self, x):
        e = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, e) / (1 + e)

    def slope(self, x, y):
        return y * (1 - y)


@bug(FORMULA, "at y instead of x|at the output")
class SlopeAtTheOutput(Sigmoid):
    def slope(self, x, y):
        return self.f(y) * (1 - self.f(y))


@bug(FORMULA, r"dy ?\* ?\(1 ?- ?y\)|ratio|1/y")
class SlopeWithoutY(Sigmoid):
    def slope(self, x, y):
        return 1 - y


@bug(FORMULA, "equals dy|dy")
class SlopeMissing(Sigmoid):
    def slope(self, x, y):
        return 1.0


@bug(STATE, "output|changed|returned|y")
class OutputTurnedIntoTheSlope(Sigmoid):
    def backward(self, dy):
        self._y *= 1 - self._y
        return dy * self._y


@bug(STATE, "dy|upstream|read-only|\\*=")
class DxWrittenIntoDy(Sigmoid):
    def backward(self, dy):
        dy *= self._y * (1 - self._y)
        return dy


@bug(INTERFACE, "finite|overflow")
class SigmoidOverflows(Sigmoid):
    def f(self, x):
        e = np.exp(x)
        return e / (1 + e)


@bug(PRECISION, "clip|x|region|interval|large|wrong exactly where")
class SlopeClippedAway(Sigmoid):
    def slope(self, x, y):
        return np.maximum(y * (1 - y), 1e-3)


@bug(REGION, r"\|x\|.*4|x|region|interval")
class SlopeZeroBeyondFour(Sigmoid):
    def slope(self, x, y):
        return np.where(np.abs(x) > 4, 0, y * (1 - y))


@bug(PRECISION, "epsilon|added|ratio|1e-07|constant|dy")
class EpsilonInTheSlope(Sigmoid):
    def slope(self, x, y):
        return y * (1 - y) + 1e-7


@correct()
class Tanh(Elementwise):
    def f(self, x):
        return np.tanh(x)

    def slope(self, x, y):
        return 1 - y**2


@bug(FORMULA, r"dy ?\* ?\(1 ?- ?y\)")
class SquareMissing(Tanh):
    def slope(self, x, y):
        return 1 - y


@bug(FORMULA, r"1 ?\+ ?y")
class PlusForMinus(Tanh):
    def slope(self, x, y):
        return 1 + y**2


@bug(FORMULA, r"y ?\* ?\(1 ?- ?y\)|sigmoid")
class SlopeOfSigmoid(Tanh):
    def slope(self, x, y):
        return y * (1 - y)


@bug(FORMULA, r"x\*\*2|x instead of y|1 ?- ?x")
class SlopeAtTheInput(Tanh):
    def slope(self, x, y):
        return 1 - x**2


@bug(FORMULA, r"y\*\*4|squared|twice|1 ?- ?y\*\*2")
class SlopeAppliedTwice(Tanh):
    def slope(self, x, y):
        return (1 - y**2) ** 2


@bug(FORMULA, r"at y instead of x|at the output|tanh\(y\)")
class SlopeOfTheOutput(Tanh):
    def slope(self, x, y):
        return 1 - np.tanh(y) ** 2


@bug(PRECISION, "float16|approximat|right to|table|relative")
class SlopeByFiniteDifference(Tanh):
    def slope(self, x, y):
        return (np.tanh(x + 1e-4) - np.tanh(x - 1e-4)) / 2e-4


@bug(PRECISION, "float32|approximat|right to|small")
class TanhByFloat32(Tanh):
    def slope(self, x, y):
        return 1 - np.tanh(np.asarray(x, "float32")) ** 2


@correct()
class GELU(Elementwise):
    """y = x P(x) by the tanh formula."""

    root = float(np.sqrt(2 / np.pi))

    def inner(self, x):
        return np.tanh(self.root * (x + 0.044715 * x**3))

    def f(self, x):
        return 0.5 * x * (1 + self.inner(np.clip(x, -40, 40)))

    def slope(self, x, y):
        x = np.clip(x, -40, 40)
        t = self.inner(x)
        return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * self.root * (1 + 3 * 0.044715 * x**2)


@bug(FORMULA, "approximat|right to")
class SlopeOfAnotherGelu(GELU):
    def slope(self, x, y):
        from scipy.special import erf

        x = np.asarray(x, "float64")
        return 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


@bug(FORMULA, "missing|term|proportional|factor|no hypothesis")
class ProductRuleForgotten(GELU):
    def slope(self, x, y):
        return 0.5 * (1 + self.inner(x))


@bug(FORMULA, "missing|term|no hypothesis|approximat|proportional|x\\*\\*3")
class ThreeForgotten(GELU):
    def slope(self, x, y):
        t = self.inner(x)
        return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * self.root * (1 + 0.044715 * x**2)


@correct()
class Softplus(Elementwise):
    def f(self, x):
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def slope(self, x, y):
        return -np.expm1(-y)


@bug(INTERFACE, "finite|710|overflow")
class SoftplusOverflows(Softplus):
    def f(self, x):
        return np.log(1 + np.exp(x))


@bug(FORMULA, r"exp|x|1 ?- ?|ratio|sign|reversed|-x")
class SigmoidOfMinusX(Softplus):
    def slope(self, x, y):
        return np.exp(-y)


@bug(REGION, r"x|region|interval|wrong exactly where")
class LinearBeyondThree(Softplus):
    """The usual threshold, but only in the backward and too low."""

    def slope(self, x, y):
        return np.where(x > 3, 1.0, -np.expm1(-y))


@correct()
class SiLU(Elementwise):
    def sigmoid(self, x):
        return 0.5 * (1 + np.tanh(0.5 * x))

    def f(self, x):
        return x * self.sigmoid(x)

    def slope(self, x, y):
        s = self.sigmoid(x)
        return s + y * (1 - s)


@bug(FORMULA, "term|missing|y|proportional|extra")
class SlopeWithTheWrongTerm(SiLU):
    def slope(self, x, y):
        s = self.sigmoid(x)
        return s + y


@bug(FORMULA, "missing|term|y|factor|sigmoid")
class OnlyTheGate(SiLU):
    def slope(self, x, y):
        return self.sigmoid(x)


@bug(REGION, r"x|region|interval|bump")
class WrongOnANarrowInterval(SiLU):
    def slope(self, x, y):
        return super().slope(x, y) * np.where(np.abs(x - 2.5) < 0.05, 1.1, 1)


@bug(REGION, r"x|region|interval|-5")
class WrongFarBelowZero(SiLU):
    def slope(self, x, y):
        return np.where(x < -5, 0, super().slope(x, y))


@correct(1.5)
class HardTanh(Elementwise):
    """y = x clipped to [-limit, limit]."""

    def __init__(self, limit=1.0):
        self.limit = limit

    def f(self, x):
        return np.clip(x, -self.limit, self.limit)

    def slope(self, x, y):
        return np.abs(x) < self.limit


@bug(FORMULA, "x|one side|only|wrong exactly where")
class OnlyTheUpperLimit(HardTanh):
    def slope(self, x, y):
        return x < self.limit


@bug(REGION, "limit|argument|default", arguments=())
class LimitHardCoded(HardTanh):
    def slope(self, x, y):
        return np.abs(x) < 1.0


@bug(FORMULA, "equals dy|straight|mask")
class StraightThrough(HardTanh):
    def slope(self, x, y):
        return 1


@correct()
class Softsign(Elementwise):
    def f(self, x):
        return x / (1 + np.abs(x))

    def slope(self, x, y):
        return 1 / (1 + np.abs(x)) ** 2


@bug(FORMULA, r"power|square|ratio|root|1 ?- ?\|y\||\*\*")
class PowerOneForTwo(Softsign):
    def slope(self, x, y):
        return 1 / (1 + np.abs(x))


@bug(FORMULA, r"x < 0|finite")
class AbsoluteValueMissing(Softsign):
    def slope(self, x, y):
        return 1 / (1 + x) ** 2


@correct()
class Square(Elementwise):
    def f(self, x):
        return x * x

    def slope(self, x, y):
        return 2 * x


@bug(FORMULA, r"0\.5|1/2")
class TwoForgotten(Square):
    def slope(self, x, y):
        return x


@bug(FORMULA, r"x|sign|wrong exactly where")
class AbsoluteSlope(Square):
    def slope(self, x, y):
        return 2 * np.abs(x)


@bug(INTERFACE, "overflow|integer|int8|promot|dtype|truncat")
class SquaresInSmallIntegers(Square):
    def forward(self, x, training=False):
        self._x = x
        if x.dtype.kind in "iub":
            x = x.astype("int8")
            return (x * x).astype("float64")
        return x * x


@correct()
class LogOfOnePlusSquare(Elementwise):
    def f(self, x):
        return np.log1p(x**2)

    def slope(self, x, y):
        return 2 * x / (1 + x**2)


@bug(FORMULA, r"dy\*2\*x|denominator|ratio|factor")
class DenominatorForgotten(LogOfOnePlusSquare):
    def slope(self, x, y):
        return 2 * x


@correct()
class SafeLog(Elementwise):
    """y = log(x), for positive x only."""

    input_domain = "positive"

    def f(self, x):
        return np.log(x)

    def slope(self, x, y):
        return 1 / x


@bug(FORMULA, r"ratio|x|epsilon|power|square")
class SquareInTheDenominator(SafeLog):
    def slope(self, x, y):
        return 1 / x**2


@bug(PRECISION, r"epsilon|x|1e-08|small|approximat|right to")
class EpsilonInTheLogDerivative(SafeLog):
    def slope(self, x, y):
        return 1 / (x + 1e-6)


@correct(shape=(4,))
class Scale(Layer):
    """y = gamma * x + beta."""

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return self.gamma * x + self.beta

    def backward(self, dy):
        self.dgamma = (dy * self._x).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        return dy * self.gamma


@bug(REGION, r"equals dy|gamma")
class GammaMissingInDx(Scale):
    def backward(self, dy):
        super().backward(dy)
        return dy.copy()


@bug(REGION, r"gamma")
class GammaFromTheConstruction(Scale):
    """Right while the parameter has its first value."""

    def build(self, input_shape):
        shape = super().build(input_shape)
        self._start = np.ones(input_shape)
        return shape

    def backward(self, dy):
        dx = super().backward(dy)
        return dx if "_start" not in self.__dict__ else dy * self._start


@bug(FORMULA, r"x|factor|equals")
class InputMissingForGamma(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = dy.sum(axis=0)
        return dx


@bug(FORMULA, r"y instead of x|output|beta")
class OutputForTheInput(Scale):
    def forward(self, x, training=False):
        self._y = super().forward(x)
        return self._y

    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = (dy * self._y).sum(axis=0)
        return dx


@bug(FORMULA, r"roll|permut|shift|column|reversed|entries")
class GradientsShiftedByOne(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = np.roll(self.dgamma, 1)
        return dx


@bug(REGION, r"gamma|negative|parameter|sign")
class AbsoluteGamma(Scale):
    def backward(self, dy):
        return np.abs(super().backward(dy) * np.sign(dy)) * np.sign(dy)


@correct(shape=(4,))
class PReLU(Layer):
    """y = x where x > 0, else alpha * x."""

    def build(self, input_shape):
        self.add_parameter("alpha", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, dy):
        self.dalpha = (dy * np.minimum(self._x, 0)).sum(axis=0)
        return np.where(self._x > 0, dy, self.alpha * dy)


@bug(FORMULA, r"x > 0|mask|all|x")
class AlphaGradientFromAllValues(PReLU):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dalpha = (dy * self._x).sum(axis=0)
        return dx


@bug(FORMULA, r"-1|sign")
class AlphaGradientSign(PReLU):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dalpha = (dy * np.maximum(-self._x, 0)).sum(axis=0)
        return dx


@bug(REGION, r"x < 0|alpha|parameter")
class AlphaIgnoredInDx(PReLU):
    def backward(self, dy):
        super().backward(dy)
        return dy * (self._x > 0)


@bug(FORMULA, r"1/batch size")
class AlphaGradientAveraged(PReLU):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dalpha = self.dalpha / len(dy)
        return dx


@correct(3)
class Polynomial(Layer):
    """y = sum over k of c[k] * x**k, with trained coefficients."""

    def __init__(self, degree):
        self.degree = degree

    def build(self, input_shape):
        self.add_parameter("c", (self.degree + 1,), "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return sum(self.c[k] * x**k for k in range(self.degree + 1))

    def backward(self, dy):
        x = self._x
        self.dc = np.array([(dy * x**k).sum() for k in range(self.degree + 1)])
        return dy * sum(k * self.c[k] * x ** (k - 1) for k in range(1, self.degree + 1))


@bug(FORMULA, r"missing|term|x\*\*2|no hypothesis|proportional|polynomial")
class HighestTermMissing(Polynomial):
    def backward(self, dy):
        super().backward(dy)
        return dy * sum(k * self.c[k] * self._x ** (k - 1) for k in range(1, self.degree))


@bug(FORMULA, r"entries|\[0\]|entry|never|1/")
class FirstCoefficientForgotten(Polynomial):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = np.concatenate([[0], self.dc[1:]])
        return dx


@bug(FORMULA, r"1/|batch|mean|size|constant")
class CoefficientsAveraged(Polynomial):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = self.dc / dy.size
        return dx


@bug(FORMULA, r"reversed")
class CoefficientsReversed(Polynomial):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = self.dc[::-1]
        return dx


@bug(REGION, r"zero|0|nan|finite|x")
class DividesByX(Polynomial):
    """x**k / x for x**(k - 1): not a number at exactly zero."""

    def backward(self, dy):
        super().backward(dy)
        with np.errstate(all="ignore"):
            return dy * sum(k * self.c[k] * self._x**k / self._x for k in range(1, self.degree + 1))
