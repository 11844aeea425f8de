"""Right layers, and variants of them that are wrong in one place: what the certification kit must tell apart."""

from tests.planted import (
    attention,
    dense,
    elementwise,
    losses,
    normalising,
    occasions,
    pooling,
    recurrent,
    selecting,
    situations,
    stochastic,
)
from tests.planted.registry import BUGS, CATEGORIES, CORRECT, Planted

__all__ = [
    "BUGS",
    "CATEGORIES",
    "CORRECT",
    "Planted",
    "attention",
    "dense",
    "elementwise",
    "losses",
    "normalising",
    "occasions",
    "pooling",
    "recurrent",
    "selecting",
    "situations",
    "stochastic",
]
