"""Table: the samples that a user passed in, returned in batches.

The samples are never modified, and arrays on disk are read one batch at a time.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.data.arrays import Batch, read_only
from minidl.data.stored import StoredArray
from minidl.permutation import Permutation
from minidl.typing import Array


class Table:
    """Checked rows of ``x``, ``y`` and ``sample_weight`` (or None); batches come in ``dtype`` and ``y_dtype``."""

    def __init__(self, x: Any, y: Array, sample_weight: Array | None, dtype: Any, y_dtype: Any) -> None:
        self.x: Any = x if isinstance(x, StoredArray) else read_only(in_memory(x, dtype))
        self.y, self.sample_weight = read_only(in_memory(y, y_dtype)), sample_weight
        self.dtype, self.y_dtype = np.dtype(dtype), np.dtype(y_dtype)

    def __len__(self) -> int:
        return len(self.x)

    def with_weight(self, sample_weight: Array) -> "Table":
        """Return a table of the same samples with new weights."""
        return Table(self.x, self.y, sample_weight, self.dtype, self.y_dtype)

    def batch(self, rows: slice | Array) -> Batch:
        """Return ``x, y, sample_weight`` of these rows, in the dtypes of the model and its loss."""
        x, y = (self.x[rows], self.y[rows]) if isinstance(rows, slice) else (self.x.take(rows, 0), self.y.take(rows, 0))
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return x.astype(self.dtype, copy=False), y.astype(self.y_dtype, copy=False), weight

    def batches(
        self, batch_size: int, rows: Array | Permutation | None = None, first: int = 0, steps: int | None = None
    ) -> Iterator[Batch]:
        """Yield batches ``first`` to ``steps - 1`` of ``rows`` (None for all rows), in the order given."""
        for start in range(0, len(self if rows is None else rows), batch_size)[first:steps]:
            part = slice(start, start + batch_size)
            yield self.batch(part if rows is None else rows[part])


@np.errstate(all="ignore")
def in_memory(array: Array, dtype: Any) -> Array:
    """Return ``array`` contiguous and in ``dtype`` for fast batches, unless it is on disk or that takes more memory."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    if isinstance(owner, np.memmap) or array.dtype.itemsize < np.dtype(dtype).itemsize:
        return array
    return np.ascontiguousarray(array, dtype)
