"""Clipping: limits the norm or the values of gradients."""

import math
from typing import Any

import numpy as np

from minidl.typing import Array


def clip(gradients: Array, clipped: Array, limits: Any) -> None:
    """Write the gradients, clipped to the limits of the optimizer ``limits``, into ``clipped``."""
    if limits.clipvalue:
        np.clip(gradients, -limits.clipvalue, limits.clipvalue, out=clipped)
        return
    limit = limits.global_clipnorm or limits.clipnorm or math.inf
    parts = None if limits.global_clipnorm else limits.segments
    for part in parts.values() if parts else [slice(None)]:
        np.multiply(gradients[part], _shrinkage(gradients[part], limit), out=clipped[part])


def _shrinkage(vector: Array, limit: float) -> float:
    """Return the factor, at most 1, that scales the norm of ``vector`` to at most ``limit``."""
    with np.errstate(over="ignore"):
        square = float(np.dot(vector, vector))
    if math.isfinite(square):
        norm = math.sqrt(square)
    else:  # the squares overflow: measure in units of the largest entry
        largest = float(np.abs(vector).max())
        if not math.isfinite(largest):
            return 1.0  # no finite norm: left to the check of the loss
        unit = vector / largest
        norm = largest * math.sqrt(float(np.dot(unit, unit)))
    return limit / norm if norm > limit else 1.0
