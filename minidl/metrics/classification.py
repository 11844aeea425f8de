"""Metrics of correct, wrong and missed predictions of classes: Precision, Recall, F1Score and AUC.

Integer labels count as one-hot rows. A quotient 0 / 0 counts as 0, as in Keras.
"""

from abc import abstractmethod
from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError
from minidl.metrics.base import Metric
from minidl.metrics.samples import Samples
from minidl.metrics.targets import match_shapes, nan_rows, row_weights
from minidl.numeric import one_hot
from minidl.typing import Array

AVERAGES = ("micro", "macro", "weighted")


class Counts(Metric):
    """Abstract base: how often each class was predicted correctly, predicted wrongly, and missed."""

    higher_is_better = True
    average: str | None
    class_id: int | None = None
    _counts: Array = np.zeros((3, 1))  # rows: correct, wrong, missed; a column for each class

    @abstractmethod
    def predicted(self, y_pred: Array) -> Array:
        """Return for each sample and class whether it is predicted."""

    @abstractmethod
    def score(self, correct: Any, wrong: Any, missed: Any) -> Any:
        """Return the metric for these counts."""

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        y_true, y_pred = match_shapes(y_true, y_pred, self)
        true, predicted = y_true > 0.5, self.predicted(y_pred)
        table = np.stack([predicted & true, predicted & ~true, ~predicted & true]).astype(np.float64)
        table[:, nan_rows(y_pred, self)] = np.nan
        if self.class_id is not None:
            name, outputs = type(self).__name__, y_pred.shape[1]
            if self.class_id >= outputs:
                raise ArgumentError(f"{name}: class_id: expected one of {outputs} outputs, got {self.class_id}.")
            table = table[:, :, [self.class_id]]
        self._counts = self._counts + row_weights(sample_weight, len(true)) @ table

    def result(self) -> Any:
        if self.average == "micro" or self.class_id is not None:
            return float(self.score(*self._counts.sum(axis=1)))
        each = self.score(*self._counts)
        if self.average is None:
            return each
        weights = self._counts[0] + self._counts[2] if self.average == "weighted" else np.ones(len(each))
        return float(quotient(each @ weights, weights.sum()))


class Precision(Counts):
    """Fraction of the predicted classes that are correct: ``correct / (correct + wrong)``.

    Parameters
    ----------
    thresholds : float or "largest", optional
        What an output must exceed to count as predicted; default 0.5. For logits it is 0. "largest" predicts the
        largest output of each sample, for classes that exclude each other.
    class_id : int, optional
        Counts this output only.
    average : {"micro", "macro", "weighted", None}
        How to average over the outputs: add up their counts, take the mean of their scores, weight that mean by how
        many samples are of each class, or None for an array with the score of each.
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

    def score(self, correct: Any, wrong: Any, missed: Any) -> Any:
        return quotient(correct, correct + wrong)


class Recall(Precision):
    """Fraction of the true classes that were predicted: ``correct / (correct + missed)``; parameters as `Precision`."""

    def score(self, correct: Any, wrong: Any, missed: Any) -> Any:
        return quotient(correct, correct + missed)


class F1Score(Counts):
    """Harmonic mean of precision and recall: ``2 correct / (2 correct + wrong + missed)``.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        As in `Precision`.
    threshold : float, optional
        What an output must exceed to count as predicted. Default: the largest output of each sample is predicted,
        or, with a single output, the threshold is 0.5.
    name : str, optional
    """

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = None) -> None:
        self.average = None if average is None else checks.choice(average, "F1Score: average", AVERAGES)
        self.threshold = None if threshold is None else checks.number(threshold, "F1Score: threshold")
        self.name = name

    def predicted(self, y_pred: Array) -> Array:
        return above(y_pred, "largest" if self.threshold is None and y_pred.shape[1] > 1 else self.threshold)

    def score(self, correct: Any, wrong: Any, missed: Any) -> Any:
        return quotient(2 * correct, 2 * correct + wrong + missed)


class AUC(Samples):
    """Area under the receiver operating characteristic: the probability that a true sample scores above a false one.

    Exact, with ties as halves; Keras adds up 200 bins. Several outputs are joined into one. NaN while there are no
    true or no false samples.

    Notes
    -----
    ``sum over scores s of positive(s) (negative(below s) + negative(s) / 2) / (positives negatives)``, where the
    four are sums of weights: Mann and Whitney, 1947. All scores are stored until `reset`.
    """

    higher_is_better = True

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        y_true, y_pred = match_shapes(y_true, y_pred, self)
        weight = row_weights(sample_weight, len(y_true))
        nan_rows(y_pred, self)
        self.store(y_true.ravel() > 0.5, y_pred.ravel(), np.repeat(weight, y_pred.shape[1]))

    def result(self) -> float:
        if not self._batches:
            return float("nan")
        true, score, weight = self.load()
        if np.isnan(score).any():
            return float("nan")
        weight /= weight.max(initial=0.0) or 1.0  # their sums and products overflow less early
        _, place = np.unique(score, return_inverse=True)
        positive, negative = np.bincount(place, weight * true), np.bincount(place, weight * ~true)
        pairs = positive.sum() * negative.sum()
        below = negative.cumsum() - negative / 2
        return float(positive @ below / pairs) if pairs else float("nan")


def above(y_pred: Array, threshold: float | str | None) -> Array:
    """Return for each output whether it is above ``threshold``, or the "largest" of its row (the first of equals)."""
    if threshold == "largest":
        return one_hot(y_pred.argmax(axis=1), y_pred.shape[1], np.bool_)
    return np.greater(y_pred, 0.5 if threshold is None else threshold)


def quotient(a: Any, b: Any) -> Any:
    """``a / b``, or 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(np.asarray(b, np.float64)), where=np.asarray(b) != 0)
