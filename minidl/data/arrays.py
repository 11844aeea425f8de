"""Samples as finite real arrays that fit a network and its loss: features, targets, sample weights.

Anything else raises a `ShapeError` or a `DataError`.
"""

import math
from typing import Any

import numpy as np

from minidl import checks
from minidl.checks import batch_shape
from minidl.data.classes import class_factors
from minidl.data.conversion import convert
from minidl.data.frames import check_columns, check_order, column_names
from minidl.errors import ArgumentError, DataError, ShapeError, warn
from minidl.numeric import in_dtype
from minidl.typing import Array

CHECKED = 1 << 18  # values checked at a time: they stay in cache
COARSE = 1024  # rounding steps: a column whose range spans fewer is examined
LOST = 0.01  # fraction of the distinct values: in a large column, a few neighbours become equal by chance
NAMED = 5  # maximum number of columns named in a warning
Batch = tuple[Array, Any, Array | None]  # x, y, sample_weight


class Samples:
    """Checks samples against a network and its loss, and returns them as arrays."""

    def __init__(self, network: Any, loss: Any) -> None:
        self.network, self.loss = network, loss
        self.y_dtype: Any = np.intp if loss.sparse else network.dtype

    def batch(
        self, x: Any, y: Any, weight: Any, class_weight: Any = None, who: str = "", *, first: bool = False
    ) -> Batch:
        """Return the samples as one checked batch; the ``first`` one gives a warning if rounding loses values."""
        x, y, weight = self.checked(x, y, weight, who, first=first)
        if class_weight is not None:
            weight = self.weigh_classes(class_weight, y, weight, who)
        return read_only(in_dtype(x, self.network.input_dtype)), read_only(in_dtype(y, self.y_dtype)), weight

    def checked(
        self, x: Any, y: Any, weight: Any, who: str, *, first: bool, on_disk: bool = False
    ) -> tuple[Any, Array, Array | None]:
        """Return the samples as arrays of any real dtype; with ``on_disk``, ``x`` may stay there.

        Raises a `DataError` if there are none, or if data frames list them in different orders.
        """
        features = check_features(x, self.network, f"{who}x", on_disk=on_disk)
        if features is not x or not len(x):
            if not len(features):
                raise DataError(f"{who}x: expected at least one row, got shape {features.shape}.")
            check_order(x, y, f"{who}y")
            check_order(x, weight, f"{who}sample_weight")
        targets = check_targets(y, len(features), self.network, self.loss, f"{who}y")
        if first:
            warn_of_rounding(features, f"{who}x", self.network.input_dtype, x)
            if not self.loss.sparse:
                warn_of_rounding(as_array(y, who), f"{who}y", self.network.dtype, y)
        if weight is not None:
            weight = check_weights(weight, len(features), self.network.dtype, f"{who}sample_weight")
        return features, targets, weight

    def weigh_classes(self, class_weight: Any, y: Array, weight: Array | None, who: str, rows: Any = None) -> Array:
        """Return the sample weights times the weights of their classes, which depend on ``rows`` if balanced."""
        loss, outputs = self.loss, self.network.output_shape[0]
        if (loss.link is None and not loss.binary) or (loss.binary and outputs > 1):
            got = f"{loss!r} on {outputs} outputs. Use sample_weight."
            raise ArgumentError(f"{who}class_weight: expected a loss with one class for each row, got {got}")
        factors = class_factors(class_weight, y, outputs, rows) * (1.0 if weight is None else weight)
        check_finite(factors, f"{who}class_weight", self.network.dtype)
        return factors.astype(self.network.dtype)


def check_features(value: Any, network: Any, who: str = "x", *, on_disk: bool = False) -> Any:
    """Return ``x`` as an array of shape (rows, *input_shape), finite in the network's dtype.

    With ``on_disk``, an array on disk stays there: see `StoredArray`.
    """
    x = as_array(value, who, on_disk=on_disk)
    if x.shape[1:] != network.input_shape:
        x = _with_features(x, value, network, who)
    check_finite(x, who, network.data_dtype, () if x is value else check_columns(value, network, who))
    return network.check_input(x, who) if network.checks_input else x


def _with_features(x: Any, value: Any, network: Any, who: str) -> Array:
    """Return a vector as a single column if the model has one feature; otherwise raise an error."""
    check_columns(value, network, who)
    shape = network.input_shape
    if x.ndim == 1 and shape == (1,):
        return x[:][:, np.newaxis]
    fix = ""
    if x.shape == shape:
        fix = " This is the shape of one sample: put samples together in a batch, or use x[np.newaxis]."
    elif x.ndim == 1:
        fix = " For one sample use x.reshape(1, -1)."
    elif len(shape) == 1 and math.prod(x.shape[1:]) == shape[0]:
        fix = " Add Flatten() before it."
    label = f"{who.removesuffix('x')}{network.layers[0].label}"
    raise ShapeError(f"{label}: expected input of shape {batch_shape(shape)}, got {x.shape}.{fix}")


def check_targets(value: Any, rows: int, network: Any, loss: Any, who: str) -> Array:
    """Return ``y`` as labels of shape (rows,) or targets of shape (rows, columns), which ``loss`` can use."""
    outputs = network.output_shape[-1]
    if len(network.output_shape) != 1:
        raise ShapeError(f"{who}: expected outputs of shape (batch, units), got rows of {network.output_shape}.")
    y = as_array(value, who)
    if len(y) != rows:
        fix = f" Its shape is {y.shape}: use y.T." if y.shape[1:] == (rows,) else ""
        raise ShapeError(f"{who}: expected a row for each of x: x has {rows} rows, y has {len(y)}.{fix}")
    check_finite(y, who, y.dtype if loss.sparse else network.dtype, () if y is value else column_names(value))
    shape = (rows,) if loss.sparse else (rows, loss.columns(outputs))
    if y.shape != shape:
        if y.ndim > 2 or not y.size == math.prod(shape) == rows:  # (rows,) and (rows, 1) are the same
            source = "as the model's output" if shape[1:] == (outputs,) else f"as {loss.get_name()} takes it"
            expected = f"labels of shape {shape}" if loss.sparse else f"shape {shape}, {source} for these rows"
            fix = ' For integer labels use loss="sparse_categorical_crossentropy".' if loss.link == "softmax" else ""
            fix = ' For one-hot targets use loss="categorical_crossentropy".' if loss.sparse else fix
            raise ShapeError(f"{who}: expected {expected}, got {y.shape}.{fix}")
        y = y.reshape(shape)
    try:
        loss.check_targets(y, outputs)
    except DataError as error:  # the loss calls them y
        raise DataError(str(error).replace("y:", f"{who}:", 1)) from None
    return y


def check_weights(value: Any, rows: int, dtype: Any, who: str = "sample_weight") -> Array:
    """Return the weights as an array of shape (rows,), finite and not negative."""
    weight: Array = as_array(value, who)
    weight = weight[:, 0] if weight.shape == (rows, 1) else weight
    if weight.shape != (rows,):
        raise ShapeError(f"{who}: expected shape ({rows},), one weight for each row of x, got {weight.shape}.")
    check_finite(weight, who, dtype)
    if (weight < 0).any():
        raise DataError(f"{who}: expected weights of at least 0, got {weight.min()} at row {weight.argmin()}.")
    return weight.astype(dtype)


def as_array(value: Any, who: str, *, on_disk: bool = False) -> Any:
    """Return ``value`` as an array of real numbers with at least one axis: see `convert`."""
    if type(value) is np.ndarray and value.dtype.kind in "fiub" and value.ndim:
        return value
    return convert(value, who, on_disk=on_disk)


def read_only(array: Array) -> Array:
    """Return a read-only view of ``array``, so that the user's data cannot be modified."""
    view = array.view()
    view.setflags(write=False)  # takes half the time of `view.flags.writeable = False`
    return view


def check_finite(array: Any, who: str, dtype: Any, names: tuple[str, ...] = ()) -> None:
    """Raise a `DataError` with position and count if ``array`` holds NaN or infinity, or overflows ``dtype``.

    ``names`` are the column names.
    """
    step = len(array) if array.size <= CHECKED else max(1, CHECKED * len(array) // array.size)
    for start in range(0, len(array) if array.dtype.kind == "f" else 0, step or 1):
        block = in_dtype(array[start : start + step], dtype)
        square = np.vdot(block, block)  # the fastest check; the result is finite unless a value is invalid or huge
        if not math.isfinite(square) and not np.isfinite(block).all():
            _complain_of_non_finite(array, who, np.dtype(dtype), names)


def _complain_of_non_finite(array: Any, who: str, dtype: np.dtype[Any], names: tuple[str, ...]) -> None:
    array = array[:]
    bad = ~np.isfinite(array)
    expected = "finite numbers"
    fix = f" ({bad.sum()} of {array.size} values are not finite). Remove or replace them."
    if not bad.any():
        bad = ~np.isfinite(in_dtype(array, dtype))
        expected, fix = f"values that fit {dtype}", '. Scale the data, or use Sequential(..., dtype="float64").'
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    raise DataError(f"{who}: expected {expected}, got {array[first]!s} at {checks.place(first, names)}{fix}")


@np.errstate(all="ignore")
def warn_of_rounding(array: Any, who: str, dtype: np.dtype[Any], value: Any) -> None:
    """Warn about columns of a finite array whose values ``dtype`` cannot distinguish, such as times in seconds.

    These hold integers with more digits than ``dtype`` has, or values that vary little compared with their size.
    Only the first rows of an array on disk are examined; ``value`` is the object that the user passed.
    """
    if array.dtype == dtype or array.dtype.itemsize < 4 or np.dtype(dtype).kind != "f":
        return
    array = array if isinstance(array, np.ndarray) else array[: max(1, CHECKED * len(array) // array.size)]
    least, largest, number = array.min(axis=0), array.max(axis=0), np.finfo(dtype)
    step = number.eps * (np.maximum(abs(least), abs(largest)) + number.tiny)
    near = largest - least < COARSE * step
    if (suspects := (least < largest) & (near | (step > 2))).any():
        names = column_names(value)
        found = [place for place in np.argwhere(suspects) if _loses(array, place, near[tuple(place)], dtype)]
        labels = [repr(names[place[0]]) if names else str(tuple(map(int, place))).strip("(,)") for place in found]
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        where = f"{who}: column {', '.join(labels[:NAMED])}{more}" if array.ndim > 1 else who
        fix = 'Scale them, for example to mean 0 and standard deviation 1, or use Sequential(..., dtype="float64").'
        if found:
            warn(f"{where}: different values become equal in {dtype}. {fix}")


def _loses(array: Array, place: Array, near: bool, dtype: np.dtype[Any]) -> bool:
    """Return whether many values of a column become equal in ``dtype``; unless ``near``, only integer columns count."""
    different = np.unique(array[(slice(None), *place)])
    kept = len(np.unique(different.astype(dtype)))
    return kept < (1 - LOST) * len(different) and bool(near or (different == np.rint(different)).all())
