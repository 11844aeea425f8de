"""The losses as metrics: the mean of a loss over all samples, in float64."""

from abc import ABC
from typing import Any

import numpy as np

from minidl import losses
from minidl.losses.targets import crossentropy_options
from minidl.metrics.base import MeanMetric
from minidl.metrics.targets import flat_labels, match_shapes
from minidl.typing import Array

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Hinge",
    "KLDivergence", "LogCoshError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "Poisson",
    "SparseCategoricalCrossentropy", "SquaredHinge",
]  # fmt: skip


class LossMetric(MeanMetric, ABC):
    """Abstract base: the mean of the `Loss` of the same name, unless the class sets one, over samples and outputs."""

    higher_is_better = False
    loss: type[losses.Loss]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if hasattr(losses, cls.__name__):
            cls.loss = getattr(losses, cls.__name__) if cls.__module__ == __name__ else cls.loss
            cls.registered_name = f"{cls.__name__}Metric"  # in files, the plain name means the loss

    def values(self, y_true: Array, y_pred: Array) -> Array:
        loss = self.loss.__new__(self.loss)
        vars(loss).update(vars(self))  # the arguments, which are those of the loss and have been checked
        y_true, y_pred = (flat_labels if loss.sparse else match_shapes)(y_true, y_pred, self)
        return loss.values(np.asarray(y_pred, np.float64), y_true)


class CategoricalHinge(LossMetric):
    """Mean of `losses.CategoricalHinge`."""


class CosineSimilarity(LossMetric):
    """Mean cosine of the angle between prediction and target: the negative of `losses.CosineSimilarity`."""

    higher_is_better = True

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return -super().values(y_true, y_pred)


class Hinge(LossMetric):
    """Mean of `losses.Hinge`."""


class KLDivergence(LossMetric):
    """Mean of `losses.KLDivergence`."""

    aliases = ("kld",)


class LogCoshError(LossMetric):
    """Mean of `losses.LogCosh`."""

    aliases = ("logcosh",)
    loss = losses.LogCosh


class MeanAbsolutePercentageError(LossMetric):
    """Mean of `losses.MeanAbsolutePercentageError`."""

    aliases = ("mape",)


class MeanSquaredLogarithmicError(LossMetric):
    """Mean of `losses.MeanSquaredLogarithmicError`."""

    aliases = ("msle",)


class Poisson(LossMetric):
    """Mean of `losses.Poisson`."""


class SquaredHinge(LossMetric):
    """Mean of `losses.SquaredHinge`."""


class BinaryCrossentropy(LossMetric):
    """Mean of `losses.BinaryCrossentropy`.

    Parameters
    ----------
    name : str, optional
    from_logits, label_smoothing
        As in the loss.
    """

    aliases = ("bce",)

    def __init__(self, name: str | None = None, *, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.name = name
        options = crossentropy_options(type(self).__name__, from_logits, label_smoothing)
        self.from_logits, self.label_smoothing = options


class CategoricalCrossentropy(BinaryCrossentropy):
    """Mean of `losses.CategoricalCrossentropy`; parameters as in `BinaryCrossentropy`."""


class SparseCategoricalCrossentropy(BinaryCrossentropy):
    """Mean of `losses.SparseCategoricalCrossentropy`; parameters as in `BinaryCrossentropy`."""
