"""Categorical cross-entropies: minus the logarithm of the probability that the model gave to the true class.

On logits they are exact to the last digits, however confident the prediction: there the derivative
is the notes' dZ = A - Y. On probabilities, log(0) counts as the logarithm of the smallest number.
"""

from typing import Any

import numpy as np

from minidl import checks
from minidl.data import as_array
from minidl.errors import DataError, ShapeError
from minidl.losses.base import Loss, check_range, floating
from minidl.numeric import exp_below_largest, log_or_lowest, one_hot, softmax_parts
from minidl.typing import Array


class CategoricalCrossentropy(Loss):
    """Categorical cross-entropy: ``L = mean over rows of -sum(y log(p))``, for one-hot or soft targets.

    Parameters
    ----------
    from_logits : bool
        Whether the predictions are logits z with ``p = softmax(z)`` rather than probabilities p.
    label_smoothing : float
        ``s`` in [0, 1] replaces y by ``y (1 - s) + s / outputs``.

    Shapes
    ------
    y_pred  (batch, outputs)    p or z
    y_true  (batch, outputs)    y: each row sums to 1

    Raises
    ------
    ShapeError
        In `forward`, if the shapes differ.
    DataError
        In `check_targets`, for rows that are no probabilities.

    Notes
    -----
    With m rows in the batch::

        dL/dp = -y / p / m      dL/dz = (p sum(y) - y) / m

    Keras divides p by its sum and clips it to [1e-7, 1 - 1e-7]; here it is as it is.
    """

    link = "softmax"

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.from_logits = checks.flag(from_logits, "CategoricalCrossentropy: from_logits")
        self.label_smoothing = checks.number(
            label_smoothing, "CategoricalCrossentropy: label_smoothing", at_least=0, at_most=1
        )

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, y = self.pair(y_pred, y_true)
        if self.label_smoothing:
            y = y * (1 - self.label_smoothing) + self.label_smoothing / y.shape[1]
        if not self.from_logits:
            self._p, self._y = y_pred, y
            with np.errstate(divide="ignore", invalid="ignore"):
                return self.mean(np.add.reduce(y * -log_or_lowest(np.log(y_pred)), axis=1), sample_weight)
        d, e, top, others = softmax_parts(y_pred)
        y = y.T.astype(d.dtype, order="C")
        self._parts = e, top, others, y, y_pred.dtype  # one assignment: each takes a third of a microsecond
        information = np.log1p(others) - d  # -log(p): the digits of d are not touched
        return self.mean(np.add.reduce(y * information, axis=0), sample_weight)

    def backward(self) -> Array:
        if not self.from_logits:
            return self.share(-self._y / np.maximum(self._p, np.finfo(self._p.dtype).tiny))
        e, top, others, y, dtype = self._parts
        e, y, sums = e.copy(), y.copy(), np.add.reduce(y, axis=0)
        # p = 1 - others / (1 + others) at the largest logit: no digit of p - y is lost where y is 1, too
        e.reshape(-1)[top] = -others
        y.reshape(-1)[top] -= sums
        return self.share((e * (sums / (1 + others)) - y).T).astype(dtype, order="C")

    def check_targets(self, y: Array, outputs: int) -> None:
        check_distributions(y, "CategoricalCrossentropy")


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
        In `forward`, if the shapes do not fit.
    DataError
        For labels that are no whole numbers or out of range.

    Notes
    -----
    With m rows in the batch and ``y = one_hot(labels)``::

        dL/dp = -y / p / m      dL/dz = (p - y) / m
    """

    link = "softmax"
    sparse = True

    def __init__(self, from_logits: bool = False, *, label_smoothing: float = 0.0) -> None:
        self.from_logits = checks.flag(from_logits, "SparseCategoricalCrossentropy: from_logits")
        self.label_smoothing = checks.number(
            label_smoothing, "SparseCategoricalCrossentropy: label_smoothing", at_least=0, at_most=1
        )

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        y_pred, labels = self.pair(y_pred, y_true)
        rows = np.arange(len(labels))
        if self.label_smoothing or not self.from_logits:
            if self.label_smoothing:
                self._smooth = CategoricalCrossentropy(self.from_logits, self.label_smoothing)
                return self._smooth.forward(y_pred, one_hot(labels, y_pred.shape[1], y_pred.dtype), sample_weight)
            self._p, self._labels = y_pred, labels
            with np.errstate(divide="ignore", invalid="ignore"):
                return self.mean(-log_or_lowest(np.log(y_pred[rows, labels])), sample_weight)
        d, e = exp_below_largest(y_pred)
        index = labels * len(labels) + rows  # where the labels are in the flattened d
        d = d.take(index)
        e.reshape(-1)[index] = 0  # its 1 would swallow the digits of the others
        others = np.add.reduce(e, axis=0)
        excess = others + np.expm1(d)  # the sum of all, minus 1
        self._parts = e, index, others, excess, y_pred.dtype
        return self.mean(np.log1p(excess) - d, sample_weight)

    def backward(self) -> Array:
        if self.from_logits and not self.label_smoothing:
            e, index, others, excess, dtype = self._parts
            # p - 1 = -others / (1 + excess) at the label: no digit is lost
            e.reshape(-1)[index] = -others
            return (e * (self._share / (1 + excess))).T.astype(dtype, order="C")
        if self.label_smoothing:
            return self._smooth.backward()
        p, derivative = np.maximum(self._p, np.finfo(self._p.dtype).tiny), np.zeros_like(self._p)
        place = np.arange(len(p)), self._labels
        derivative[place] = -1 / p[place]
        return self.share(derivative)

    def values(self, y_pred: Array, y_true: Array) -> Array:
        if not self.label_smoothing:
            return super().values(y_pred, y_true)
        dense = CategoricalCrossentropy(self.from_logits, self.label_smoothing)
        y_pred, labels = self.pair(y_pred, y_true)
        return dense.values(y_pred, one_hot(labels, y_pred.shape[1], y_pred.dtype))

    def check_targets(self, y: Array, outputs: int) -> None:
        if y.dtype == np.intp and y.size:
            unsigned = y.view(np.uintp)  # in which a negative label is huge, so that one look is enough
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
        if type(y_true) is not np.ndarray or y_true.dtype != np.intp:
            y_true = as_array(y_true, "SparseCategoricalCrossentropy: y_true")
        if y_pred.ndim != 2 or y_true.shape != y_pred.shape[:1]:
            raise ShapeError(
                "SparseCategoricalCrossentropy: expected y_pred of shape (batch, outputs) and labels of shape "
                f"(batch,), got {y_pred.shape} and {y_true.shape}. For one-hot targets use CategoricalCrossentropy."
            )
        self.check_targets(y_true, y_pred.shape[1])
        return y_pred, y_true.astype(np.intp, copy=False)


def check_distributions(y: Array, who: str) -> None:
    """Raise a `DataError` that names the first row that does not consist of probabilities with the sum 1."""
    check_range(y, 0, 1, who, "Use one-hot rows, or probabilities.")
    total = y.sum(axis=1, dtype=np.float64)
    wrong = np.abs(total - 1) > 1e-3
    if wrong.any():
        row = np.argwhere(wrong)[0]
        raise DataError(
            f"y: expected rows that sum to 1 for {who}, got the sum {total[row[0]]:g} at {checks.place(tuple(row))}. "
            "Use one-hot rows; for several labels a row use Sigmoid with BinaryCrossentropy."
        )
