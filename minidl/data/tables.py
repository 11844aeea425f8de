"""Table and Stream: where batches come from.

Neither ever modifies what the user passed in, and a memory-mapped file is only read a batch at a time.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minidl.data.arrays import is_numbered, read_only
from minidl.errors import DataError
from minidl.typing import Array

ENDLESS = 100_000  # batches: an iterable without a length that yields more in an epoch is taken for endless
Batch = tuple[Array, Any, Array | None]  # x, y, sample_weight


class Table:
    """Checked rows of ``x`` with their ``y`` and ``sample_weight`` (or None); batches of ``x`` come in ``dtype``."""

    def __init__(self, x: Array, y: Array, sample_weight: Array | None, dtype: Any) -> None:
        self.x, self.y = read_only(in_memory(x, dtype)), read_only(y)
        self.sample_weight = sample_weight
        self.dtype = np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.x)

    def with_weight(self, sample_weight: Array) -> "Table":
        """Return a table of the same samples with other weights."""
        return Table(self.x, self.y, sample_weight, self.dtype)

    def batch(self, rows: slice | Array) -> Batch:
        """Return ``x, y, sample_weight`` of these rows; ``x`` in the model's dtype."""
        if isinstance(rows, slice):
            x = self.x[rows]
            y = self.y[rows]
        else:
            x = self.x.take(rows, axis=0)
            y = self.y.take(rows, axis=0)
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return x.astype(self.dtype, copy=False), y, weight

    def batches(self, batch_size: int, rows: Array | None = None, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of ``rows`` in their order (all rows if None), from batch ``first`` on."""
        count = len(self) if rows is None else len(rows)
        for start in range(first * batch_size, count, batch_size):
            part = slice(start, start + batch_size)
            yield self.batch(part if rows is None else rows[part])


class Stream:
    """An iterable of batches ``(x, y)`` or ``(x, y, sample_weight)``, each checked by ``check`` as it arrives.

    It is gone through once an epoch; with ``steps``, so many batches are taken from it each epoch.
    """

    def __init__(self, iterable: Any, check: Any, steps: int | None, who: str) -> None:
        self.iterable = _Numbered(iterable) if is_numbered(iterable) else iterable
        self.check, self.steps, self.who = check, steps, who
        self.endless = _endless(self.iterable)
        self.epochs = 0

    def skip_epochs(self, count: int) -> None:
        """Pass over the batches of ``count`` epochs, where each goes on in the iterable where the last one ended."""
        for _ in itertools.islice(self.endless, count * (self.steps or 0)):
            pass

    def batches(self, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, from batch ``first`` on."""
        count = 0
        items = self.iterable if self.steps is None else itertools.islice(self.endless, self.steps)
        for count, item in enumerate(items, start=1):
            if count > ENDLESS and self.steps is None and not hasattr(self.iterable, "__len__"):
                raise DataError(
                    f"{self.who}: expected an end within {ENDLESS:,} batches, got none. Pass the number of batches: "
                    "steps_per_epoch to fit, steps to evaluate."
                )
            if count > first:
                yield self._checked(item, count - 1)
        if count < (self.steps or 1):
            self._complain(count)
        self.epochs += 1

    def _checked(self, item: Any, index: int) -> Batch:
        if not isinstance(item, (tuple, list)) or not 2 <= len(item) <= 3:
            raise DataError(
                f"{self.who}: batch {index}: expected a tuple (x, y) or (x, y, sample_weight), "
                f"got {type(item).__name__}."
            )
        batch: Batch = self.check(*item, who=f"{self.who}: batch {index}: ")
        return batch

    def _complain(self, count: int) -> None:
        if self.epochs == 0 and count == 0:
            raise DataError(f"{self.who}: expected batches, got an iterable that yields nothing.")
        expected = "at least one" if self.steps is None else str(self.steps)
        raise DataError(
            f"{self.who}: expected {expected} batches in epoch {self.epochs + 1}, got {count}: "
            "the iterable is used up. Pass an iterable that can be gone through again (a list of batches, or an object "
            "whose __iter__ starts anew), or a generator without an end together with steps_per_epoch."
        )


class _Numbered:
    """Goes through the batches of an object that gives them by number, such as Keras' PyDataset."""

    def __init__(self, batches: Any) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        return (self.batches[number] for number in range(len(self)))


def _endless(iterable: Iterable[Any]) -> Iterator[Any]:
    """Go through ``iterable`` again and again, for as long as it yields anything."""
    before, count = -1, 0
    while count > before:
        before = count
        for item in iterable:
            count += 1
            yield item


def is_stream(x: Any, y: Any) -> bool:
    """Tell whether ``x`` is an iterable of batches and no array."""
    array_like = any(hasattr(x, name) for name in ("__array__", "to_numpy", "toarray"))
    if y is not None or array_like or isinstance(x, (str, bytes, dict, set)):
        return False
    if isinstance(x, (list, tuple)):
        return bool(x) and isinstance(x[0], tuple) and len(x[0]) in (2, 3) and np.ndim(x[0][0]) > 1
    return hasattr(x, "__iter__") or (is_numbered(x) and hasattr(x, "__len__"))


@np.errstate(all="ignore")
def in_memory(array: Array, dtype: Any) -> Array:
    """Return ``array`` ready for fast batches: contiguous in ``dtype``, unless that takes more memory."""
    mapped = isinstance(array, np.memmap) or isinstance(array.base, np.memmap)
    if mapped or array.dtype.itemsize < np.dtype(dtype).itemsize:
        return np.asarray(array)
    return np.ascontiguousarray(array, dtype)
