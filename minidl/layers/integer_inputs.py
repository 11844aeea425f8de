"""Integer inputs: the dtype that the first layers of a model need, and checks of the data.

Ids must reach an `Embedding` as integers, because float32 rounds integers above 2**24.
"""

from collections.abc import Iterable

from minidl.layers.base import Layer
from minidl.typing import Array


def common_input_dtype(rows: Iterable[Iterable[Layer]]) -> str | None:
    """Return the dtype that several sequences of layers need for a shared input; None for the model's dtype."""
    found = {input_dtype_of(layers) for layers in rows}
    return found.pop() if len(found) == 1 else None


def steps_of(layers: Iterable[Layer]) -> list[Layer]:
    """Return the layers that run, including those of nested models."""
    return [step for layer in layers for step in layer.expand().values()]


def input_dtype_of(layers: Iterable[Layer]) -> str | None:
    """Return the dtype that a sequence of layers needs for its input; None for the model's dtype."""
    for layer in steps_of(layers):
        if layer.input_dtype or not layer.keeps_values:
            return layer.input_dtype
    return None


def check_input_of(layers: Iterable[Layer], x: Array, who: str) -> None:
    """Raise a `DataError` that starts with ``who`` if ``x`` is not a valid input for a sequence of layers."""
    for layer in steps_of(layers):
        layer.check_input(x, who)
        if not layer.keeps_values:
            break
        x = layer.inference_twin().forward(x)  # a twin, to preserve the caches of a training pass
