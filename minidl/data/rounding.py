"""Rounding: columns whose different values become equal in the type of a model, such as times in seconds in float32."""

import warnings
from typing import Any

import numpy as np

from minidl.typing import Array

COARSE = 1024  # steps of rounding: a column with fewer from its least to its largest value is looked at
LOST = 0.01  # fraction of the different values: in a large column, a few neighbours are equal by chance
NAMED = 5  # columns that a warning names


@np.errstate(all="ignore")
def warn_of_rounding(array: Any, who: str, dtype: np.dtype[Any], names: tuple[str, ...], step: int) -> None:
    """Warn of the columns of a finite array whose values ``dtype`` cannot tell apart; ``step`` rows are read at a time.

    Those are whole numbers with more digits than ``dtype`` has, and values that vary little, compared with their size.
    """
    parts = [slice(start, start + step) for start in range(0, len(array), step)]
    least = np.min([array[part].min(axis=0) for part in parts], axis=0)
    largest = np.max([array[part].max(axis=0) for part in parts], axis=0)
    size, precision, found = np.maximum(abs(least), abs(largest)), np.finfo(dtype), []
    near = largest - least < precision.eps * (COARSE * size + precision.tiny)
    for place in np.argwhere((least < largest) & (near | (size * precision.eps > 2))):
        column = np.concatenate([array[(part, *place)] for part in parts])
        if near[tuple(place)] or (column == np.rint(column)).all():
            different = np.unique(column)
            if len(np.unique(different.astype(dtype))) < (1 - LOST) * len(different):
                found.append(_label(place, names))
    if found:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        where = f"{who}: column {', '.join(found[:NAMED])}{more}" if array.ndim > 1 else who
        warnings.warn(
            f"{where}: different values become equal in {dtype}. Scale them, for example to mean 0 and standard "
            'deviation 1, or use Sequential(..., dtype="float64").',
            stacklevel=2,
        )


def _label(place: Array, names: tuple[str, ...]) -> str:
    """Return how a warning calls a column: its name, its number, or its position among several axes."""
    return repr(names[place[0]]) if names else str(place[0] if len(place) == 1 else tuple(map(int, place)))
