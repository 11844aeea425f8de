"""The losses as functions, as in Keras: ``mean_squared_error(y_true, y_pred)`` returns the loss of each sample."""

from minidl.losses.binary import BinaryCrossentropy
from minidl.losses.categorical import CategoricalCrossentropy
from minidl.losses.divergence import CategoricalHinge, Hinge, KLDivergence, SquaredHinge
from minidl.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from minidl.losses.regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from minidl.losses.resolution import LossFunction
from minidl.losses.sparse_categorical import SparseCategoricalCrossentropy

__all__ = [
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "categorical_hinge", "hinge", "huber", "kl_divergence", "log_cosh",
    "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error",
    "poisson", "sparse_categorical_crossentropy", "squared_hinge",
]  # fmt: skip

binary_crossentropy = LossFunction(BinaryCrossentropy)
binary_focal_crossentropy = LossFunction(BinaryFocalCrossentropy)
categorical_crossentropy = LossFunction(CategoricalCrossentropy)
categorical_focal_crossentropy = LossFunction(CategoricalFocalCrossentropy)
categorical_hinge = LossFunction(CategoricalHinge)
hinge = LossFunction(Hinge)
huber = LossFunction(Huber)
kl_divergence = LossFunction(KLDivergence)
log_cosh = LossFunction(LogCosh)
mean_absolute_error = LossFunction(MeanAbsoluteError)
mean_absolute_percentage_error = LossFunction(MeanAbsolutePercentageError)
mean_squared_error = LossFunction(MeanSquaredError)
mean_squared_logarithmic_error = LossFunction(MeanSquaredLogarithmicError)
poisson = LossFunction(Poisson)
sparse_categorical_crossentropy = LossFunction(SparseCategoricalCrossentropy)
squared_hinge = LossFunction(SquaredHinge)
