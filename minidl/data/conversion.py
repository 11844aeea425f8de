"""Conversion: array-like objects become arrays of real numbers, or raise an error that says why they cannot.

Accepted are NumPy arrays, arrays of other libraries, data frames, lists and arrays on disk; not collections of arrays.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl import checks
from minidl.data.frames import SHOWN, columns_of, has_plain_columns, is_frame
from minidl.data.stored import StoredArray, is_stored
from minidl.errors import DataError
from minidl.typing import Array

# The ways to read an array, in this order: pyarrow's to_numpy rejects more than its __array__; cuDF's __array__ raises.
READERS: dict[str, Callable[[Any], Any]] = {
    "__array__": np.asarray,
    "to_numpy": lambda value: value.to_numpy(),
    "__dlpack__": np.from_dlpack,
}
NUMBERS = (int, float, np.integer, np.floating, np.bool_)


def convert(value: Any, who: str, column: str | None = None, *, on_disk: bool = False) -> Any:
    """Return ``value`` as an array of real numbers with at least one axis, copying only if necessary.

    Raises a `DataError` for ragged, sparse or masked data, collections of arrays, strings, None, dates, complex numbers
    and records; ``column`` names the column of a frame. With ``on_disk``, an array on disk becomes a `StoredArray`.
    """
    if is_frame(value) and not has_plain_columns(value):
        return _join([convert(part, who, name) for name, part in columns_of(value)], len(value), who)
    if is_stored(value):
        stored = StoredArray(value, who)
        return stored if on_disk and stored.dtype.kind in "fiub" else convert(stored[:], who)
    array, where = _read(value, who), "" if column is None else f" in column {column!r}"
    if array.ndim == 0:
        raise DataError(f"{who}: expected an array with a row for each example, got {_described(value)}.")
    if array.dtype.kind == "O":
        array = _numbers(array, who, where)
    if array.dtype.kind not in "fiub":
        got = f"an array of {array.dtype}{where}"
        raise DataError(f"{who}: expected real numbers, got {got}. Convert or encode it first.")
    return array


def is_numbered(value: Any) -> bool:
    """Return whether the items of ``value`` are accessible by index only, as in Keras' PyDataset."""
    other_ways = ("__iter__", "shape", *READERS)
    return hasattr(value, "__getitem__") and not any(hasattr(value, name) for name in other_ways)


def _read(value: Any, who: str) -> Array:
    """Return ``value`` as an array of any type."""
    kind, name = type(value), type(value).__name__  # look at the class: a frame has its columns as attributes
    if hasattr(kind, "toarray"):
        raise DataError(f"{who}: expected a dense array, got a sparse one ({name}). Call .toarray().")
    if hasattr(kind, "filled"):
        if np.any(value.mask):
            raise DataError(f"{who}: expected numbers everywhere, got a masked array with masked entries. Fill them.")
        return np.asarray(value.data)
    if is_numbered(value):
        # NumPy would request item after item, endlessly if no IndexError is raised
        raise DataError(f"{who}: expected an array, got {name}, which has no __iter__. Add it, or collect() it.")
    failure: str | None = None  # a text: the traceback of the exception would keep this frame, and so the data, alive
    ways = [read for method, read in READERS.items() if hasattr(kind, method)]
    for read in ways or ([] if is_mapping(value) else [np.asarray]):
        try:
            return np.asarray(read(value))
        except Exception as error:  # the other library may raise anything
            failure = failure or str(error)
    if failure is None:
        return np.array(None)
    got = _collection(value) or f"something ragged or unreadable: {failure}"
    raise DataError(f"{who}: expected an array, got {got}")


def is_mapping(value: Any) -> bool:
    """Return whether ``value`` holds arrays by name, as a dict, an npz file or an HDF5 group does."""
    return hasattr(type(value), "keys") and not hasattr(type(value), "__array__")


def _described(value: Any) -> str:
    """Return how messages describe a value that is not an array, and how to pass it."""
    name = type(value).__name__
    if is_mapping(value):
        shown = ", ".join([repr(key) for key in value][:SHOWN])
        return f"{name} with arrays named {shown}. Pass one of them"
    if hasattr(value, "__next__"):
        return f"{name}, an iterator. Make it a list"
    return "None" if value is None else f"{name} {str(value)[:40]!r}"


def _collection(value: Any) -> str | None:
    """Return how messages describe a list of samples ``(x, y)``, or arrays ``(x, y)`` in one argument; else None."""
    if not isinstance(value, (list, tuple)) or not all(hasattr(item, "__len__") for item in value):
        return None
    sizes = {len(item) for item in value}
    if len(value) in (2, 3) and len(sizes) == 1 and all(hasattr(item, "shape") for item in value):
        return "arrays (x, y) as one argument. Pass them one by one: x, y."
    if sizes in ({2}, {3}) and isinstance(value[0], (tuple, list)):
        return "samples (x, y). Take them apart: x, y = map(np.array, zip(*samples))."
    return None


def _numbers(array: Array, who: str, where: str) -> Array:
    """Return an object array, whose items must be real numbers, as float64."""
    kinds: set[Any] = set(map(type, array.flat))
    wrong = {kind for kind in kinds if not issubclass(kind, NUMBERS) or issubclass(kind, np.timedelta64)}
    if wrong:
        index, item = next(pair for pair in np.ndenumerate(array) if type(pair[1]) in wrong)
        place = f"{checks.place(index)}{where.replace(' in', ',')}"
        if isinstance(item, (list, tuple, np.ndarray)):
            fix = "An array of vectors of one length is np.stack(list(...))."
            raise DataError(f"{who}: expected real numbers, got a vector at {place}. {fix}")
        raise DataError(f"{who}: expected real numbers, got {item!r} at {place}. Convert or encode it.")
    try:
        with np.errstate(over="ignore"):  # check_finite reports infinities
            return array.astype(np.float64)
    except OverflowError:
        raise DataError(f"{who}: expected numbers that fit float64, got a longer integer{where}.") from None


def _join(columns: list[Array], rows: int, who: str) -> Array:
    """Return the columns of a frame as one array of their common type."""
    array = np.empty((rows, len(columns)), np.result_type(np.bool_, *columns), order="F")
    for index, column in enumerate(columns):
        if column.ndim != 1:
            raise DataError(f"{who}: expected columns of numbers, got vectors in column {index}. Stack them first.")
        array[:, index] = column
    return array
