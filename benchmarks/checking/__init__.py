"""Gradient checkers of other libraries, each asked in the same way whether it accepts a layer's backward.

``accepts(layer, x, values, tolerance)`` runs a checker at one point, in float64; None takes its own tolerances. It
raises whatever the checker or the layer raises. Each module imports its library when it is imported.
"""

import importlib
from collections.abc import Callable, Sequence

import common
import numpy as np

from checking.built_layer import BuiltLayer

Checker = Callable[[BuiltLayer, np.ndarray, Sequence[np.ndarray], float | None], None]

# library -> the tightest power of ten at which no right layer is blamed at twenty points
TOLERANCES = {"torch": 1e-6, "jax": 1e-7, "chainer": 1e-6}


def checkers() -> list[str]:
    """Return the libraries that are installed."""
    return [name for name in TOLERANCES if common.installed(name)]


def checker(name: str) -> Checker:
    """Return the checker of a library."""
    check: Checker = importlib.import_module(f"checking.of_{name}").accepts
    return check


__all__ = ["TOLERANCES", "BuiltLayer", "Checker", "checker", "checkers"]
