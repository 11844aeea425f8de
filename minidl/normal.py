"""The standard normal distribution, accurate to a few units in the last place, as GELU needs it."""

import math

import numpy as np

from minidl.typing import Array

SQRT2_HEAD, SQRT2_TAIL = 1.4142135381698608, 2.420323420895794e-08  # sqrt(2): the first 26 bits and the remainder

_erfc = np.frompyfunc(math.erfc, 1, 1)  # SciPy's loses two digits in the tail


def normal_cdf(z: Array) -> Array:
    """Distribution function of the standard normal: ``erfc(-z / sqrt(2)) / 2``, also accurate in the tails."""
    if z.dtype == np.float32:
        from scipy import special  # slow to import

        return special.ndtr(z)  # computed in float64
    if z.dtype != np.float64:
        return _normal_cdf_without_erfc(z)
    z = np.clip(z, -40, 40)  # beyond, the result is 0 or 1
    h = z * -np.sqrt(0.5)
    head = np.rint(h * 2**20) / 2**20  # its product with the head of sqrt(2) is exact
    error = (-z - head * SQRT2_HEAD) - (h - head) * SQRT2_HEAD - h * SQRT2_TAIL  # of h, times sqrt(2)
    return np.asarray(_erfc(h), np.float64) / 2 - normal_density(z) * error


def normal_density(z: Array) -> Array:
    """Density of the standard normal: ``exp(-z**2 / 2) / sqrt(2 pi)``, also accurate in the tails."""
    return exp_half_square(z) / np.sqrt(2 * np.arccos(z.dtype.type(-1)))


def exp_half_square(z: Array) -> Array:
    """``exp(-z**2 / 2)``, unaffected by the rounding of the square."""
    z = np.clip(z, -200, 200)  # beyond, the result is 0
    if z.dtype == np.float32:
        return np.exp(np.square(z, dtype=np.float64) / -2).astype(np.float32)
    head = np.rint(z * 2**18) / 2**18  # so few digits that its square is exact
    y = np.exp(head * head / -2)
    return y + y * np.expm1((head - z) * (head + z) / 2)


def _normal_cdf_without_erfc(z: Array) -> Array:
    """`normal_cdf` for np.longdouble, which has no erfc: a series near 0, a continued fraction beyond 2."""
    x = np.abs(z)
    near, far = np.minimum(x, 2), np.maximum(x, 2)
    term = area = near
    for k in range(3, 91, 2):  # Marsaglia, 2004
        term = term * near * near / k
        area = area + term
    fraction = far
    for k in range(150, 0, -1):  # Laplace, 1805
        fraction = far + k / fraction
    density = normal_density(x)
    area = density * area
    upper = np.where(x < 2, 0.5 - area, density / fraction)
    return np.where(z < 0, upper, np.where(x < 2, 0.5 + area, 1 - upper))
