"""The summary of a model: one line per layer, as text and as HTML."""

from typing import Any

import numpy as np

from minidl.checks import batch_shape
from minidl.errors import MinidlError
from minidl.layers import Dense, Layer
from minidl.layers.tree import has_arrays, running_inside, walk
from minidl.network import Network
from minidl.typing import Model

HEADER = ("layer", "output shape", "parameters", "cached bytes/row")


def rows(model: Model) -> list[tuple[str, str, str, str]]:
    """Return the name and class, output shape, parameters and bytes cached for backward of each layer, as text.

    Nested layers follow their layer, indented; the activation of a `Dense` is shown as one of its arguments.
    """
    try:
        cached = {} if model.network is None else cached_bytes(model.network)
    except MinidlError:  # a layer that is not built, such as one that needs column names
        cached = None
    found = []
    for path, layer in walk(model.sublayers(), inside=shown_inside):
        *outer, name = path.split("/")
        what = f"{'  ' * len(outer)}{name} ({type(layer).__name__})" + ("" if layer.trainable else " frozen")
        if layer.output_shape is None:
            found.append((what, "?", "?", "?"))
        else:
            sizes = [size for part, size in (cached or {}).items() if f"{part}/".startswith(f"{path}/")]
            own = "?" if cached is None else f"{sum(sizes):,}"
            found.append((what, batch_shape(layer.output_shape), f"{layer.count_params():,}", own))
    return found


def shown_inside(layer: Layer) -> dict[str, Layer]:
    """Return the nested layers that a summary lists, by name."""
    return {} if isinstance(layer, Dense) else layer.sublayers()


def totals(model: Model) -> str:
    """Return the line of totals: parameters, frozen parameters, and their size in bytes."""
    if not model.output_shape:
        return "Not built yet: put Input((features,)) first, or call build((features,))."
    count, frozen = model.count_params(), sum(part.stop - part.start for part in model.network.frozen_parts())
    size = count * np.dtype(model.dtype).itemsize
    return f"{count:,} parameters ({count - frozen:,} trainable, {frozen:,} frozen), {size:,} bytes in {model.dtype}"


def cached_bytes(network: Network) -> dict[str, int]:
    """Return the bytes per sample that each step and nested layer caches for backward; a shared array counts once."""
    seen: set[int] = set()
    count: dict[str, int] = {}
    x = np.zeros((2, *network.input_shape), network.input_dtype)
    twins = [_free_twin(layer) for layer in network.layers]  # all alive at once, so that no address is reused
    for name, twin in zip(network.names, twins, strict=True):
        with np.errstate(all="ignore"):
            x = twin.forward(x, True)
        for path, part in walk({name: twin}, inside=running_inside):
            caches = [value for key, value in vars(part).items() if key[0] == "_" and isinstance(value, np.ndarray)]
            new = {array.ctypes.data: array.nbytes // 2 for array in caches if array.ctypes.data not in seen}
            seen.update(new)
            count[path] = sum(new.values())
    return count


def _free_twin(layer: Layer) -> Layer:
    """Return a twin that can run in training mode without changing the state or the generator of ``layer``."""
    twin = layer.copy() if has_arrays(layer, trained=False) else layer.inference_twin()
    for _, part in walk({"": twin}):
        part.rng = np.random.default_rng(0)
    return twin


def summary(model: Model) -> str:
    """Return the table as text with aligned columns."""
    table: list[Any] = [HEADER, *rows(model)]
    layout = [f"{side}{max(map(len, column))}" for side, *column in zip("<<>>", *table, strict=True)]
    lines = ["  ".join(map(format, row, layout)) for row in table]
    rule = "-" * len(lines[0])
    return "\n".join([model.label, rule, lines[0], rule, *lines[1:], rule, totals(model)])


def html(model: Model) -> str:
    """Return the table as HTML, for notebooks."""
    from html import escape

    head, *body = (
        "".join(f"<{tag}>{escape(cell).replace('  ', '&emsp;')}</{tag}>" for cell in row)
        for tag, row in [("th", HEADER), *(("td", row) for row in rows(model))]
    )
    lines = "".join(f"<tr>{cells}</tr>" for cells in body)
    table = f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody>"
    return f"<table><caption>{escape(model.label)}</caption>{table}</table><p>{escape(totals(model))}</p>"
