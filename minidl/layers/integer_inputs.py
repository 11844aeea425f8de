"""Integer inputs: which type the layers at the head of a model want of the data, and whether the data suit them.

Ids must reach an `Embedding` as integers, for float32 rounds whole numbers above 2**24.
"""

from collections.abc import Iterable

from minidl.layers.base import Layer
from minidl.typing import Array


def common_input_dtype(rows: Iterable[Iterable[Layer]]) -> str | None:
    """Return the type that all rows of layers want of one input; None for that of the model."""
    found = {input_dtype_of(layers) for layers in rows}
    return found.pop() if len(found) == 1 else None


def steps_of(layers: Iterable[Layer]) -> list[Layer]:
    """Return the layers that run, those of nested models among them."""
    return [step for layer in layers for step in layer.expand().values()]


def input_dtype_of(layers: Iterable[Layer]) -> str | None:
    """Return the type that layers one after another want of their input; None for that of the model."""
    for layer in steps_of(layers):
        if layer.input_dtype or not layer.keeps_values:
            return layer.input_dtype
    return None


def check_input_of(layers: Iterable[Layer], x: Array, who: str) -> None:
    """Raise a `DataError`, opened by ``who``, if ``x`` is no input for layers one after another."""
    for layer in steps_of(layers):
        layer.check_input(x, who)
        if not layer.keeps_values:
            break
        x = layer.inference_twin().forward(x)  # a twin: the caches of a training pass stay as they are
