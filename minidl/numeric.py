"""Numeric kernels: functions that need care at the limits of floating point.

They keep the dtype of their input, are accurate to a few units in the last place, and emit no warnings for
finite input; NaN gives NaN. On small arrays, the cost is the number of NumPy calls.
"""

import contextlib
import functools
import importlib.util
import itertools
import math
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.typing import Array

SERIAL = 9_984  # maximum length of a vector: for longer ones BLAS starts threads and gets slower
SUMMED_ROWS = 4096  # rows that float32 sums with a relative error of at most 5e-6


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
    return np.divide(e, np.add.reduce(e, axis=0), out=e).T.astype(z.dtype, order="C").reshape(z.shape)


def log_softmax(z: Array) -> Array:
    """Logarithm of `softmax`, accurate even where the probability rounds to 1; ``z`` is (rows, columns)."""
    d, _, _, others = softmax_parts(z)
    with np.errstate(over="ignore"):  # the result can be twice the largest number
        return (d - np.log1p(others)).T.astype(z.dtype, order="C")


def softmax_parts(z: Array) -> tuple[Array, Array, Array, Array]:
    """Return the terms of softmax and its logarithm for ``z`` of shape (rows, columns).

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

    The rounding of the difference does not affect the exponential: float32 becomes float64, which the caller rounds at
    the end. NumPy is faster on (columns, rows), where it broadcasts and adds along long contiguous axes.
    """
    if z.dtype.char == "f":
        d = z.T.astype(np.float64, order="C")
        d -= np.maximum.reduce(d, axis=0)
        return d, np.exp(d)
    z = z.T.copy()
    largest = np.maximum.reduce(z, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        d = np.maximum(z - largest, -np.finfo(z.dtype).max)
        c = d - z
        error = (z - (d - c)) - (largest + c)  # rounding error of the difference: Knuth's TwoSum
        e = np.exp(d)
        return d, np.where(e > 0, e + e * error, e)


def select(condition: Array, a: Any, b: Any, dtype: Any) -> Array:
    """Return ``a`` where the condition holds, else ``b``; both must be finite.

    `numpy.where` takes six times as long where the condition changes from value to value.
    """
    ones = condition.astype(dtype)
    return ones * a + (1 - ones) * b


def log_or_lowest(logarithm: Array) -> Array:
    """Return the logarithm, with 0 replaced by the smallest positive number."""
    return np.maximum(logarithm, np.log(np.finfo(logarithm.dtype).smallest_subnormal))


def in_dtype(array: Array, dtype: Any) -> Array:
    """Return ``array`` in ``dtype``, copying only if necessary; overflow gives infinities without a warning."""
    if array.dtype == dtype:
        return array
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def one_hot(labels: Array, classes: int, dtype: Any = np.float32) -> Array:
    """Rows of zeros with a 1 at the label: integers (rows,) become (rows, classes)."""
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels] = 1
    return rows


def ones(count: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector of ones; up to length 4,096 it is cached, so never write to it."""
    return _ones(dtype)[:count] if count <= SUMMED_ROWS else np.ones(count, dtype)


@functools.cache
def _ones(dtype: np.dtype[Any]) -> Array:
    return np.ones(SUMMED_ROWS, dtype)


def total(values: Array) -> Any:
    """Sum of all values, in at least float64, without a warning on overflow."""
    if values.dtype.char == "f":
        values = values.astype(np.float64)
    return dot_for(values.dtype)(values.ravel(), ones(values.size, values.dtype))


def column_sums(dy: Array, out: Array | None = None) -> Array:
    """Sums over the rows, ``dy.sum(axis=0)``, with a relative error of at most 5e-6 in float32 up to 1e7 rows.

    Parameters
    ----------
    dy : array, (rows, columns)
    out : array, (columns,), optional
        Array for the sums; by default a new one.

    Notes
    -----
    Computed as ``ones @ dy`` in blocks of at most 4,096 rows, which are added in float64. `numpy.sum` adds row by row
    in float32, which has an error of 9 % after 1e7 rows, and is up to 16 times slower.
    """
    rows = len(dy)
    if rows <= SUMMED_ROWS:
        return _ones(dy.dtype)[:rows].dot(dy, out)  # like np.matmul, but 1 us faster per call
    sums = np.zeros(dy.shape[1], np.promote_types(dy.dtype, np.float64))
    for start in range(0, rows, SUMMED_ROWS):
        block = dy[start : start + SUMMED_ROWS]
        sums += ones(len(block), dy.dtype) @ block
    out = np.empty_like(sums, dy.dtype) if out is None else out
    out[...] = sums
    return out


def axpy_for(dtype: "np.dtype[Any]", who: str) -> Any:
    """Return ``axpy(x, y, a=a)``, which adds ``a * x`` to the contiguous array ``y`` in place.

    Raises
    ------
    ArgumentError
        If ``dtype`` is neither float32 nor float64 in the machine's byte order; ``who`` opens the message.
    """
    if dtype not in (np.float32, np.float64):
        raise ArgumentError(f"{who}: values: expected float32 or float64, got {dtype}.")
    return getattr(_library(), {"f": "saxpy", "d": "daxpy"}[dtype.char], _axpy)


@functools.cache
def dot_for(dtype: "np.dtype[Any]") -> Any:
    """Return ``dot(x, y)`` for contiguous vectors: a number, without a warning if it overflows; faster than NumPy's."""
    return getattr(_library(), {"f": "sdot", "d": "ddot"}.get(dtype.char, ""), lambda x, y: np.vdot(x, y).item())


def _axpy(x: Array, y: Array, a: float) -> Array:
    return np.add(y, np.multiply(x, a), out=y)


@functools.cache
def _library() -> Any:
    """Return SciPy's BLAS wrapper without importing the rest of SciPy, which takes 0.3 s; None without SciPy."""
    name = "scipy.linalg._fblas"
    if name in sys.modules:
        return sys.modules[name]
    scipy = importlib.util.find_spec("scipy")
    if scipy is None:
        return None
    folders = [str(Path(folder, "linalg")) for folder in scipy.submodule_search_locations or ()]
    spec = PathFinder.find_spec(name, folders)
    if spec is not None and spec.loader is not None:
        with contextlib.suppress(ImportError):
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    from scipy.linalg import blas

    return blas


def counted(change: Callable[..., Any]) -> Any:
    """Return the C function ``change`` wrapped to count its calls; no signal can separate a call from its count.

    Nothing is cached: `functools.lru_cache` of size 0 counts in C, as ``cache_info().misses``.
    """
    return functools.lru_cache(maxsize=0)(change)


def without_first(change: Any) -> Callable[..., Any]:
    """Return the `counted` function ``change``, skipping as many calls as it has already had."""
    calls = itertools.chain(
        itertools.repeat(lambda *_, **__: None, change.cache_info().misses), itertools.repeat(change)
    )
    return lambda *arguments, **keywords: next(calls)(*arguments, **keywords)


@functools.lru_cache
def rescaling_period(*decays: float) -> int:
    """Return the number of steps between rescalings of deferred decay: 100, or fewer if ``decay**-100`` exceeds 1e5.

    Deferred decay turns ``m = beta * m + (1 - beta) * g`` into one pass. With k steps since the last rescaling, the
    state holds ``M = m / ((1 - beta) * beta**k)``, so the step is ``M += beta**-k * g``; rescaling is
    ``M *= beta**period``.
    """
    least = max(min(decays), 1e-9)  # 0 is as good: every step rescales
    return 100 if least >= 1e-5**0.01 else max(1, int(math.log(1e-5) / math.log(least)))
