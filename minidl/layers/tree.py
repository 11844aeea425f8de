"""The tree of layers: a layer may hold others, and each has a path."""

from collections.abc import Iterator
from typing import Any


def walk(layers: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each layer with its path, such as ``("dense/activation", ReLU())``, before the layers inside it."""
    for name, layer in layers.items():
        yield prefix + name, layer
        yield from walk(layer.sublayers(), f"{prefix}{name}/")


def join(path: str, name: str) -> str:
    """Return the path of what is called ``name`` inside ``path``; an empty name is the layer itself."""
    return f"{path}/{name}" if path and name else path or name
