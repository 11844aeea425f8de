"""The summary of a model: a line a layer, as text and as HTML."""

from typing import Any

import numpy as np

from minidl.checks import batch_shape
from minidl.layers import Layer
from minidl.layers.tree import walk
from minidl.network import Network, has_arrays
from minidl.typing import Array, Model

HEADER = ("layer", "output shape", "parameters", "cached bytes/row")


def rows(model: Model) -> list[tuple[str, str, str, str]]:
    """Return name and kind, output shape, parameters, and bytes kept for backward of each layer, as text."""
    cached = {} if model.network is None else cached_bytes(model.network)
    table = []
    for layer in model.layers:
        name = f"{layer.name} ({type(layer).__name__})" + ("" if layer.trainable else " frozen")
        if layer.output_shape is None:
            table.append((name, "?", "?", "?"))
        else:
            count = f"{layer.count_params():,}"
            own = sum(size for step, size in cached.items() if f"{step}/".startswith(f"{layer.name}/"))
            table.append((name, batch_shape(layer.output_shape), count, f"{own:,}"))
    return table


def totals(model: Model) -> str:
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


def cached_bytes(network: Network) -> dict[str, int]:
    """Return the bytes that each step keeps for backward, for each sample, counted once if shared."""
    seen: set[int] = set()
    count: dict[str, int] = {}
    x = np.zeros((2, *network.input_shape), network.input_dtype)
    twins = [_free_twin(layer) for layer in network.layers]  # all alive at once, so that no address comes again
    for name, twin in zip(network.names, twins, strict=True):
        with np.errstate(all="ignore"):
            x = twin.forward(x, True)
        new = {array.ctypes.data: array.nbytes // 2 for array in _caches(twin) if array.ctypes.data not in seen}
        seen.update(new)
        count[name] = sum(new.values())
    return count


def _free_twin(layer: Layer) -> Layer:
    """Return a layer that can run in training mode without touching the state or the generator of ``layer``."""
    twin = layer.copy() if has_arrays(layer, trained=False) else layer.inference_twin()
    for _, part in walk({"": twin}):
        part.rng = np.random.default_rng(0)
    return twin


def _caches(layer: Layer) -> list[Array]:
    own = [value for name, value in vars(layer).items() if name[0] == "_" and isinstance(value, np.ndarray)]
    return own + [array for inner in layer.sublayers().values() for array in _caches(inner)]


def summary(model: Model) -> str:
    """Return the table as text, its columns aligned."""
    table: list[Any] = [HEADER, *rows(model)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}" for row in table
    ]
    rule = "-" * len(lines[0])
    return "\n".join([model.label, rule, lines[0], rule, *lines[1:], rule, totals(model)])


def html(model: Model) -> str:
    """Return the table as HTML, for notebooks."""
    from html import escape

    head = "".join(f"<th>{escape(title)}</th>" for title in HEADER)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows(model))
    return (
        f"<table><caption>{escape(model.label)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p>{escape(totals(model))}</p>"
    )
