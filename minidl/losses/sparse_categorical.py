"""Sparse categorical cross-entropy: categorical cross-entropy for integer labels, without one-hot rows."""

from typing import Any

import numpy as np

from minidl.data import as_array
from minidl.errors import DataError, ShapeError
from minidl.losses.base import Loss
from minidl.losses.categorical import CategoricalCrossentropy
from minidl.losses.targets import crossentropy_options, floating
from minidl.numeric import exp_below_largest, log_or_lowest, one_hot
from minidl.typing import Array

LABELS = np.dtype(np.intp)
ONE = np.ones(())  # converting a Python number costs NumPy half a microsecond


class SparseCategoricalCrossentropy(Loss):
    """Categorical cross-entropy of integer labels: ``L = mean over rows of -log(p[label])``.

    Parameters
    ----------
    from_logits : bool
        Whether the predictions are logits z with ``p = softmax(z)`` rather than probabilities p.
    label_smoothing : float
        As in `CategoricalCrossentropy`, for the one-hot rows of the labels.

    Shapes
    ------
    y_pred  (batch, outputs)    p or z
    y_true  (batch,)            labels from 0 to outputs - 1

    Raises
    ------
    ShapeError
        In `forward`, if the shapes do not match.
    DataError
        For labels that are not whole numbers or are out of range.

    Notes
    -----
    With m rows in the batch and ``y = one_hot(labels)``::

        dL/dp = -y / p / m      dL/dz = (p - y) / m
    """

    link = "softmax"
    sparse = True

    def __init__(self, from_logits: bool = False, *, label_smoothing: float = 0.0) -> None:
        options = crossentropy_options("SparseCategoricalCrossentropy", from_logits, label_smoothing)
        self.from_logits, self.label_smoothing = options

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, labels = self.pair(y_pred, y_true)
        if self.label_smoothing:
            smooth = self._smooth = CategoricalCrossentropy(self.from_logits, self.label_smoothing)
            vars(smooth).update(mean=self.mean, share=self.share)
            return smooth.forward(y_pred, one_hot(labels, y_pred.shape[1], y_pred.dtype), sample_weight)
        if not self.from_logits:
            self._p, self._labels = y_pred, labels
            with np.errstate(divide="ignore", invalid="ignore"):
                return self.mean(-log_or_lowest(np.log(y_pred[np.arange(len(labels)), labels])), sample_weight)
        d, e = exp_below_largest(y_pred)
        index = labels * len(labels) + np.arange(len(labels))  # where the labels are in the flattened d
        d = d.take(index)
        e.put(index, 0)  # adding its 1 would round off the others
        others = np.add.reduce(e, axis=0)
        excess = others + np.expm1(d)  # the sum of all, minus 1
        self._parts = e, index, others, excess, y_pred.dtype
        return self.mean(np.log1p(excess) - d, sample_weight)

    def backward(self) -> Array:
        if self.from_logits and not self.label_smoothing:
            e, index, others, excess, dtype = self._parts
            # p - 1 = -others / (1 + excess) at the label, without loss of precision
            e.put(index, -others)
            return (e * (self._share / (ONE + excess))).T.astype(dtype, order="C")
        if self.label_smoothing:
            return self._smooth.backward()
        p, derivative = np.maximum(self._p, np.finfo(self._p.dtype).tiny), np.zeros_like(self._p)
        place = np.arange(len(p)), self._labels
        derivative[place] = -1 / p[place]
        return self.share(derivative)

    def check_targets(self, y: Array, outputs: int) -> None:
        if y.dtype == LABELS and y.size:
            unsigned = y.view(np.uintp)  # a negative label becomes huge, so one comparison is enough
            if unsigned[unsigned.argmax()] < outputs:
                return
        if y.dtype.kind not in "iub" and (y != np.rint(y)).any():
            row = int(np.argmax(y != np.rint(y)))
            raise DataError(f"y: expected whole numbers as labels, got {y[row]} at row {row}.")
        if y.min() < 0 or y.max() >= outputs:
            row = int(np.argmax((y < 0) | (y >= outputs)))
            raise DataError(
                f"y: label {y[row]:g} at row {row} is outside [0, {outputs}): the model has {outputs} outputs. "
                "Number the classes from 0, or give the model an output for each."
            )

    def pair(self, y_pred: Any, y_true: Any) -> tuple[Array, Array]:
        if type(y_pred) is not np.ndarray or y_pred.dtype.char not in "fdg" or not y_pred.size:
            y_pred = floating(y_pred, "SparseCategoricalCrossentropy: y_pred")
        if type(y_true) is not np.ndarray or y_true.dtype != LABELS:
            y_true = as_array(y_true, "SparseCategoricalCrossentropy: y_true")
        if y_pred.ndim != 2 or y_true.shape != y_pred.shape[:1]:
            raise ShapeError(
                "SparseCategoricalCrossentropy: expected y_pred of shape (batch, outputs) and labels of shape "
                f"(batch,), got {y_pred.shape} and {y_true.shape}. For one-hot targets use CategoricalCrossentropy."
            )
        if not self.trusts_targets:
            self.check_targets(y_true, y_pred.shape[1])
        return y_pred, y_true if y_true.dtype == LABELS else y_true.astype(LABELS)
