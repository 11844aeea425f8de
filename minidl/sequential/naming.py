"""Naming: the default names of layers ("dense", "dense_1", ...) and their positions in a model."""

from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.layers import Input, Layer
from minidl.layers.tree import walk
from minidl.names import snake_case
from minidl.ownership import give, owner_of


def unique_name(layer: Layer, taken: dict[str | None, int]) -> str:
    """Return a name for ``layer`` that is not yet in ``taken``, and add it there; an `ArgumentError` for a duplicate.

    ``taken`` maps each name to the last suffix number tried with it, so that naming many layers takes linear time.
    """
    name = layer.name
    if name is None:
        name = base = snake_case(type(layer).__name__)
        while name in taken:
            taken[base] += 1
            name = f"{base}_{taken[base]}"
    elif name in taken or "/" in name:
        raise ArgumentError(f"{layer.label}: name: expected one without '/' that no other layer has, got {name!r}.")
    taken[name] = 0
    return name


def own_parts(layer: Layer) -> list[tuple[str, Layer]]:
    """Return a layer and its nested layers with their paths, but not the layers of a nested model, which owns them."""
    return [("", layer), *walk(_own_inside(layer), inside=_own_inside)]


def _own_inside(layer: Layer) -> dict[str, Layer]:
    return {} if "network" in vars(layer) else layer.sublayers()


def take(owner: Layer, layer: Layer, index: int) -> None:
    """Make ``owner`` own its layer number ``index`` and the layers nested in it, and set their positions."""
    layer.set_derived(place=f"layer {index}" if owner.place is None else f"layer {index} {_inside(owner)}")
    parts = own_parts(layer)
    for path, part in parts:
        give(part, owner)
        if path:
            named = len(parts) == 2 or path == part.name
            part.set_derived(place=_inside(layer) if named else f"{path} {_inside(layer)}")


def _inside(layer: Layer) -> str:
    name = "" if layer.name is None else f" {layer.name!r}"
    return f"in {type(layer).__name__}{name}, {layer.place}"


def check_member(layer: Any, model: Any) -> None:
    """Raise an `ArgumentError` if the layer, or a layer nested in it, cannot be added to the model."""
    if isinstance(layer, type) and issubclass(layer, (Layer, Input)):
        name = layer.__name__
        raise ArgumentError(f"{model.label}: expected a layer, got the class {name}. Write {name}(...).")
    if not isinstance(layer, Layer):
        raise ArgumentError(f"{model.label}: expected a layer, got {layer!r}.")
    for _, part in own_parts(layer):
        if owner_of(part) is not None or part is model:
            fix = "Use layer.copy(), which keeps the trained values, or nest the whole model."
            what = "this layer already belongs to a model, and a layer keeps the caches of one place"
            raise ArgumentError(f"{part.label}: {what}. {fix}")
        if isinstance(part, type(model)) and np.dtype(part.dtype).itemsize > np.dtype(model.dtype).itemsize:
            got = f"one of {part.dtype}, whose values would lose digits. Make the outer one with dtype={part.dtype!r}."
            raise ArgumentError(f"{part.label}: expected a model of {model.dtype}, as around it, got {got}")
