"""Activations, losses and their derivatives against mpmath, in units in the last place (ulp) of the exact value."""

import mpmath
import numpy as np
import pytest

from minidl import layers, losses
from tests.test_numeric import exact_normal_cdf, exact_normal_density, exact_sigmoid, exact_softplus, points, ulps

ONE = mpmath.mpf(1)


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(40):
        yield


def exp(z):
    return mpmath.exp(z) if z > -1e5 else mpmath.mpf(0)


def of_activation(layer):
    def compute(z):
        y = layer.forward(z)
        return y, layer.backward(np.ones_like(z))

    return compute


def of_loss(loss, target):
    """The loss of each single value, and its derivative for it."""

    def compute(z):
        pairs = []
        for value in z:
            found = loss.forward(np.full((1, 1), value), np.full((1, 1), target, z.dtype))
            pairs.append((found, loss.backward()[0, 0]))
        return tuple(np.array(column, z.dtype) for column in zip(*pairs, strict=True))

    return compute


def root_of_silu(z):
    s = exact_sigmoid
    return s(z) * (1 + z * s(-z)), max(s(z), abs(z) * s(z) * s(-z))


def root_of_gelu(z):
    p, density = exact_normal_cdf(z), exact_normal_density(z)
    return p + z * density, max(p, abs(z) * density)


def logcosh(z):
    return mpmath.log1p(2 * mpmath.sinh(z / 2) ** 2) if abs(z) < 100 else abs(z) - mpmath.log(2)


LOGITS = {"from_logits": True}
CASES = {
    # name: what computes value and derivative; the exact value; the exact derivative (with a scale where it has a root)
    "sigmoid": (of_activation(layers.Sigmoid()), exact_sigmoid, lambda z: exact_sigmoid(z) * exact_sigmoid(-z)),
    "tanh": (
        of_activation(layers.Tanh()),
        mpmath.tanh,
        lambda z: mpmath.sech(z) ** 2 if abs(z) < 1e5 else mpmath.mpf(0),
    ),
    "relu": (of_activation(layers.ReLU()), lambda z: max(z, 0 * z), lambda z: mpmath.mpf(z >= 0)),
    "leaky_relu": (
        of_activation(layers.LeakyReLU(0.25)),
        lambda z: z if z >= 0 else z / 4,
        lambda z: ONE if z >= 0 else ONE / 4,
    ),
    "elu": (
        of_activation(layers.ELU()),
        lambda z: z if z > 0 else (mpmath.expm1(z) if z > -1e5 else -ONE),
        lambda z: ONE if z > 0 else exp(z),
    ),
    "gelu": (of_activation(layers.GELU()), lambda z: z * exact_normal_cdf(z), root_of_gelu),
    "silu": (of_activation(layers.SiLU()), lambda z: z * exact_sigmoid(z), root_of_silu),
    "softplus": (of_activation(layers.Softplus()), exact_softplus, exact_sigmoid),
    "binary_crossentropy, logits, 1": (
        of_loss(losses.BinaryCrossentropy(**LOGITS), 1),
        lambda z: exact_softplus(-z),
        lambda z: -exact_sigmoid(-z),
    ),
    "binary_crossentropy, logits, 0": (of_loss(losses.BinaryCrossentropy(**LOGITS), 0), exact_softplus, exact_sigmoid),
    "mean_squared_error": (of_loss(losses.MeanSquaredError(), 0), lambda z: z * z, lambda z: 2 * z),
    "mean_absolute_error": (of_loss(losses.MeanAbsoluteError(), 0), abs, mpmath.sign),
    "huber": (
        of_loss(losses.Huber(), 0),
        lambda z: z * z / 2 if abs(z) <= 1 else abs(z) - ONE / 2,
        lambda z: max(min(z, ONE), -ONE),
    ),
    "log_cosh": (of_loss(losses.LogCosh(), 0), logcosh, mpmath.tanh),
}
# x * P(x) and x * s(x) far below 0: the second factor is subnormal, and has fewer digits.
SUBNORMAL_FACTORS = ("gelu", "silu")


def worst_errors(name, dtype, count):
    """Return the largest errors of value and derivative over ``count`` points and the special ones."""
    compute, value, derivative = CASES[name]
    z = points(dtype)
    z = np.concatenate([z[:: max(1, len(z) // count)], z[-9:]])
    z = z[np.abs(z) <= 1e4]
    found, slope = compute(z)
    exact = [value(mpmath.mpf(item)) for item in z.tolist()]
    slopes = [derivative(mpmath.mpf(item)) for item in z.tolist()]
    scales = [item[1] if isinstance(item, tuple) else item for item in slopes]
    slopes = [item[0] if isinstance(item, tuple) else item for item in slopes]
    return in_units(name, found, exact, exact), in_units(name, slope, slopes, scales)


def in_units(name, found, exact, scales):
    """Return the largest error in ulp of the exact value, or of its larger summand where two cancel."""
    info = np.finfo(found.dtype)
    if name in SUBNORMAL_FACTORS:
        lowest = (120 if found.dtype == np.float32 else 800) * mpmath.mpf(float(info.tiny))  # where exp(z) is subnormal
        scales = [max(abs(scale), lowest) for scale in scales]
    units = [
        mpmath.ldexp(1, max(mpmath.frexp(scale)[1] - 1 if scale else info.minexp, info.minexp) - info.nmant)
        for scale in scales
    ]
    return max(float(abs(mpmath.mpf(a) - b) / unit) for a, b, unit in zip(found.tolist(), exact, units, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives_are_exact_to_4_ulp(name, dtype):
    assert max(worst_errors(name, dtype, 500)) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives_are_exact_to_4_ulp_on_10000_points(name, dtype, record_property):
    value, derivative = worst_errors(name, dtype, 10_000)
    record_property("figure", f"ulp: {name}, {dtype.__name__}: value {value:.2f}, derivative {derivative:.2f}")
    assert max(value, derivative) <= 4


def test_the_measure_sees_an_error_of_one_digit():
    value = np.array([1.0 + 2.0**-52])
    assert in_units("sigmoid", value, [ONE], [ONE]) == ulps(value, [ONE]) == 1.0


def test_a_nan_goes_through_silently():
    for compute, _, _ in CASES.values():
        value, slope = compute(np.array([np.nan, 1.0], "float32"))
        assert np.isnan(value[0])
        assert np.isfinite(value[1])
        assert np.isfinite(slope[1])
