"""Cloning: deep copies of layers that keep the underscore attributes set by `build`; read-only copies of arrays."""

from typing import Any

import numpy as np

from minidl.config import Configured
from minidl.initializers import Initializer
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.regularizers import Regularizer
from minidl.typing import Array

SHARED = {bool, int, float, str, np.random.Generator}  # types of attributes that clones may share


def clone(value: Any, memo: dict[int, Any]) -> Any:
    """Return a deep copy of a layer's attribute that shares immutable and unknown objects."""
    if value is None or type(value) in SHARED:
        return value
    if id(value) in memo:
        return memo[id(value)]
    new = value
    if isinstance(value, (Initializer, Regularizer)):
        return value
    if isinstance(value, Configured):
        new = memo[id(value)] = object.__new__(type(value))
        for name, item in vars(value).items():
            new.__dict__[name] = dict(item) if name == "declared" else clone(item, memo)
    elif type(value) in (list, tuple, set):
        new = type(value)(clone(item, memo) for item in value)
    elif type(value) is dict:
        new = {name: clone(item, memo) for name, item in value.items()}
    elif isinstance(value, np.ndarray):
        new = value.copy()
    memo[id(value)] = new
    return new


def generators_of(layer: Layer, rng: np.random.Generator) -> list[tuple[np.random.Generator, Any]]:
    """Return all random generators that a layer holds, with their current states."""
    found = {id(rng): rng}
    for _, part in walk({"layer": layer}):
        found.update({id(value): value for value in vars(part).values() if isinstance(value, np.random.Generator)})
    return [(generator, generator.bit_generator.state) for generator in found.values()]


def guarded(array: Array) -> Array:
    """Return a read-only copy, so that any line that writes into it raises an error."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy
