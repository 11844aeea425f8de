"""Gradient checkers of other libraries behind one interface: does the checker accept a layer's backward?

``accepts(layer, x, values, tolerance)`` runs a checker at one point, in float64; if the tolerance is None, the
checker's own tolerances apply. Exceptions from the checker or the layer propagate. Each module imports its library on
import.
"""

import importlib
from collections.abc import Callable, Sequence

import common
import numpy as np

from checking.built_layer import BuiltLayer

Checker = Callable[[BuiltLayer, np.ndarray, Sequence[np.ndarray], float | None], None]

# library -> the tightest power of ten at which no correct layer is blamed at twenty points
TOLERANCES = {"torch": 1e-6, "jax": 1e-7, "chainer": 1e-6}


def checkers() -> list[str]:
    """Return the names of the installed libraries."""
    return [name for name in TOLERANCES if common.installed(name)]


def checker(name: str) -> Checker:
    """Return the checker of a library."""
    check: Checker = importlib.import_module(f"checking.of_{name}").accepts
    return check


__all__ = ["TOLERANCES", "BuiltLayer", "Checker", "checker", "checkers"]
