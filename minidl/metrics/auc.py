"""AUC: the area under the curve of a score, over all thresholds."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.metrics.samples import Samples
from minidl.metrics.targets import match_classes, nan_rows, row_weights
from minidl.typing import Array


class AUC(Samples):
    """Area under the ROC curve: the probability that a positive sample scores above a negative one.

    Exact, with ties counted as half; Keras uses 200 bins. NaN without both positive and negative samples.

    Parameters
    ----------
    curve : {"ROC", "PR"}
        "PR" is the area under precision against recall, interpolated between the scores as in Keras.
    multi_label : bool
        True averages the areas of the outputs. By default, all outputs are pooled into one.
    name : str, optional

    Notes
    -----
    ROC: ``sum over scores s of positive(s) (negative(below s) + negative(s) / 2) / (positives negatives)``, where the
    four are sums of weights: Mann and Whitney, 1947. PR: Davis and Goadrich (2006), The Relationship Between
    Precision-Recall and ROC Curves. All scores are stored until `reset`.

    Examples
    --------
    >>> auc = minidl.metrics.AUC("PR")
    >>> auc.update(np.array([[0], [1], [0], [1]]), np.array([[0.1], [0.4], [0.6], [0.9]]))
    >>> round(auc.result(), 4)
    0.7973
    """

    higher_is_better = True

    def __init__(self, curve: str = "ROC", *, multi_label: bool = False, name: str | None = None) -> None:
        self.curve = checks.choice(curve, "AUC: curve", ("ROC", "PR"))
        self.multi_label = checks.flag(multi_label, "AUC: multi_label")
        self.name = name

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        y_true, y_pred = match_classes(y_true, y_pred, self)
        weight = np.repeat(row_weights(sample_weight, len(y_true))[:, None], y_pred.shape[1], axis=1)
        nan_rows(y_pred, self)
        self.store(y_true > 0.5, y_pred, weight)

    def result(self) -> float:
        arrays = self.load()
        if not arrays or np.isnan(arrays[1]).any():
            return float("nan")
        arrays[2] /= arrays[2].max() or 1.0  # so that their sums and products do not overflow early
        area = roc_area if self.curve == "ROC" else pr_area
        if not self.multi_label:
            return area(*(array.ravel() for array in arrays))
        return float(np.mean([area(*columns) for columns in zip(*(array.T for array in arrays), strict=True)]))


def sums_by_score(true: Array, score: Array, weight: Array) -> tuple[Array, Array]:
    """Return the total weight of the positive and of the negative samples at each score, in ascending order."""
    _, place = np.unique(score, return_inverse=True)
    return np.bincount(place, weight * true), np.bincount(place, weight * ~true)


def roc_area(true: Array, score: Array, weight: Array) -> float:
    """Return the area under the receiver operating characteristic."""
    positive, negative = sums_by_score(true, score, weight)
    pairs = positive.sum() * negative.sum()
    below = negative.cumsum() - negative / 2
    return float(positive @ below / pairs) if pairs else float("nan")


def pr_area(true: Array, score: Array, weight: Array) -> float:
    """Return the area under precision against recall."""
    new, false = (sums[::-1] for sums in sums_by_score(true, score, weight))  # from the highest score down
    if not (new.sum() and false.sum()):
        return float("nan")
    correct, predicted, more = new.cumsum(), (new + false).cumsum(), new + false
    before = predicted - more
    slope = np.divide(new, more, out=np.zeros_like(new), where=more > 0)
    ratio = np.divide(predicted, before, out=np.ones_like(new), where=before > 0)
    area: Any = slope * (new + (correct - slope * predicted) * np.log(ratio))
    return float(area.sum() / new.sum())
