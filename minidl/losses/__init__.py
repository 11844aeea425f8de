"""Losses: what training makes small."""

from minidl.config import register_builtins
from minidl.losses.base import Loss, resolve_loss
from minidl.losses.binary import BinaryCrossentropy
from minidl.losses.categorical import CategoricalCrossentropy, SparseCategoricalCrossentropy
from minidl.losses.divergence import Hinge, KLDivergence
from minidl.losses.regression import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError, Poisson, Quantile

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss",
    "MeanAbsoluteError", "MeanSquaredError", "Poisson", "Quantile", "SparseCategoricalCrossentropy", "resolve_loss",
]  # fmt: skip

register_builtins(globals())
