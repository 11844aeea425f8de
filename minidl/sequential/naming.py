"""Naming: what layers are called, "dense", "dense_1", ... unless they were given a name, and where they are."""

from collections.abc import Iterator

from minidl.errors import ArgumentError
from minidl.layers import Layer
from minidl.layers.tree import join
from minidl.names import snake_case
from minidl.ownership import give


def unique_name(layer: Layer, taken: dict[str | None, int]) -> str:
    """Return a name for ``layer`` that is not in ``taken``, and add it there, or raise an `ArgumentError`.

    The values of ``taken`` are the last numbers that were tried behind its names, so that many layers take linear time.
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
