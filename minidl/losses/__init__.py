"""Losses: the functions that training minimises."""

from minidl.config import register_builtins
from minidl.losses import functions, regression
from minidl.losses.base import Loss
from minidl.losses.binary import BinaryCrossentropy
from minidl.losses.categorical import CategoricalCrossentropy
from minidl.losses.cosine import CosineSimilarity, cosine_similarity
from minidl.losses.divergence import CategoricalHinge, Hinge, KLDivergence, SquaredHinge
from minidl.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from minidl.losses.functions import *
from minidl.losses.regression import *
from minidl.losses.resolution import LossFunction, resolve_loss
from minidl.losses.sparse_categorical import SparseCategoricalCrossentropy

__all__ = [
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
    "CategoricalHinge", "CosineSimilarity", "Hinge", "KLDivergence", "Loss", "LossFunction",
    "SparseCategoricalCrossentropy", "SquaredHinge", "cosine_similarity", "resolve_loss",
]  # fmt: skip
__all__ += functions.__all__
__all__ += regression.__all__

register_builtins(globals())
