"""Losses: the functions that training minimises."""

from minidl.config import register_builtins
from minidl.losses.base import Loss
from minidl.losses.binary import BinaryCrossentropy
from minidl.losses.categorical import CategoricalCrossentropy
from minidl.losses.cosine import CosineSimilarity
from minidl.losses.divergence import CategoricalHinge, Hinge, KLDivergence, SquaredHinge
from minidl.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from minidl.losses.functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    cosine_similarity,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from minidl.losses.regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    Quantile,
)
from minidl.losses.resolution import LossFunction, resolve_loss
from minidl.losses.sparse_categorical import SparseCategoricalCrossentropy

__all__ = [
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
    "CategoricalHinge", "CosineSimilarity", "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss", "LossFunction",
    "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson",
    "Quantile", "SparseCategoricalCrossentropy", "SquaredHinge", "binary_crossentropy", "binary_focal_crossentropy",
    "categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge", "cosine_similarity", "hinge",
    "huber", "kl_divergence", "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_error", "mean_squared_logarithmic_error", "poisson", "resolve_loss",
    "sparse_categorical_crossentropy", "squared_hinge",
]  # fmt: skip

register_builtins(globals())
