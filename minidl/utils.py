"""Utils: what Keras users call on their targets before they train.

Here it is rarely needed: ``loss="sparse_categorical_crossentropy"`` takes labels as they are.
"""

import math
from typing import Any

import numpy as np

from minidl import checks
from minidl.data import as_array
from minidl.errors import DataError
from minidl.numeric import one_hot
from minidl.typing import Array

__all__ = ["to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """Return labels as one-hot rows: zeros with a 1 at the label.

    Parameters
    ----------
    x : array-like of int, (rows,) or (rows, 1)
    num_classes : int, optional
        Default: the largest label and 1.

    Returns
    -------
    array of float32, (rows, num_classes)

    Raises
    ------
    ArgumentError, DataError
        If ``num_classes`` is no positive integer, or a label is not whole or outside [0, ``num_classes``).

    Examples
    --------
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    labels = as_array(x, "to_categorical: x")
    if labels.size != len(labels):
        raise DataError(f"to_categorical: x: expected labels of shape (rows,), got {labels.shape}.")
    labels = labels.reshape(-1)
    classes = math.inf
    if num_classes is not None:
        classes = checks.integer(num_classes, "to_categorical: num_classes", minimum=1)
    row = checks.wrong_label(labels, classes)
    if row is not None:
        raise DataError(f"to_categorical: x: expected labels in [0, {classes}), got {labels[row]} at row {row}.")
    return one_hot(labels.astype(np.intp), int(labels.max(initial=0)) + 1 if num_classes is None else num_classes)
