"""StoredArray: an array on disk (HDF5, Zarr or anything with a shape and slices) whose rows are read when needed."""

import math
from typing import Any

import numpy as np

from minidl.typing import Array

IN_MEMORY = ("__array_interface__", "__dlpack__", "__cuda_array_interface__", "to_numpy", "toarray")


def is_stored(value: Any) -> bool:
    """Return whether ``value`` has a shape and slices, but none of the interfaces of an array in memory."""
    kind = type(value)
    if not hasattr(kind, "__getitem__") or any(hasattr(kind, name) for name in IN_MEMORY):
        return False
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and len(shape) > 0


class StoredArray:
    """Rows of ``source``, which stay on disk until they are requested by slice or by number.

    They are read as slices, and the rows of a batch in increasing order: HDF5 allows no other order, and reading a list
    of rows from compressed chunks takes ten times as long.
    """

    def __init__(self, source: Any, who: str) -> None:
        self.source, self.who = source, who
        self.shape: tuple[int, ...] = source.shape
        self.ndim, self.size = len(self.shape), math.prod(self.shape)
        dtype = getattr(source, "dtype", None)
        self.dtype: np.dtype[Any] = dtype if isinstance(dtype, np.dtype) else np.asarray(source[:1]).dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Array:
        if isinstance(rows, slice):
            return np.asarray(self.source[rows])
        rows, places = np.unique(np.asarray(rows), return_inverse=True)
        runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        return np.concatenate([self[run[0] : run[-1] + 1] for run in runs if len(run)] or [self[:0]])[places]

    def take(self, rows: Array, axis: int = 0) -> Array:
        """Return the rows with these numbers, in the order of the numbers."""
        return self[rows]
