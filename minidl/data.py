"""Data: what the user passes in, checked once and handed out batch by batch.

Arrays, lists, data frames and memory-mapped files become a `Table`, an iterable of batches a `Stream`;
neither is ever modified, and a memory-mapped file is only read a batch at a time.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.losses import Loss
from minidl.typing import Array, Shape

BLOCK = 1 << 18  # values looked at together in a check: they stay in cache
Batch = tuple[Array, Any, Array | None]  # x, y, sample_weight


class Table:
    """Rows of ``x`` with their ``y`` and ``sample_weight``, all checked.

    Parameters
    ----------
    x : array of shape (rows, ...)
    y : array of shape (rows, outputs), or labels of shape (rows,), or None
    sample_weight : array of shape (rows,) or None
    dtype : dtype
        What the batches of ``x`` are converted to.
    """

    def __init__(self, x: Array, y: Array | None, sample_weight: Array | None, dtype: Any) -> None:
        self.x, self.y, self.sample_weight = in_memory(x, dtype), y, sample_weight
        self.dtype = np.dtype(dtype)

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, rows: slice | Array) -> Batch:
        """Return ``x, y, sample_weight`` of these rows; ``x`` in the model's dtype."""
        if isinstance(rows, slice):
            x = self.x[rows]
            y = None if self.y is None else self.y[rows]
        else:
            x = self.x.take(rows, axis=0)
            y = None if self.y is None else self.y.take(rows, axis=0)
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return x.astype(self.dtype, copy=False), y, weight

    def batches(self, batch_size: int, rows: Array | None = None, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of ``rows`` in their order (all rows if None), from batch ``first`` on."""
        count = len(self) if rows is None else len(rows)
        for start in range(first * batch_size, count, batch_size):
            part = slice(start, start + batch_size)
            yield self.batch(part if rows is None else rows[part])


class Stream:
    """An iterable of batches ``(x, y)`` or ``(x, y, sample_weight)``, each checked as it arrives.

    Parameters
    ----------
    iterable : iterable
        Gone through once an epoch; with ``steps``, that many batches are taken from it each epoch.
    check : function
        Makes a `Table` of the arrays of a batch, or raises.
    steps : int, optional
        Batches an epoch; needed where the iterable has no end.
    """

    def __init__(self, iterable: Any, check: Any, steps: int | None, who: str) -> None:
        self.iterable, self.check, self.steps, self.who = iterable, check, steps, who
        self.iterator = iter(iterable) if steps is not None else None
        self.epochs = 0

    def skip_epochs(self, count: int) -> None:
        """Pass over the batches of ``count`` epochs, where each goes on in the iterable where the last one ended."""
        if self.steps is not None:
            for _ in range(count * self.steps):
                if next(self.iterator, self) is self:  # type: ignore[arg-type]
                    self.iterator = iter(self.iterable)
                    next(self.iterator, None)

    def batches(self, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, from batch ``first`` on."""
        iterator = iter(self.iterable) if self.iterator is None else self.iterator
        count = 0
        while self.steps is None or count < self.steps:
            try:
                item = next(iterator)
            except StopIteration:
                if self.iterator is None:
                    break
                iterator = self.iterator = iter(self.iterable)  # begin again in the middle of an epoch
                item = next(iterator, None)
                if item is None:
                    break
            count += 1
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
        table = self.check(*item, who=f"{self.who}: batch {index}: ")
        return table.batch(slice(None))

    def _complain(self, count: int) -> None:
        if self.epochs == 0 and count == 0:
            raise DataError(f"{self.who}: expected batches, got an iterable that yields nothing.")
        expected = "at least one" if self.steps is None else str(self.steps)
        raise DataError(
            f"{self.who}: expected {expected} batches in epoch {self.epochs + 1}, got {count}: "
            "the iterable is used up. "
            "Pass an iterable that can be gone through again (a list of batches, or an object whose __iter__ starts "
            "anew), or a generator without an end together with steps_per_epoch."
        )


def is_stream(x: Any, y: Any) -> bool:
    """Tell whether ``x`` is an iterable of batches and no array."""
    array_like = (
        hasattr(x, "__array__") or hasattr(x, "to_numpy") or hasattr(x, "toarray") or isinstance(x, (str, bytes))
    )
    if y is not None or array_like or not hasattr(x, "__iter__"):
        return False
    if isinstance(x, (list, tuple)):
        return bool(x) and isinstance(x[0], tuple) and len(x[0]) in (2, 3) and np.ndim(x[0][0]) > 1
    return True


def in_memory(array: Array, dtype: Any) -> Array:
    """Return ``array`` ready for fast batches: contiguous in ``dtype``, unless that takes more memory."""
    mapped = isinstance(array, np.memmap) or isinstance(array.base, np.memmap)
    if mapped or array.dtype.itemsize < np.dtype(dtype).itemsize:
        return np.asarray(array)
    return np.ascontiguousarray(array, dtype)


def as_array(value: Any, who: str) -> Array:
    """Return ``value`` as an array of real numbers with at least one axis, copying only where it must.

    Raises
    ------
    DataError
        For ragged, sparse or masked data, strings, None, dates, complex numbers and records.
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
        raise DataError(f"{who}: expected an array with a row for each example, got {describe(value)}.")
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


def describe(value: Any) -> str:
    """Return a short description of a wrong value for a message."""
    return "None" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"


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


def check_features(value: Any, input_shape: Shape, label: str, dtype: Any, who: str = "x") -> Array:
    """Return ``x`` as an array of shape (rows, *input_shape), finite in ``dtype``.

    Raises
    ------
    DataError, ShapeError
        With the layer (``label``) that the data does not fit.
    """
    x = as_array(value, who)
    if x.shape[1:] != input_shape:
        expected = "(" + ", ".join(["batch", *map(str, input_shape)]) + ")"
        fix = ""
        if x.ndim == 1:
            fix = f" For one row use {who}.reshape(1, -1), for one feature {who}.reshape(-1, 1)."
        elif len(input_shape) == 1 and x.ndim > 2 and x[:1].size == input_shape[0]:
            fix = " Add Flatten() before it."
        raise ShapeError(f"{label}: expected input of shape {expected}, got {x.shape}.{fix}")
    check_finite(x, who, dtype)
    return x


def check_targets(value: Any, rows: int, outputs: int, loss: Loss, dtype: Any, who: str = "y") -> Array:
    """Return ``y`` with a row for each of ``x``: labels of shape (rows,) or targets of shape (rows, outputs).

    Raises
    ------
    DataError, ShapeError
        If the rows or columns do not fit, or the loss cannot use the values.
    """
    y = as_array(value, who)
    if len(y) != rows:
        raise ShapeError(f"{who}: expected a row for each of x: x has {rows} rows, {who} has {len(y)}.")
    check_finite(y, who, dtype)
    if loss.sparse:
        if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1):
            raise ShapeError(
                f"{who}: expected labels of shape ({rows},), got {y.shape}. "
                f'For one-hot targets use loss="categorical_crossentropy".'
            )
        y = y.reshape(rows)
        loss.check_targets(y, outputs)
        return y.astype(np.intp, copy=False)
    if y.ndim == 1 and outputs == 1:
        y = y.reshape(rows, 1)
    if y.shape != (rows, outputs):
        fix = ' For integer labels use loss="sparse_categorical_crossentropy".' if loss.link == "softmax" else ""
        raise ShapeError(
            f"{who}: expected shape {(rows, outputs)}, as the model's output for these rows, got {y.shape}.{fix}"
        )
    loss.check_targets(y, outputs)
    return np.asarray(y, dtype)


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


def classes_of(y: Array) -> Array:
    """Return the class of each row as an integer: of labels, 0/1 targets, or one-hot rows."""
    if y.ndim == 2 and y.shape[1] > 1:
        return y.argmax(axis=1)
    return np.rint(y.reshape(len(y))).astype(np.intp)


def class_factors(class_weight: Any, y: Array, outputs: int) -> Array:
    """Return the weight of each row by its class; a class missing from ``class_weight`` counts 1.

    ``"balanced"`` gives class k the weight ``rows / (classes * rows of k)``, as scikit-learn does.
    """
    classes = classes_of(y)
    count = max(outputs, 2)
    if class_weight == "balanced":
        found = np.bincount(classes, minlength=count)
        present = found > 0
        table = np.where(present, len(classes) / (present.sum() * np.maximum(found, 1)), 1.0)
        return table[classes]
    if not isinstance(class_weight, dict):
        raise ArgumentError(f'class_weight: expected "balanced" or a dict of class to weight, got {class_weight!r}.')
    table = np.ones(count)
    for label, weight in class_weight.items():
        if checks.integer(label, "class_weight: class", minimum=0) >= count:
            raise ArgumentError(f"class_weight: expected classes in [0, {count}), got {label!r}.")
        table[label] = checks.number(weight, f"class_weight: weight of class {label}", at_least=0)
    return table[classes]


def split_rows(
    y: Array | None, rows: int, validation_split: float, split: str, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the row numbers for training and for validation, ``ceil(rows * validation_split)`` of them.

    Parameters
    ----------
    split : {"shuffle", "stratify", "last"}
        A random part, one with the classes in proportion, or the last rows as in Keras.
    """
    count = int(np.ceil(rows * validation_split))
    if count >= rows:
        raise DataError(f"validation_split: expected rows left for training, got {validation_split} of {rows} rows.")
    if split == "last":
        order = np.arange(rows)
    elif split == "shuffle":
        order = rng.permutation(rows)
    else:
        order = _stratified(classes_of(y), rng)  # type: ignore[arg-type]
    return np.sort(order[: rows - count]), np.sort(order[rows - count :])


def _stratified(classes: Array, rng: np.random.Generator) -> Array:
    """Return an order of the rows in which every stretch holds the classes in proportion."""
    position = np.empty(len(classes))
    for label in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == label))
        position[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(position, kind="stable")
