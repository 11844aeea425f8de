"""Held: the arrays that a layer, or the loss in its place, keeps from a forward pass, by the names of its source."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.layers.base import Layer, walk
from minidl.typing import Array

MOST = 24  # arrays
INTERNAL = {"_holders", "_attributes"}


def held(layer: Layer) -> dict[str, Array]:
    """Return the arrays in underscore attributes: ``"self._mask"``, ``"inner._x"``, ``"self._cache[1]"``."""
    found: dict[str, Array] = {}
    for path, part in walk({"self": layer}):
        owner = path.removeprefix("self/").replace("/", ".")
        stands_for = getattr(part, "certified", None)
        for holder, told in [(part, f"{owner}."), (stands_for, "self.")]:
            for name, value in vars(holder).items() if hasattr(holder, "__dict__") else ():
                if name[0] == "_" and name not in INTERNAL:
                    # What stands in for a layer names its own attributes as the author would: y_true, sample_weight.
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
        for index, item in enumerate(value):
            yield from _arrays(f"{name}[{index}]", item)
        shapes = {np.shape(item) for item in value if isinstance(item, np.ndarray)}
        if len(value) > 1 and len(shapes) == 1 and all(isinstance(item, np.ndarray) for item in value):
            yield f"{name} stacked", np.stack(value, axis=1 if shapes != {()} else 0).astype(float)
