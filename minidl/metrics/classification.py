"""Metrics of found and missed classes: Precision, Recall, F1Score and AUC.

Integer labels count as one-hot rows. A quotient 0 / 0 counts as 0, as in Keras.
"""

from abc import abstractmethod
from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError
from minidl.metrics.base import Kept, Metric, alike, row_weights
from minidl.numeric import one_hot
from minidl.typing import Array

AVERAGES = ("micro", "macro", "weighted")


class Counts(Metric):
    """Abstract base: for each class, how often it was predicted rightly, predicted wrongly, and missed."""

    average: str | None
    class_id: int | None = None
    _counts: Array | None = None  # rows: right, wrongly predicted, missed; a column for each class

    @abstractmethod
    def predicted(self, y_pred: Array) -> Array:
        """Tell for each row and class whether it is predicted."""

    @abstractmethod
    def score(self, right: Any, wrong: Any, missed: Any) -> Any:
        """Return the metric for these counts."""

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        y_true, y_pred = alike(y_true, y_pred, self)
        true, predicted = y_true > 0.5, self.predicted(y_pred)
        table = np.stack([predicted & true, predicted & ~true, ~predicted & true])
        if self.class_id is not None:
            outputs = y_pred.shape[1]
            if self.class_id >= outputs:
                who = f"{type(self).__name__}: class_id"
                raise ArgumentError(f"{who}: expected one of {outputs} outputs, got {self.class_id}.")
            table = table[:, :, [self.class_id]]
        counts = row_weights(sample_weight, len(true)) @ table.astype(np.float64)
        self._counts = counts if self._counts is None else self._counts + counts

    def result(self) -> Any:
        counts = np.zeros((3, 1)) if self._counts is None else self._counts
        if self.average == "micro" or self.class_id is not None:
            return float(self.score(*counts.sum(axis=1)))
        each = self.score(*counts)
        if self.average == "macro":
            return float(each.mean())
        if self.average == "weighted":
            right, _, missed = counts
            return float(quotient(each @ (right + missed), (right + missed).sum()))
        return each


class Precision(Counts):
    """Share of right ones among the predicted: ``right / (right + wrong)``.

    Parameters
    ----------
    thresholds : float or "largest", optional
        What an output must exceed to count as predicted; default 0.5. On logits 0 belongs here. With "largest" the
        largest output of a row is the predicted one, for classes that exclude each other.
    class_id : int, optional
        Counts this output alone.
    average : {"micro", "macro", "weighted", None}
        Over the outputs: their counts together, the mean of their scores, that weighted by their true rows, or an
        array with the score of each.
    name : str, optional

    Examples
    --------
    >>> precision = minidl.metrics.Precision("largest", average=None)
    >>> precision.update(np.array([0, 1, 1]), np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]]))
    >>> precision.result()
    array([0.5, 1. ])
    """

    def __init__(
        self,
        thresholds: float | str | None = None,
        *,
        class_id: int | None = None,
        average: str | None = "micro",
        name: str | None = None,
    ) -> None:
        who = type(self).__name__
        if isinstance(thresholds, str):
            checks.choice(thresholds, f"{who}: thresholds", ["largest"])
        elif thresholds is not None:
            checks.number(thresholds, f"{who}: thresholds")
        self.thresholds = thresholds
        self.class_id = None if class_id is None else checks.integer(class_id, f"{who}: class_id", minimum=0)
        self.average = None if average is None else checks.choice(average, f"{who}: average", AVERAGES)
        self.name = name

    def predicted(self, y_pred: Array) -> Array:
        return above(y_pred, self.thresholds)

    def score(self, right: Any, wrong: Any, missed: Any) -> Any:
        return quotient(right, right + wrong)


class Recall(Precision):
    """Share of the true ones that were predicted: ``right / (right + missed)``; parameters as `Precision`."""

    def score(self, right: Any, wrong: Any, missed: Any) -> Any:
        return quotient(right, right + missed)


class F1Score(Counts):
    """Harmonic mean of precision and recall: ``2 right / (2 right + wrong + missed)``.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        As in `Precision`.
    threshold : float, optional
        What an output must exceed to count as predicted. Default: the largest output of a row is the predicted one,
        and with a single output 0.5.
    name : str, optional
    """

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = None) -> None:
        self.average = None if average is None else checks.choice(average, "F1Score: average", AVERAGES)
        self.threshold = None if threshold is None else checks.number(threshold, "F1Score: threshold")
        self.name = name

    def predicted(self, y_pred: Array) -> Array:
        return above(y_pred, "largest" if self.threshold is None and y_pred.shape[1] > 1 else self.threshold)

    def score(self, right: Any, wrong: Any, missed: Any) -> Any:
        return quotient(2 * right, 2 * right + wrong + missed)


class AUC(Kept):
    """Area under the receiver operating characteristic: the chance that a true row scores above a false one.

    Exact, with ties as halves; Keras adds up 200 bins. With several outputs, all of them are put together. NaN as long
    as there are no true or no false rows.

    Notes
    -----
    ``sum over scores s of positive(s) (negative(below s) + negative(s) / 2) / (positives negatives)``, where the
    four are sums of weights: Mann and Whitney, 1947. All scores are kept until `reset`.
    """

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        y_true, y_pred = alike(y_true, y_pred, self)
        weight = row_weights(sample_weight, len(y_true))
        self.keep(y_true.ravel() > 0.5, y_pred.ravel(), np.repeat(weight, y_pred.shape[1]))

    def result(self) -> float:
        if not self._batches:
            return float("nan")
        true, score, weight = self.rows()
        _, place = np.unique(score, return_inverse=True)
        positive, negative = np.bincount(place, weight * true), np.bincount(place, weight * ~true)
        pairs = positive.sum() * negative.sum()
        below = negative.cumsum() - negative / 2
        return float(positive @ below / pairs) if pairs else float("nan")


def above(y_pred: Array, threshold: float | str | None) -> Array:
    """Tell for each output whether it is above ``threshold``, or the row's "largest" (of equal ones the first)."""
    if threshold == "largest":
        return one_hot(y_pred.argmax(axis=1), y_pred.shape[1], np.bool_)
    return np.greater(y_pred, 0.5 if threshold is None else threshold)


def quotient(a: Any, b: Any) -> Any:
    """``a / b``, or 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(np.asarray(b, np.float64)), where=np.asarray(b) != 0)
