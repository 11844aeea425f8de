"""The tree of layers: a layer may contain others, and each has a path.

A layer holds others in its attributes: alone or in lists, tuples and dicts, nested to any depth.
"""

from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import Any, TypeVar

from minidl.errors import LayerError
from minidl.layers.layer_type import LayerType

L = TypeVar("L")


def walk(
    layers: dict[str, L], prefix: str = "", inside: Callable[[L], dict[str, L]] = methodcaller("sublayers")
) -> Iterator[tuple[str, L]]:
    """Yield each layer with its path, such as ``("dense/activation", ReLU())``, before the layers ``inside`` it."""
    for name, layer in layers.items():
        yield prefix + name, layer
        yield from walk(inside(layer), f"{prefix}{name}/", inside)


def join(path: str, name: str) -> str:
    """Return the path of ``name`` inside ``path``; an empty name refers to the layer itself."""
    return f"{path}/{name}" if path and name else path or name


def running_inside(layer: Any) -> dict[str, Any]:
    """Return the layers inside a layer that run, by name: for a model, the steps of its network."""
    network = vars(layer).get("network")
    return layer.sublayers() if network is None else dict(zip(network.names, network.layers, strict=True))


def layers_in(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the layers in ``value``, the attribute ``name``, each with its own name or one derived from ``name``."""
    if isinstance(type(value), LayerType):
        yield value.name or name, value
    elif isinstance(value, (list, tuple, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from layers_in(item, f"{name}_{key}")


def refuse_hidden_layers(layer: Any) -> None:
    """Raise a `LayerError` if a built layer holds others in sets or private attributes, which are not searched."""
    for name, value in vars(layer).items():
        inside = list(value) if isinstance(value, (set, frozenset)) else value if name[0] == "_" else None
        if any(True for _ in layers_in(inside, name)):
            raise LayerError(
                f"{layer.label}: expected inner layers in attributes without a leading underscore, alone or in lists, "
                f"tuples and dicts, got some in self.{name}. Rename it, or use another container."
            )


def has_arrays(layer: Any, *, trained: bool) -> bool:
    """Return whether a layer, or a layer nested in it, has parameters (if ``trained``) or state (if not)."""
    return any(
        declaration.trained is trained for _, part in walk({"": layer}) for declaration in part.declared.values()
    )
