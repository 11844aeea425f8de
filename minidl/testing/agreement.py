"""Agreement: when two results count as equal."""

from typing import Any

import numpy as np

from minidl.testing.derivative import LONG
from minidl.typing import Array


def named(y: Any, gradients: dict[str, Any]) -> dict[str, Array]:
    """Return a dict with copies of the output and of all gradients that are not None."""
    return {name: np.array(value) for name, value in {"y": y, **gradients}.items() if value is not None}


def finite(arrays: dict[str, Array]) -> bool:
    """Return whether all entries are finite."""
    return all(bool(np.isfinite(value).all()) for value in arrays.values())


def close(found: Any, expected: Array, tolerance: float, least: float = 0.0) -> bool:
    """Return whether two arrays agree to ``tolerance``, relative to the largest entry or to ``least``."""
    if np.shape(found) != np.shape(expected):
        return False
    if np.array_equal(found, expected):
        return True
    size = np.abs(expected).max(initial=least, where=np.isfinite(expected))
    with np.errstate(invalid="ignore"):
        equal = (np.abs(np.asarray(found, LONG) - expected) <= tolerance * size) | (np.asarray(found, LONG) == expected)
    return bool((equal | (np.isnan(found) & np.isnan(expected))).all())
