"""Naming: layers are called "dense", "dense_1", ... unless they were given a name."""

import itertools

from minidl.errors import ArgumentError
from minidl.layers import Layer
from minidl.names import snake_case


def unique_name(layer: Layer, taken: set[str | None]) -> str:
    """Return a name for ``layer`` that is not in ``taken``, or raise an `ArgumentError`."""
    if layer.name is not None:
        if layer.name in taken or "/" in layer.name:
            raise ArgumentError(
                f"{layer.label}: name: expected one without '/' that no other layer has, got {layer.name!r}."
            )
        return layer.name
    base = snake_case(type(layer).__name__)
    numbered = (f"{base}_{number}" for number in itertools.count(1))
    return next(name for name in itertools.chain([base], numbered) if name not in taken)
