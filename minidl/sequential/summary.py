"""The summary of a model: a line a layer, as text and as HTML."""

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import batch_shape
from minidl.layers import Layer
from minidl.layers.base import walk
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential.stack import Stack

HEADER = ("layer", "output shape", "parameters", "cached bytes/row")


def rows(model: "Stack") -> list[tuple[str, str, str, str]]:
    """Return name and kind, output shape, parameters, and bytes kept for backward of each layer, as text."""
    cached = cached_bytes(model) if model.output_shape else {}
    table = []
    for layer in model.layers:
        name = f"{layer.name} ({type(layer).__name__})" + ("" if layer.trainable else " frozen")
        if layer.output_shape is None:
            table.append((name, "?", "?", "?"))
        else:
            count = f"{layer.count_params():,}"
            table.append((name, batch_shape(layer.output_shape), count, f"{cached[layer.name]:,}"))
    return table


def totals(model: "Stack") -> str:
    """Return the line of sums: parameters, the frozen ones, and their size."""
    if not model.output_shape:
        return "Not built yet: put Input((features,)) first, or call build((features,))."
    count = model.count_params()
    frozen = frozen_parameters(model)
    size = count * np.dtype(model.dtype).itemsize
    return f"{count:,} parameters ({count - frozen:,} trainable, {frozen:,} frozen), {size:,} bytes in {model.dtype}"


def frozen_parameters(layer: Layer) -> int:
    """Return the number of values in a layer that training leaves alone."""
    return sum(map(frozen_parameters, layer.sublayers().values())) if layer.trainable else layer.count_params()


def cached_bytes(model: "Stack") -> dict[str | None, int]:
    """Return the bytes that each layer keeps for backward, for each row of the batch, counted once if shared."""
    seen: set[int] = set()
    count: dict[str | None, int] = {}
    x = np.zeros((2, *(model.input_shape or ())), model.dtype)
    twins = [_twin(layer) for layer in model.layers]  # all alive at once, so that no address comes again
    for layer, twin in zip(model.layers, twins, strict=True):
        with np.errstate(all="ignore"):
            x = twin.forward(x, True)
        new = {array.ctypes.data: array.nbytes // 2 for array in _caches(twin) if array.ctypes.data not in seen}
        seen.update(new)
        count[layer.name] = sum(new.values())
    return count


def _twin(layer: Layer) -> Layer:
    """Return a layer that can run in training mode without touching the state or the generator of ``layer``."""
    stateful = any(set(part.declared) - set(part.parameter_names) for _, part in walk({"": layer}))
    twin = layer.copy() if stateful else layer.detached()
    for _, part in walk({"": twin}):
        part.rng = np.random.default_rng(0)
    return twin


def _caches(layer: Layer) -> list[Array]:
    inside: list[Layer] = list(layer.__dict__.get("_chain", ())) or list(layer.sublayers().values())
    own = [value for name, value in layer.__dict__.items() if name[0] == "_" and isinstance(value, np.ndarray)]
    return own + [array for sublayer in inside for array in _caches(sublayer)]


def summary(model: "Stack") -> str:
    """Return the table as text, its columns aligned."""
    table: list[Any] = [HEADER, *rows(model)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}" for row in table
    ]
    rule = "-" * len(lines[0])
    return "\n".join([model.label, rule, lines[0], rule, *lines[1:], rule, totals(model)])


def html(model: "Stack") -> str:
    """Return the table as HTML, for notebooks."""
    from html import escape

    head = "".join(f"<th>{escape(title)}</th>" for title in HEADER)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows(model))
    return (
        f"<table><caption>{escape(model.label)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p>{escape(totals(model))}</p>"
    )
