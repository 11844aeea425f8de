"""Naming: what layers are called, "dense", "dense_1", ... unless they were given a name, and where they are."""

import itertools
from collections.abc import Iterator

from minidl.errors import ArgumentError
from minidl.layers import Layer
from minidl.layers.tree import join
from minidl.names import snake_case
from minidl.ownership import give


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


def own_parts(layer: Layer, path: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield a layer and those inside it with their paths; the layers of a nested model are the nested model's own."""
    yield path, layer
    if "network" not in vars(layer):
        for name, inner in layer.sublayers().items():
            yield from own_parts(inner, join(path, name))


def take(owner: Layer, layer: Layer, index: int) -> None:
    """Make ``owner`` the owner of its layer number ``index`` and of those inside it, and tell them where they are."""
    layer.place = f"layer {index}" if owner.place is None else f"layer {index} {_inside(owner)}"
    parts = list(own_parts(layer))
    for path, part in parts:
        give(part, owner)
        if path:
            named = len(parts) == 2 or path == part.name
            part.place = _inside(layer) if named else f"{path} {_inside(layer)}"


def _inside(layer: Layer) -> str:
    name = "" if layer.name is None else f" {layer.name!r}"
    return f"in {type(layer).__name__}{name}, {layer.place}"
