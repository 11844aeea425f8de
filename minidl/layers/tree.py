"""The tree of layers: a layer may hold others, and each has a path."""

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar


class Holder(Protocol):
    """What may hold layers: a layer, or a model."""

    def sublayers(self) -> dict[str, Any]:
        """Return the layers inside, by name."""


L = TypeVar("L", bound=Holder)


def walk(layers: dict[str, L], prefix: str = "") -> Iterator[tuple[str, L]]:
    """Yield each layer with its path, such as ``("dense/activation", ReLU())``, before the layers inside it."""
    for name, layer in layers.items():
        yield prefix + name, layer
        yield from walk(layer.sublayers(), f"{prefix}{name}/")


def join(path: str, name: str) -> str:
    """Return the path of what is called ``name`` inside ``path``; an empty name is the layer itself."""
    return f"{path}/{name}" if path and name else path or name
