"""Classification metrics from correct, wrong and missed predictions: Precision, Recall, F1Score and others.

Integer labels count as one-hot rows. A quotient 0 / 0 counts as 0, as in Keras.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError
from minidl.metrics.base import Metric
from minidl.metrics.targets import match_classes, nan_rows, row_weights
from minidl.numeric import one_hot
from minidl.typing import Array

__all__ = [
    "F1Score", "FBetaScore", "FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives",
    "TruePositives",
]  # fmt: skip

AVERAGES = ("micro", "macro", "weighted")


class Counts(Metric):
    """Abstract base: how often each class was predicted correctly, predicted wrongly, and missed."""

    higher_is_better = True
    average: str | None
    class_id: int | None = None
    thresholds: Any
    _counts: Array = np.zeros((4, 1, 1))  # correct, wrong, missed, rejected; thresholds; classes

    def predicted(self, y_pred: Array) -> Array:
        """Return for each threshold (at least one), sample and class whether the class is predicted."""
        return above(y_pred, self.thresholds)

    @abstractmethod
    def score(self, correct: Any, wrong: Any, missed: Any, rejected: Any) -> Any:
        """Return the metric for these counts."""

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        y_true, y_pred = match_classes(y_true, y_pred, self)
        true, predicted = y_true > 0.5, self.predicted(y_pred)
        cells = [predicted & true, predicted & ~true, ~predicted & true, ~predicted & ~true]
        table = np.stack(cells).astype(np.float64)
        table[..., nan_rows(y_pred, self), :] = np.nan
        if self.class_id is not None:
            name, outputs = type(self).__name__, y_pred.shape[1]
            if self.class_id >= outputs:
                raise ArgumentError(f"{name}: class_id: expected one of {outputs} outputs, got {self.class_id}.")
            table = table[..., [self.class_id]]
        self._counts = self._counts + row_weights(sample_weight, len(true)) @ table

    def result(self) -> Any:
        one = self.average == "micro" or self.class_id is not None
        score = self.score(*(self._counts.sum(axis=-1) if one else self._counts))
        if not one and self.average is not None:
            weights = self._counts[0] + self._counts[2] if self.average == "weighted" else np.ones_like(score)
            score = quotient((score * weights).sum(axis=1), weights.sum(axis=1))
        score = score if isinstance(vars(self).get("thresholds"), list) else score[0]
        return score if np.ndim(score) else float(score)


class Precision(Counts):
    """Fraction of the predicted classes that are correct: ``correct / (correct + wrong)``.

    Parameters
    ----------
    thresholds : float, list of float or "largest", optional
        What an output must exceed to count as predicted; default 0.5, or 0 in a model with a loss on logits. "largest"
        predicts the largest output of each sample, for mutually exclusive classes. A list gives one value per
        threshold.
    top_k : int, optional
        Only the ``top_k`` largest outputs of each sample count as predicted; without ``thresholds``, all of them.
    class_id : int, optional
        Counts this output only.
    average : {"micro", "macro", "weighted", None}
        How to average over the outputs: add up their counts, take the mean of their scores, weight that mean by the
        number of samples of each class, or None for an array with one score per output.
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
        thresholds: float | Sequence[float] | str | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        *,
        average: str | None = "micro",
        name: str | None = None,
    ) -> None:
        who = type(self).__name__
        self.thresholds = check_thresholds(thresholds, f"{who}: thresholds")
        self.top_k = None if top_k is None else checks.integer(top_k, f"{who}: top_k", minimum=1)
        self.class_id = None if class_id is None else checks.integer(class_id, f"{who}: class_id", minimum=0)
        self.average = None if average is None else checks.choice(average, f"{who}: average", AVERAGES)
        self.name = name

    def predicted(self, y_pred: Array) -> Array:
        if self.top_k is None:
            return above(y_pred, self.thresholds)
        top = np.argsort(-y_pred, axis=1, kind="stable")[:, : self.top_k]
        among = np.zeros((1, *y_pred.shape), np.bool_)
        np.put_along_axis(among[0], top, True, axis=1)
        return among if self.thresholds is None else among & above(y_pred, self.thresholds)

    def score(self, correct: Any, wrong: Any, missed: Any, rejected: Any) -> Any:
        return quotient(correct, correct + wrong)


class Recall(Precision):
    """Fraction of true classes predicted: ``correct / (correct + missed)``; parameters as in `Precision`."""

    def score(self, correct: Any, wrong: Any, missed: Any, rejected: Any) -> Any:
        return quotient(correct, correct + missed)


class FBetaScore(Counts):
    """Weighted harmonic mean of precision and recall: ``(1 + beta**2) c / ((1 + beta**2) c + beta**2 m + w)``.

    c, w and m count the correct, wrong and missed predictions.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        As in `Precision`.
    beta : float
        Above 0; values above 1 weight recall more than precision.
    threshold : float, optional
        What an output must exceed to count as predicted. Default: the largest output of each sample is predicted,
        or, with a single output, the threshold is 0.5; 0 in a model with a loss on logits.
    name : str, optional
    """

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None, name: str | None = None
    ) -> None:
        who = type(self).__name__
        self.average = None if average is None else checks.choice(average, f"{who}: average", AVERAGES)
        self.beta = checks.number(beta, f"{who}: beta", above=0)
        self.threshold = None if threshold is None else checks.number(threshold, f"{who}: threshold")
        self.name = name

    def predicted(self, y_pred: Array) -> Array:
        return above(y_pred, "largest" if self.threshold is None and y_pred.shape[1] > 1 else self.threshold)

    def score(self, correct: Any, wrong: Any, missed: Any, rejected: Any) -> Any:
        square = self.beta**2
        return quotient((1 + square) * correct, (1 + square) * correct + square * missed + wrong)


class F1Score(FBetaScore):
    """Harmonic mean of precision and recall: ``2 c / (2 c + w + m)``; parameters as in `FBetaScore`."""

    beta = 1.0

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = None) -> None:
        self.average = None if average is None else checks.choice(average, "F1Score: average", AVERAGES)
        self.threshold = None if threshold is None else checks.number(threshold, "F1Score: threshold")
        self.name = name


class ConfusionCount(Counts):
    """Abstract base of the four counts of the confusion matrix, over samples and outputs.

    Parameters
    ----------
    thresholds : float or list of float, optional
        What an output must exceed to count as predicted; default 0.5, or 0 in a model with a loss on logits. A list
        gives one count per threshold.
    name : str, optional
    """

    average = "micro"
    _cell: int  # which of the four counts it is, in the order of `score`

    def __init__(self, thresholds: float | Sequence[float] | None = None, name: str | None = None) -> None:
        self.thresholds = check_thresholds(thresholds, f"{type(self).__name__}: thresholds")
        self.name = name

    def score(self, *counts: Any) -> Any:
        return counts[self._cell]


class TruePositives(ConfusionCount):
    """Weighted number of true outputs that are predicted; parameters as in ``ConfusionCount``."""

    _cell = 0


class FalsePositives(ConfusionCount):
    """Weighted number of false outputs that are predicted; parameters as in ``ConfusionCount``."""

    _cell, higher_is_better = 1, False


class FalseNegatives(ConfusionCount):
    """Weighted number of true outputs that are not predicted; parameters as in ``ConfusionCount``."""

    _cell, higher_is_better = 2, False


class TrueNegatives(ConfusionCount):
    """Weighted number of false outputs that are not predicted; parameters as in ``ConfusionCount``."""

    _cell = 3


def check_thresholds(thresholds: Any, who: str) -> Any:
    """Return a number, a list of numbers, "largest" or None; anything else raises an `ArgumentError`."""
    if thresholds is None or isinstance(thresholds, str):
        return thresholds and checks.choice(thresholds, who, ["largest"])
    if isinstance(thresholds, (list, tuple)):
        return [checks.number(threshold, who) for threshold in thresholds]
    return checks.number(thresholds, who)


def above(y_pred: Array, threshold: Any) -> Array:
    """Return whether each output is above each threshold, or is the "largest" of its row (the first of equals)."""
    if isinstance(threshold, str):
        return one_hot(y_pred.argmax(axis=1), y_pred.shape[1], np.bool_)[np.newaxis]
    thresholds = threshold if isinstance(threshold, list) else [0.5 if threshold is None else threshold]
    return np.stack([np.greater(y_pred, each) for each in thresholds])


def quotient(a: Any, b: Any) -> Any:
    """``a / b``, or 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(np.asarray(b, np.float64)), where=np.asarray(b) != 0)
