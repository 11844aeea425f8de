"""The losses as metrics: the mean of a loss over all samples, in float64."""

from abc import abstractmethod

import numpy as np

from minidl import checks, losses
from minidl.metrics.base import MeanMetric
from minidl.metrics.targets import flat_labels, match_shapes
from minidl.typing import Array


class LossMetric(MeanMetric):
    """Abstract base: the mean of a `Loss` over samples and outputs."""

    higher_is_better = False

    @abstractmethod
    def loss(self) -> losses.Loss:
        """Return the loss."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        loss = self.loss()
        if loss.sparse:
            y_true = flat_labels(y_true, len(y_pred), self)
        else:
            y_true, y_pred = match_shapes(y_true, y_pred, self)
        return loss.values(np.asarray(y_pred, np.float64), y_true)


class CategoricalHinge(LossMetric):
    """Mean of the `losses.CategoricalHinge`."""

    registered_name = "CategoricalHingeMetric"

    def loss(self) -> losses.Loss:
        return losses.CategoricalHinge()


class CosineSimilarity(LossMetric):
    """Mean cosine of the angle between prediction and target: minus the `losses.CosineSimilarity`."""

    higher_is_better = True
    registered_name = "CosineSimilarityMetric"

    def loss(self) -> losses.Loss:
        return losses.CosineSimilarity()

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return -super().values(y_true, y_pred)


class Hinge(LossMetric):
    """Mean of the `losses.Hinge`."""

    registered_name = "HingeMetric"

    def loss(self) -> losses.Loss:
        return losses.Hinge()


class KLDivergence(LossMetric):
    """Mean of the `losses.KLDivergence`."""

    aliases = ("kld",)
    registered_name = "KLDivergenceMetric"

    def loss(self) -> losses.Loss:
        return losses.KLDivergence()


class LogCoshError(LossMetric):
    """Mean of the `losses.LogCosh`."""

    aliases = ("logcosh",)

    def loss(self) -> losses.Loss:
        return losses.LogCosh()


class MeanAbsolutePercentageError(LossMetric):
    """Mean of the `losses.MeanAbsolutePercentageError`."""

    aliases = ("mape",)
    registered_name = "MeanAbsolutePercentageErrorMetric"

    def loss(self) -> losses.Loss:
        return losses.MeanAbsolutePercentageError()


class MeanSquaredLogarithmicError(LossMetric):
    """Mean of the `losses.MeanSquaredLogarithmicError`."""

    aliases = ("msle",)
    registered_name = "MeanSquaredLogarithmicErrorMetric"

    def loss(self) -> losses.Loss:
        return losses.MeanSquaredLogarithmicError()


class Poisson(LossMetric):
    """Mean of the `losses.Poisson`."""

    registered_name = "PoissonMetric"

    def loss(self) -> losses.Loss:
        return losses.Poisson()


class SquaredHinge(LossMetric):
    """Mean of the `losses.SquaredHinge`."""

    registered_name = "SquaredHingeMetric"

    def loss(self) -> losses.Loss:
        return losses.SquaredHinge()


class BinaryCrossentropy(LossMetric):
    """Mean of the `losses.BinaryCrossentropy`.

    Parameters
    ----------
    name : str, optional
    from_logits, label_smoothing
        As in the loss.
    """

    aliases = ("bce",)
    registered_name = "BinaryCrossentropyMetric"

    def __init__(self, name: str | None = None, *, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        who = type(self).__name__
        self.name = name
        self.from_logits = checks.flag(from_logits, f"{who}: from_logits")
        self.label_smoothing = checks.number(label_smoothing, f"{who}: label_smoothing", at_least=0, at_most=1)

    def loss(self) -> losses.Loss:
        return losses.BinaryCrossentropy(self.from_logits, self.label_smoothing)


class CategoricalCrossentropy(BinaryCrossentropy):
    """Mean of the `losses.CategoricalCrossentropy`; parameters as in `BinaryCrossentropy`."""

    registered_name = "CategoricalCrossentropyMetric"

    def loss(self) -> losses.Loss:
        return losses.CategoricalCrossentropy(self.from_logits, self.label_smoothing)


class SparseCategoricalCrossentropy(BinaryCrossentropy):
    """Mean of the `losses.SparseCategoricalCrossentropy`; parameters as in `BinaryCrossentropy`."""

    registered_name = "SparseCategoricalCrossentropyMetric"

    def loss(self) -> losses.Loss:
        return losses.SparseCategoricalCrossentropy(self.from_logits, label_smoothing=self.label_smoothing)
