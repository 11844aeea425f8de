"""The summary of a model: a line a layer, as text and as HTML."""

from typing import Any

import numpy as np

from minidl.checks import batch_shape
from minidl.layers import Layer
from minidl.sequential.layer_list import LayerList

HEADER = ("layer", "output shape", "parameters", "cached bytes/row")


def rows(model: LayerList) -> list[tuple[str, str, str, str]]:
    """Return name and kind, output shape, parameters, and bytes kept for backward of each layer, as text."""
    cached = {} if model.network is None else model.network.cached_bytes()
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


def totals(model: LayerList) -> str:
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


def summary(model: LayerList) -> str:
    """Return the table as text, its columns aligned."""
    table: list[Any] = [HEADER, *rows(model)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}" for row in table
    ]
    rule = "-" * len(lines[0])
    return "\n".join([model.label, rule, lines[0], rule, *lines[1:], rule, totals(model)])


def html(model: LayerList) -> str:
    """Return the table as HTML, for notebooks."""
    from html import escape

    head = "".join(f"<th>{escape(title)}</th>" for title in HEADER)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows(model))
    return (
        f"<table><caption>{escape(model.label)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<p>{escape(totals(model))}</p>"
    )
