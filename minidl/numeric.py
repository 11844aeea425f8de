"""Numeric kernels: the few functions that need care at the edges of floating point.

They keep the dtype of their input, are exact to a few units in the last place, and are silent for
all finite input; NaN gives NaN. On small arrays the number of NumPy calls is the cost.
"""

import math
from typing import Any

import numpy as np

from minidl.typing import Array

SQRT2_HEAD, SQRT2_TAIL = 1.4142135381698608, 2.420323420895794e-08  # 26 bits and the rest
BLOCK = 4096  # rows that float32 adds up without losing more than 5e-6

_erfc = np.frompyfunc(math.erfc, 1, 1)  # SciPy's loses two digits in the tail


def sigmoid(z: Array) -> Array:
    """Logistic function: ``1 / (1 + exp(-z))``."""
    e = np.exp(np.minimum(z, 50))  # 1 / (1 + exp(-50)) is 1 in every dtype
    return e / (1 + e)


def softplus(z: Array) -> Array:
    """Smooth ReLU: ``log(1 + exp(z))``; ``-softplus(-z)`` is the logarithm of the sigmoid."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def softmax(z: Array) -> Array:
    """Probabilities ``exp(z) / sum(exp(z))``, the sum over the last axis."""
    _, e = exp_below_largest(z.reshape(-1, z.shape[-1]))
    return (e / np.add.reduce(e, axis=0)).T.astype(z.dtype, order="C").reshape(z.shape)


def log_softmax(z: Array) -> Array:
    """Logarithm of `softmax`, exact also where the probability rounds to 1; ``z`` is (rows, columns)."""
    d, _, _, others = softmax_parts(z)
    with np.errstate(over="ignore"):  # it can be twice the largest number
        return (d - np.log1p(others)).T.astype(z.dtype, order="C")


def softmax_parts(z: Array) -> tuple[Array, Array, Array, Array]:
    """Return what softmax and its logarithm are made of, for ``z`` of shape (rows, columns).

    Returns
    -------
    d : array, (columns, rows)
        ``z`` minus the largest entry of its row, transposed.
    e : array, (columns, rows)
        ``exp(d)``, but 0 at the largest entry, whose 1 would swallow the digits of the others.
    top : array of int, (rows,)
        Where the largest entries are in the flattened ``e``.
    others : array, (rows,)
        Sums of ``e`` over the columns: the softmax is ``e / (1 + others)``, and ``1 / (1 + others)`` at ``top``.
    """
    d, e = exp_below_largest(z)
    top = z.argmax(axis=1) * len(z) + np.arange(len(z))
    e.reshape(-1)[top] = 0
    return d, e, top, np.add.reduce(e, axis=0)


def exp_below_largest(z: Array) -> tuple[Array, Array]:
    """Return ``d``, the transpose of ``z`` minus the largest entry of each row, and ``exp(d)``.

    The rounding of the difference does not hurt the exponential: float32 becomes float64, to be rounded by the caller
    at the very end. NumPy is faster on (columns, rows): it broadcasts and adds along long contiguous lines.
    """
    if z.dtype == np.float32:
        z = z.T.astype(np.float64, order="C")
        d = z - np.maximum.reduce(z, axis=0)
        return d, np.exp(d)
    z = z.T.copy()
    largest = np.maximum.reduce(z, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        d = np.maximum(z - largest, -np.finfo(z.dtype).max)
        c = d - z
        error = (z - (d - c)) - (largest + c)  # of the difference: Knuth's TwoSum
        e = np.exp(d)
        return d, np.where(e > 0, e + e * error, e)


def normal_cdf(z: Array) -> Array:
    """Distribution function of the standard normal: ``erfc(-z / sqrt(2)) / 2``, exact in the tails too."""
    if z.dtype == np.float32:
        from scipy import special  # slow to import

        return special.ndtr(z)  # computed in float64
    if z.dtype != np.float64:
        return _normal_cdf_without_erfc(z)
    z = np.clip(z, -40, 40)  # beyond that it is 0 or 1
    h = z * -np.sqrt(0.5)
    head = np.rint(h * 2**20) / 2**20  # times the head of sqrt(2) it is exact
    error = (-z - head * SQRT2_HEAD) - (h - head) * SQRT2_HEAD - h * SQRT2_TAIL  # of h, times sqrt(2)
    return np.asarray(_erfc(h), np.float64) / 2 - normal_density(z) * error


def normal_density(z: Array) -> Array:
    """Density of the standard normal: ``exp(-z**2 / 2) / sqrt(2 pi)``, exact in the tails too."""
    return exp_half_square(z) / np.sqrt(2 * np.arccos(z.dtype.type(-1)))


def exp_half_square(z: Array) -> Array:
    """``exp(-z**2 / 2)``, not hurt by the rounding of the square."""
    z = np.clip(z, -200, 200)  # beyond that it is 0
    if z.dtype == np.float32:
        return np.exp(np.square(z, dtype=np.float64) / -2).astype(np.float32)
    head = np.rint(z * 2**18) / 2**18  # so few digits that its square is exact
    y = np.exp(head * head / -2)
    return y + y * np.expm1((head - z) * (head + z) / 2)


def _normal_cdf_without_erfc(z: Array) -> Array:
    """As `normal_cdf`, for np.longdouble, which has no erfc: a series near 0, a continued fraction beyond 2."""
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


@np.errstate(all="ignore")
def in_dtype(array: Array, dtype: Any) -> Array:
    """Return a copy in ``dtype``, with infinities where it overflows."""
    return array.astype(dtype)


def one_hot(labels: Array, classes: int, dtype: Any = np.float32) -> Array:
    """Rows of zeros with a 1 at the label: integers (rows,) become (rows, classes)."""
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels] = 1
    return rows


_ones: dict[np.dtype[Any], Array] = {}  # dtype -> a vector of ones, made at first use


def ones(count: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector of ones to multiply with; up to 4,096 it is kept from call to call, so never write to it."""
    if count > BLOCK:
        return np.ones(count, dtype)
    vector = _ones.get(dtype)
    if vector is None:
        vector = _ones[dtype] = np.ones(BLOCK, dtype)
    return vector[:count]


def total(values: Array) -> Any:
    """Sum of all values, in float64 at least, silent where it overflows."""
    if values.dtype == np.float32:
        values = values.astype(np.float64)
    return np.vdot(values, ones(values.size, values.dtype)).item()  # as np.add.reduce, but 2 us cheaper and silent


def column_sums(dy: Array, out: Array | None = None) -> Array:
    """Sums over the rows, ``dy.sum(axis=0)``, with a relative error of at most 5e-6 in float32 up to 1e7 rows.

    Parameters
    ----------
    dy : array, (rows, columns)
    out : array, (columns,), optional
        Takes the sums; by default a new array.

    Notes
    -----
    ``ones @ dy`` for at most 4,096 rows, else such blocks added up in float64: `numpy.sum` adds row by row in
    float32, which is off by 9 % after 1e7 rows, and is up to 16 times slower.
    """
    rows = len(dy)
    if rows <= BLOCK:
        return np.dot(ones(rows, dy.dtype), dy, out)  # as np.matmul, but 1 us cheaper a call
    sums = np.zeros(dy.shape[1], np.promote_types(dy.dtype, np.float64))
    for start in range(0, rows, BLOCK):
        block = dy[start : start + BLOCK]
        sums += ones(len(block), dy.dtype) @ block
    if out is None:
        return sums.astype(dy.dtype, copy=False)
    out[...] = sums
    return out
