"""Cache: the arrays that a layer, or the loss it wraps, keeps from a forward pass, named as in its source."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.typing import Array

MOST = 24  # arrays
INTERNAL = {"_holders", "_attributes", "_building"}


def numbers_in(value: Any) -> int:
    """Return the total count of numbers in arrays and containers."""
    if isinstance(value, np.ndarray):
        return value.size
    items = value.values() if isinstance(value, dict) else value
    return sum(map(numbers_in, items)) if isinstance(value, (dict, list, tuple)) else 1


def numbers_cached(layer: Layer) -> int:
    """Return how many numbers a layer, or the loss it wraps, keeps from a forward pass."""
    holders = [part for _, part in walk({"self": layer})] + [getattr(layer, "certified", None)]
    kept = [vars(holder) for holder in holders if hasattr(holder, "__dict__")]
    return sum(numbers_in(value) for names in kept for name, value in names.items() if name[0] == "_")


def cached_arrays(layer: Layer) -> dict[str, Array]:
    """Return the arrays in underscore attributes by name: ``"self._mask"``, ``"inner._x"``, ``"self._cache[1]"``."""
    found: dict[str, Array] = {}
    for path, part in walk({"self": layer}):
        owner = path.removeprefix("self/").replace("/", ".")
        stands_for = getattr(part, "certified", None)
        for holder, told in [(part, f"{owner}."), (stands_for, "self.")]:
            for name, value in vars(holder).items() if hasattr(holder, "__dict__") else ():
                if name[0] == "_" and name not in INTERNAL:
                    # A wrapped loss names its attributes as the author would: y_true, sample_weight.
                    shown = name[1:] if holder is part and stands_for is not None else told + name
                    found.update(_arrays(shown, value))
    return dict(list(found.items())[:MOST])


def _arrays(name: str, value: Any) -> Iterator[tuple[str, Array]]:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        yield name, value.astype(float)
    elif isinstance(value, (float, np.floating)):
        yield name, np.asarray(value, float)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _arrays(f"{name}[{key!r}]", item)
    elif isinstance(value, (list, tuple)):
        steps = list(_steps(name, value)) if isinstance(value, list) else []
        yield from steps
        for index, item in enumerate(value if not steps else ()):
            yield from _arrays(f"{name}[{index}]", item)


def _steps(name: str, value: list[Any]) -> Iterator[tuple[str, Array]]:
    """Yield name and stacked array, with a step axis, for a list of one array or tuple of arrays per step."""
    if _alike(value):
        steps = np.stack(value, axis=1).astype(float)
        yield from [(name, steps), (f"{name}[1:]", steps[:, 1:]), (f"{name}[:-1]", steps[:, :-1])][: 2 * len(value) - 1]
    elif value and all(isinstance(item, tuple) and len(item) == len(value[0]) for item in value):
        for index, items in enumerate(zip(*value, strict=True)):
            if _alike(items):
                yield f"{name}[:][{index}]", np.stack(items, axis=1).astype(float)


def _alike(items: Any) -> bool:
    """Return whether all are arrays of the same shape with at least one dimension."""
    return bool(items) and all(isinstance(v, np.ndarray) and v.ndim and v.shape == items[0].shape for v in items)
