"""The columns of a data set held against a model: features, targets, sample weights.

What does not fit is a `ShapeError` or a `DataError`.
"""

from typing import Any

import numpy as np

from minidl.data.arrays import as_array, check_finite
from minidl.errors import DataError, ShapeError
from minidl.losses import Loss
from minidl.typing import Array, Shape


def check_features(value: Any, input_shape: Shape, label: str, dtype: Any, who: str = "x") -> Array:
    """Return ``x`` as an array of shape (rows, *input_shape), finite in ``dtype``, for the layer called ``label``."""
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
    """Return ``y`` as labels of shape (rows,) or targets of shape (rows, outputs), which the loss can use."""
    y = as_array(value, who)
    if len(y) != rows:
        raise ShapeError(f"{who}: expected a row for each of x: x has {rows} rows, y has {len(y)}.")
    check_finite(y, who, dtype)
    if loss.sparse:
        if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1):
            raise ShapeError(
                f"{who}: expected labels of shape ({rows},), got {y.shape}. "
                f'For one-hot targets use loss="categorical_crossentropy".'
            )
        y = y.reshape(rows)
        _let_check(loss, y, outputs, who)
        return y.astype(np.intp, copy=False)
    if y.ndim == 1 and outputs == 1:
        y = y.reshape(rows, 1)
    if y.shape != (rows, outputs):
        fix = ' For integer labels use loss="sparse_categorical_crossentropy".' if loss.link == "softmax" else ""
        raise ShapeError(
            f"{who}: expected shape {(rows, outputs)}, as the model's output for these rows, got {y.shape}.{fix}"
        )
    _let_check(loss, y, outputs, who)
    return np.asarray(y, dtype)


def _let_check(loss: Loss, y: Array, outputs: int, who: str) -> None:
    """Let the loss look at the targets, which it calls ``y``."""
    try:
        loss.check_targets(y, outputs)
    except DataError as error:
        raise DataError(str(error).replace("y:", f"{who}:", 1)) from None


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
