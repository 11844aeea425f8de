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


@bug(FORMULA, "the mask is all ones")
class MaskAllOnes(ReLU):
    def slope(self, x, y):
        return y >= 0


@bug(FORMULA, "the mask is inverted")
class MaskInverted(ReLU):
    def slope(self, x, y):
        return x < 0


@bug(FORMULA, "only dy > 0 is let through")
class GuidedBackpropagation(ReLU):
    def backward(self, dy):
        return dy * (self._x > 0) * (dy > 0)


@bug(FORMULA, "only dy > 0 is let through")
class DeconvolutionRule(ReLU):
    def backward(self, dy):
        return np.maximum(dy, 0)


@bug(REGION, "convex combination")
class SlopeTwoAtZero(ReLU):
    def slope(self, x, y):
        return np.where(x == 0, 2, x > 0)


@bug(REGION, "convex combination")
class SlopeMinusOneAtZero(ReLU):
    def slope(self, x, y):
        return np.where(x == 0, -1, x > 0)


@bug(REGION, "x (>|<) 6")
class Relu6InTheBackwardOnly(ReLU):
    def slope(self, x, y):
        return (x > 0) & (x < 6)


@bug(FORMULA, r"x\|? < 0\.1")
class ThresholdShifted(ReLU):
    def slope(self, x, y):
        return x > 0.1


@bug(REGION, r"x\|? (<|>) 0\.003")
class ThresholdShiftedSlightly(ReLU):
    def slope(self, x, y):
        return x > 0.003


@bug(STATE, "works in place on the cached output")
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


@bug(FORMULA, "wrong exactly where x < 0")
class SlopeMissingBelowZero(LeakyReLU):
    def slope(self, x, y):
        return (x >= 0) * 1.0


@bug(FORMULA, r"negative_slope=0\.04|negative_slope\*\*2")
class SlopeSquared(LeakyReLU):
    def slope(self, x, y):
        return np.where(x >= 0, 1, self.negative_slope**2)


@bug(REGION, r"hard-coded|equals 0\.01\*dy there", arguments=())
class SlopeHardCoded(LeakyReLU):
    def slope(self, x, y):
        return np.where(x >= 0, 1, 0.01)


@bug(FORMULA, r"equals dy\*\(negative_slope where x > 0, else 1\)")
class SlopesSwapped(LeakyReLU):
    def slope(self, x, y):
        return np.where(x >= 0, self.negative_slope, 1)


@bug(REGION, "wrong for negative_slope")
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


@bug(FORMULA, "(at|for) y instead of x")
class SlopeAtTheOutput(Sigmoid):
    def slope(self, x, y):
        return self.f(y) * (1 - self.f(y))


@bug(FORMULA, r"equals dy\*\(1-y\), expected dy\*y\*\(1-y\)")
class SlopeWithoutY(Sigmoid):
    def slope(self, x, y):
        return 1 - y


@bug(FORMULA, r"factor y\*\(1-y\) is missing")
class SlopeMissing(Sigmoid):
    def slope(self, x, y):
        return 1.0


@bug(STATE, "works in place on the cached output")
class OutputTurnedIntoTheSlope(Sigmoid):
    def backward(self, dy):
        self._y *= 1 - self._y
        return dy * self._y


@bug(STATE, "writes into the upstream gradient")
class DxWrittenIntoDy(Sigmoid):
    def backward(self, dy):
        dy *= self._y * (1 - self._y)
        return dy


@bug(INTERFACE, "not finite at 800")
class SigmoidOverflows(Sigmoid):
    def f(self, x):
        e = np.exp(x)
        return e / (1 + e)


@bug(PRECISION, r"wrong exactly where .*0\.001\*dy there")
class SlopeClippedAway(Sigmoid):
    def slope(self, x, y):
        return np.maximum(y * (1 - y), 1e-3)


@bug(REGION, r"wrong exactly where .*-?4\b.*zero there")
class SlopeZeroBeyondFour(Sigmoid):
    def slope(self, x, y):
        return np.where(np.abs(x) > 4, 0, y * (1 - y))


@bug(PRECISION, r"equals 1e-07\*dy")
class EpsilonInTheSlope(Sigmoid):
    def slope(self, x, y):
        return y * (1 - y) + 1e-7


@correct()
class Tanh(Elementwise):
    def f(self, x):
        return np.tanh(x)

    def slope(self, x, y):
        return 1 - y**2


@bug(FORMULA, r"equals dy\*\(1-y\), expected dy\*\(1-y\*\*2\)")
class SquareMissing(Tanh):
    def slope(self, x, y):
        return 1 - y


@bug(FORMULA, r"1 ?\+ ?y")
class PlusForMinus(Tanh):
    def slope(self, x, y):
        return 1 + y**2


@bug(FORMULA, r"equals dy\*y\*\(1-y\), expected")
class SlopeOfSigmoid(Tanh):
    def slope(self, x, y):
        return y * (1 - y)


@bug(FORMULA, r"equals dy\*\(1-x\*\*2\)|becomes right for y instead of x")
class SlopeAtTheInput(Tanh):
    def slope(self, x, y):
        return 1 - x**2


@bug(FORMULA, r"\(1-y\*\*2\)\*\*2")
class SlopeAppliedTwice(Tanh):
    def slope(self, x, y):
        return (1 - y**2) ** 2


@bug(FORMULA, "(at|for) y instead of x")
class SlopeOfTheOutput(Tanh):
    def slope(self, x, y):
        return 1 - np.tanh(y) ** 2


@bug(PRECISION, "such as a finite difference")
class SlopeByFiniteDifference(Tanh):
    def slope(self, x, y):
        return (np.tanh(x + 1e-4) - np.tanh(x - 1e-4)) / 2e-4


@bug(PRECISION, "computed in float32")
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


@bug(FORMULA, "changes smoothly with x")
class SlopeOfAnotherGelu(GELU):
    def slope(self, x, y):
        from scipy.special import erf

        x = np.asarray(x, "float64")
        return 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


@bug(FORMULA, "expected .*product rule|term .*x.* is missing|term with x")
class ProductRuleForgotten(GELU):
    def slope(self, x, y):
        return 0.5 * (1 + self.inner(x))


@bug(FORMULA, r"term .*x\*\*3|factor 3")
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


@bug(INTERFACE, "not finite at 800")
class SoftplusOverflows(Softplus):
    def f(self, x):
        return np.log(1 + np.exp(x))


@bug(FORMULA, r"equals dy\*exp\(-y\), expected dy\*\(1-exp\(-y\)\)|gradient for -x instead of x")
class SigmoidOfMinusX(Softplus):
    def slope(self, x, y):
        return np.exp(-y)


@bug(REGION, "wrong exactly where x > 3")
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


@bug(FORMULA, r"term .*y.* too much|factor \(1 ?- ?s")
class SlopeWithTheWrongTerm(SiLU):
    def slope(self, x, y):
        s = self.sigmoid(x)
        return s + y


@bug(FORMULA, r"equals dy\*sigmoid\(x\): the term")
class OnlyTheGate(SiLU):
    def slope(self, x, y):
        return self.sigmoid(x)


@bug(REGION, r"2\.45 < x < 2\.55")
class WrongOnANarrowInterval(SiLU):
    def slope(self, x, y):
        return super().slope(x, y) * np.where(np.abs(x - 2.5) < 0.05, 1.1, 1)


@bug(REGION, "x < -5")
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


@bug(FORMULA, r"wrong exactly where x < -1\.")
class OnlyTheUpperLimit(HardTanh):
    def slope(self, x, y):
        return x < self.limit


@bug(REGION, "limit is hard-coded", arguments=())
class LimitHardCoded(HardTanh):
    def slope(self, x, y):
        return np.abs(x) < 1.0


@bug(FORMULA, "equals dy: the mask is all ones")
class StraightThrough(HardTanh):
    def slope(self, x, y):
        return 1


@correct()
class Softsign(Elementwise):
    def f(self, x):
        return x / (1 + np.abs(x))

    def slope(self, x, y):
        return 1 / (1 + np.abs(x)) ** 2


@bug(FORMULA, r"equals dy\*\(1-\|y\|\), expected dy\*\(1-\|y\|\)\*\*2")
class PowerOneForTwo(Softsign):
    def slope(self, x, y):
        return 1 / (1 + np.abs(x))


@bug(FORMULA, "wrong exactly where x < 0")
class AbsoluteValueMissing(Softsign):
    def slope(self, x, y):
        return 1 / (1 + x) ** 2


@correct()
class Square(Elementwise):
    def f(self, x):
        return x * x

    def slope(self, x, y):
        return 2 * x


@bug(FORMULA, r"constant 0\.5 = 1/2")
class TwoForgotten(Square):
    def slope(self, x, y):
        return x


@bug(FORMULA, r"expected 2\*dy\*x|wrong exactly where x < 0|sign")
class AbsoluteSlope(Square):
    def slope(self, x, y):
        return 2 * np.abs(x)


@bug(INTERFACE, "int8|integers? .*(overflow|truncated)")
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


@bug(FORMULA, r"equals 2\*dy\*x|1/\(1\+x\*\*2\)")
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


@bug(FORMULA, r"equals dy/x\*\*2")
class SquareInTheDenominator(SafeLog):
    def slope(self, x, y):
        return 1 / x**2


@bug(PRECISION, r"-1e-06\*dy/x\*\*2")
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


@bug(REGION, "gamma is missing")
class GammaMissingInDx(Scale):
    def backward(self, dy):
        super().backward(dy)
        return dy.copy()


@bug(REGION, "gamma is missing|stale copy")
class GammaFromTheConstruction(Scale):
    """Right while the parameter has its first value."""

    def build(self, input_shape):
        shape = super().build(input_shape)
        self._start = np.ones(input_shape)
        return shape

    def backward(self, dy):
        dx = super().backward(dy)
        return dx if "_start" not in self.__dict__ else dy * self._start


@bug(FORMULA, "factor x|gradient of the other parameter beta")
class InputMissingForGamma(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = dy.sum(axis=0)
        return dx


@bug(FORMULA, r"equals sum\(dy\*y, axis=0\), expected sum\(dy\*x")
class OutputForTheInput(Scale):
    def forward(self, x, training=False):
        self._y = super().forward(x)
        return self._y

    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = (dy * self._y).sum(axis=0)
        return dx


@bug(FORMULA, "shifted (back )?by one")
class GradientsShiftedByOne(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = np.roll(self.dgamma, 1)
        return dx


@bug(REGION, r"\|gamma\|: its sign is lost")
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


@bug(FORMULA, r"expected sum\(dy\*min\(x, 0\)")
class AlphaGradientFromAllValues(PReLU):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dalpha = (dy * self._x).sum(axis=0)
        return dx


@bug(FORMULA, "constant -1: wrong sign")
class AlphaGradientSign(PReLU):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dalpha = (dy * np.maximum(-self._x, 0)).sum(axis=0)
        return dx


@bug(REGION, r"equals dy\*\(x > 0\), expected|alpha is missing")
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


@bug(FORMULA, r"term .*x\*\*\d|passes through c|entry \d of c")
class HighestTermMissing(Polynomial):
    def backward(self, dy):
        super().backward(dy)
        return dy * sum(k * self.c[k] * self._x ** (k - 1) for k in range(1, self.degree))


@bug(FORMULA, "entries 0 .*zero there")
class FirstCoefficientForgotten(Polynomial):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = np.concatenate([[0], self.dc[1:]])
        return dx


@bug(FORMULA, "1/number of outputs")
class CoefficientsAveraged(Polynomial):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = self.dc / dy.size
        return dx


@bug(FORMULA, "reversed along axis 0")
class CoefficientsReversed(Polynomial):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = self.dc[::-1]
        return dx


@bug(REGION, r"at x\[2,0\] == 0 .*nan is not in")
class DividesByX(Polynomial):
    """x**k / x for x**(k - 1): not a number at exactly zero."""

    def backward(self, dy):
        super().backward(dy)
        with np.errstate(all="ignore"):
            return dy * sum(k * self.c[k] * self._x**k / self._x for k in range(1, self.degree + 1))
