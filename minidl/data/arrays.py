"""From anything array-like to a finite array of real numbers, or an error that says what stands against it."""

import math
from typing import Any

import numpy as np

from minidl.errors import DataError
from minidl.typing import Array

BLOCK = 1 << 18  # values looked at together in a check: they stay in cache


def as_array(value: Any, who: str) -> Array:
    """Return ``value`` as an array of real numbers with at least one axis, copying only where it must.

    A `DataError` for ragged, sparse or masked data, strings, None, dates, complex numbers and records.
    """
    if isinstance(value, np.ndarray) and not hasattr(value, "mask"):
        array = value
    elif hasattr(value, "toarray"):
        raise DataError(f"{who}: expected a dense array, got a sparse one ({type(value).__name__}). Call .toarray().")
    elif hasattr(value, "filled"):
        if np.any(value.mask):
            raise DataError(f"{who}: expected numbers everywhere, got a masked array with masked entries. Fill them.")
        array = value.data
    else:
        try:
            array = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
        except (ValueError, TypeError) as error:
            raise DataError(f"{who}: expected an array, got something ragged or unreadable: {error}") from error
    if array.ndim == 0:
        shown = "None" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
        raise DataError(f"{who}: expected an array with a row for each example, got {shown}.")
    if array.dtype.kind == "O":
        array = _numbers(array, who)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{who}: expected real numbers, got an array of {array.dtype}. Convert or encode it first.")
    return array


def _numbers(array: Array, who: str) -> Array:
    for index, item in np.ndenumerate(array):
        if not isinstance(item, (int, float, np.number, np.bool_)) or isinstance(item, complex):
            raise DataError(f"{who}: expected real numbers, got {item!r} at {place(index)}.")
    return array.astype(np.float64)


def place(index: tuple[int, ...]) -> str:
    """Return how messages call a position: ``row 3, column 2``."""
    words = f"row {index[0]}"
    if len(index) == 2:
        return f"{words}, column {index[1]}"
    return words if len(index) == 1 else f"{words}, position {tuple(int(i) for i in index[1:])}"


@np.errstate(all="ignore")
def check_finite(array: Array, who: str, dtype: Any) -> None:
    """Raise a `DataError` with place and count if ``array`` holds a NaN or an infinity, or overflows ``dtype``."""
    if array.dtype.kind != "f" or not len(array):
        return
    step = max(1, BLOCK * len(array) // max(array.size, 1))
    for start in range(0, len(array), step):
        flat = np.asarray(array[start : start + step], dtype).ravel()
        total = np.dot(flat, flat)  # the fastest pass there is; finite unless something is wrong or huge
        if not math.isfinite(total) and not np.isfinite(flat).all():
            _complain_of_non_finite(array, who, np.dtype(dtype))


def _complain_of_non_finite(array: Array, who: str, dtype: np.dtype[Any]) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{who}: expected finite numbers, got {array[first]} at {place(first)} "
            f"({bad.sum()} of {array.size} values are not finite). Remove or replace them."
        )
    with np.errstate(over="ignore"):
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(array.astype(dtype)))[0])
    raise DataError(
        f"{who}: expected values that fit {dtype}, got {array[first]} at {place(first)}. "
        'Scale the data, or use Sequential(..., dtype="float64").'
    )
