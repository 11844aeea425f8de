"""From anything array-like to finite arrays of real numbers, which fit a model: features, targets, sample weights.

What does not fit is a `ShapeError` or a `DataError`.
"""

import math
from typing import Any

import numpy as np

from minidl import checks
from minidl.checks import batch_shape
from minidl.errors import DataError, ShapeError
from minidl.numeric import in_dtype
from minidl.typing import Array, Shape

CHECKED = 1 << 18  # values that are checked together: they stay in cache


def check_features(value: Any, input_shape: Shape, layer: Any, dtype: Any, who: str = "x") -> Array:
    """Return ``x`` as an array of shape (rows, *input_shape), finite in ``dtype``, for ``layer``, which takes it."""
    x = as_array(value, who)
    if x.shape[1:] != input_shape:
        fix = ""
        if x.ndim == 1:
            fix = " For one row use x.reshape(1, -1), for one feature x.reshape(-1, 1)."
        elif len(input_shape) == 1 and x.ndim > 2 and x[:1].size == input_shape[0]:
            fix = " Add Flatten() before it."
        raise ShapeError(f"{layer.label}: expected input of shape {batch_shape(input_shape)}, got {x.shape}.{fix}")
    check_finite(x, who, dtype)
    return x


def check_weights(value: Any, rows: int, dtype: Any, who: str = "sample_weight") -> Array | None:
    """Return the weights as an array of shape (rows,), finite and not negative; None for None."""
    if value is None:
        return None
    weight = as_array(value, who)
    if weight.shape != (rows,):
        raise ShapeError(f"{who}: expected shape ({rows},), one weight for each row of x, got {weight.shape}.")
    check_finite(weight, who, dtype)
    if (weight < 0).any():
        first = int(np.argmax(weight < 0))
        raise DataError(f"{who}: expected weights of at least 0, got {weight[first]} at row {first}.")
    return weight.astype(dtype)


def as_array(value: Any, who: str) -> Array:
    """Return ``value`` as an array of real numbers with at least one axis, copying only where it must.

    A `DataError` for ragged, sparse or masked data, strings, None, dates, complex numbers and records.
    """
    if type(value) is np.ndarray and value.dtype.kind in "fiub" and value.ndim:
        return value
    if isinstance(value, np.ndarray) and not hasattr(value, "mask"):
        array = value
    elif hasattr(value, "toarray"):
        raise DataError(f"{who}: expected a dense array, got a sparse one ({type(value).__name__}). Call .toarray().")
    elif hasattr(value, "filled"):
        if np.any(value.mask):
            raise DataError(f"{who}: expected numbers everywhere, got a masked array with masked entries. Fill them.")
        array = value.data
    elif is_numbered(value):
        # NumPy would ask for one item after another, without end where no IndexError comes
        raise DataError(f"{who}: expected an array, got {type(value).__name__}, which has no __iter__. Add it.")
    else:
        try:
            array = np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)
        except Exception as error:  # whatever __array__ or to_numpy raises
            raise DataError(f"{who}: expected an array, got something ragged or unreadable: {error}") from error
    if array.ndim == 0:
        shown = "None" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
        raise DataError(f"{who}: expected an array with a row for each example, got {shown}.")
    if array.dtype.kind == "O":
        array = _numbers(array, who)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{who}: expected real numbers, got an array of {array.dtype}. Convert or encode it first.")
    return array


def is_numbered(value: Any) -> bool:
    """Tell whether ``value`` gives its items by number alone, as Keras' PyDataset does."""
    other_ways = ("__iter__", "__array__", "to_numpy")
    return hasattr(value, "__getitem__") and not any(hasattr(value, name) for name in other_ways)


def _numbers(array: Array, who: str) -> Array:
    for index, item in np.ndenumerate(array):
        if not isinstance(item, (int, float, np.integer, np.floating, np.bool_)) or isinstance(item, np.timedelta64):
            raise DataError(
                f"{who}: expected real numbers, got {item!r} at {checks.place(index)}. Convert or encode it."
            )
    try:
        with np.errstate(over="ignore"):  # an infinity is found by check_finite
            return array.astype(np.float64)
    except OverflowError:
        raise DataError(f"{who}: expected numbers that fit float64, got a longer integer.") from None


def read_only(array: Array) -> Array:
    """Return a view of ``array`` that cannot be written into: what the user passed in stays as it is."""
    view = array.view()
    view.flags.writeable = False
    return view


def check_finite(array: Array, who: str, dtype: Any) -> None:
    """Raise a `DataError` with place and count if ``array`` holds a NaN or an infinity, or overflows ``dtype``."""
    if array.dtype.kind != "f" or not len(array):
        return
    step = max(1, CHECKED * len(array) // max(array.size, 1))
    for start in range(0, len(array), step):
        block = array[start : start + step]
        block = in_dtype(block, dtype)
        square = np.vdot(block, block)  # the fastest pass there is; finite unless something is wrong or huge
        if not math.isfinite(square) and not np.isfinite(block).all():
            _complain_of_non_finite(array, who, np.dtype(dtype))


def _complain_of_non_finite(array: Array, who: str, dtype: np.dtype[Any]) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{who}: expected finite numbers, got {array[first]} at {checks.place(first)} "
            f"({bad.sum()} of {array.size} values are not finite). Remove or replace them."
        )
    first = tuple(int(i) for i in np.argwhere(~np.isfinite(in_dtype(array, dtype)))[0])
    raise DataError(
        f"{who}: expected values that fit {dtype}, got {array[first]!s} at {checks.place(first)}. "
        'Scale the data, or use Sequential(..., dtype="float64").'
    )
