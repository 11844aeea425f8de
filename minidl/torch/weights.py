"""Weights: matches the arrays in a PyTorch file with the layers of a model.

Names say little about the order of the layers; it follows from the order in the file, numbers in names, and shapes.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from minidl.errors import ArgumentError, ShapeError
from minidl.files import as_path
from minidl.layers import Layer
from minidl.sequential import Sequential
from minidl.torch.files import by_numbers, read_arrays
from minidl.typing import Array, Model, Shape

# The names of a layer's arrays in torch; arrays not listed have the same name.
NAMES = {
    "Dense": {"W": "weight", "b": "bias"},
    "Embedding": {"W": "weight"},
    "BatchNormalization": {
        "gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
    },
    "LayerNormalization": {"gamma": "weight", "beta": "bias"},
    "PReLU": {"alpha": "weight"},
}  # fmt: skip
TRANSPOSED = {("Dense", "W")}  # (outputs, inputs) in torch
COUNTERS = ("num_batches_tracked",)  # what torch keeps and minidl does not need


class Module(NamedTuple):
    """The arrays of one layer in a file or a model, by their torch names, with their shapes."""

    name: str
    shapes: dict[str, Shape]

    @property
    def lines(self) -> list[str]:
        """The arrays with their shapes, as one string each."""
        return [f"{self.name}.{name} {self.shapes[name]}".removeprefix(".") for name in sorted(self.shapes)]


def load_torch(model: Model, path: Any, names: Iterable[str] | None = None) -> None:
    """Copy the weights of a PyTorch network into ``model``, which has the same layers in the same order.

    Parameters
    ----------
    model : Sequential
        A built model. `Dense` takes ``weight`` (outputs, inputs), transposed, and ``bias`` from ``nn.Linear``.
    path : str or Path
        A ``.safetensors`` file, or a state dict that ``torch.save(net.state_dict(), path)`` has written. Neither
        can run code, and torch need not be installed.
    names : list of str, optional
        The modules in the order of the model's layers, such as ``["hidden", "out"]``, if the file does not show it.

    Raises
    ------
    ShapeError
        If the arrays do not fit the layers; the message lists both.
    ArgumentError
        If several orders fit, or for ``names`` that are not those of the file.
    ModelFileError
        If the file is of another kind, or corrupt.

    Notes
    -----
    A state dict has its modules in the order in which the network's constructor made them. A safetensors file is
    sorted by name. Modules that differ in a number are then taken in the order of the numbers (``net.2`` before
    ``net.10``), and others by their shapes if only one order fits.
    """
    if not isinstance(model, Sequential):
        raise ArgumentError(f"load_torch: model: expected a Sequential, got {model!r:.60}.")
    network, path = model.built("load_torch"), as_path(path, "load_torch: path")
    arrays, ordered = read_arrays(path)
    arrays = {name: array for name, array in arrays.items() if not name.endswith(COUNTERS)}
    modules = _modules(arrays)
    layers = [(path, layer) for path, layer in network.parts if layer.declared]
    wanted = [_wanted(path, layer) for path, layer in layers]
    if names is not None:
        chosen = _named(modules, list(names), wanted)
    elif ordered and _fit(modules, wanted):
        chosen = modules
    else:
        chosen = _arranged(modules, wanted)
    model.set_weights(
        [
            _as_here(layer, name, arrays[f"{module.name}.{theirs}".removeprefix(".")])
            for (_, layer), module in zip(layers, chosen, strict=True)
            for name in layer.declared
            for theirs in [_name_in_torch(layer, name)]
        ]
    )


def _modules(arrays: dict[str, Array]) -> list[Module]:
    found: dict[str, Module] = {}
    for name, array in arrays.items():
        prefix, _, last = name.rpartition(".")
        found.setdefault(prefix, Module(prefix, {})).shapes[last] = array.shape
    return list(found.values())


def _name_in_torch(layer: Layer, name: str) -> str:
    return NAMES.get(type(layer).__name__, {}).get(name, name)


def _as_here(layer: Layer, name: str, array: Array) -> Array:
    return array.T if (type(layer).__name__, name) in TRANSPOSED else array


def _wanted(path: str, layer: Layer) -> Module:
    return Module(
        path,
        {
            _name_in_torch(layer, name): _as_here(layer, name, layer.views[name]).shape  # its own inverse
            for name in layer.declared
        },
    )


def _fit(modules: list[Module], wanted: list[Module]) -> bool:
    return [module.shapes for module in modules] == [each.shapes for each in wanted]


def _named(modules: list[Module], names: list[str], wanted: list[Module]) -> list[Module]:
    by_name = {module.name: module for module in modules}
    if sorted(names) != sorted(by_name):
        raise ArgumentError(f"load_torch: names: expected each of {', '.join(by_name)} once, got {', '.join(names)}.")
    chosen = [by_name[name] for name in names]
    if not _fit(chosen, wanted):
        raise _difference(chosen, wanted)
    return chosen


def _arranged(modules: list[Module], wanted: list[Module]) -> list[Module]:
    """Return the modules in the only order that fits; names that differ only in numbers are sorted by number."""
    families: dict[str, list[Module]] = {}
    for module in sorted(modules, key=lambda module: by_numbers(module.name)):
        families.setdefault(re.sub(r"\d+", "#", module.name), []).append(module)
    kinds = [sorted(sorted(module.shapes.items()) for module in side) for side in (modules, wanted)]
    ways = _orders(list(families.values()), wanted) if kinds[0] == kinds[1] else iter(())
    orders = list(itertools.islice(ways, 2))
    if not orders:
        raise _difference(sorted(modules, key=lambda module: by_numbers(module.name)), wanted)
    if len(orders) == 2:
        shown = [", ".join(module.name for module in order) for order in orders]
        raise ArgumentError(
            f"load_torch: expected names that give the order of the layers, got several orders that fit: {shown[0]}; "
            f"{shown[1]}. Pass names= in the order in which the network runs them."
        )
    return orders[0]


def _orders(families: list[list[Module]], wanted: list[Module]) -> Iterator[list[Module]]:
    """Yield each assignment of modules to layers that matches their shapes and keeps the order in each family."""
    dead: set[tuple[int, ...]] = set()  # positions in the families from which no assignment can be completed

    def ways(point: tuple[int, ...]) -> Iterator[list[Module]]:
        layer, found = sum(point), False
        if layer == len(wanted):
            yield []
            return
        for index, family in enumerate(families):
            after = (*point[:index], point[index] + 1, *point[index + 1 :])
            if after in dead or point[index] == len(family) or family[point[index]].shapes != wanted[layer].shapes:
                continue
            for way in ways(after):
                found = True
                yield [family[point[index]], *way]
        if not found:
            dead.add(point)

    yield from ways(tuple(0 for _ in families))


def _difference(modules: list[Module], wanted: list[Module]) -> ShapeError:
    ours = [line for each in wanted for line in each.lines]
    theirs = [line for each in modules for line in each.lines]
    width = max(map(len, ["the model", *ours]))
    rows = itertools.zip_longest(["the model", *ours], ["the file", *theirs], fillvalue="-")
    table = "\n  ".join(f"{left:{width}}  {right}" for left, right in itertools.islice(rows, 60))
    return ShapeError(
        f"load_torch: expected the arrays of the model's layers, as torch calls them, in their order, got:\n"
        f"  {table}\nMake a model with the same layers, or pass names= in the order of the layers."
    )
