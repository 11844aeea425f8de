"""Diagram: the layers of a model as boxes, with shapes and parameters, as SVG."""

from html import escape
from pathlib import Path
from typing import NamedTuple

from minidl.checks import batch_shape
from minidl.errors import StateError
from minidl.explain.summary import shown_inside
from minidl.files import as_path
from minidl.layers.tree import walk
from minidl.plotting.axes import Axes, axes
from minidl.typing import Model

WIDTH, HEIGHT, LINE, GAP, MARGIN = 320, 44, 16, 26, 8  # pixels


class Box(NamedTuple):
    """One box of the diagram: its height in pixels, and its output shape."""

    title: str
    detail: str
    shape: str
    inside: list[str]
    height: int


class Diagram(str):
    """An SVG document; notebooks display it as an image."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)

    def save(self, path: str | Path) -> None:
        """Write the document to the file ``path``."""
        as_path(path, "save: path").write_text(self, encoding="utf-8")


def plot_model(model: Model, *, ax: "Axes | None" = None) -> "Diagram | Axes":
    """Draw a model from the input downwards: each layer with its arguments, parameters and output shape.

    Parameters
    ----------
    model : Sequential
        Built.
    ax : matplotlib Axes, optional
        Axes to draw on. By default an SVG is returned, which does not need matplotlib.

    Returns
    -------
    Diagram or Axes
        The SVG document, a string with the method `Diagram.save`; or ``ax``.

    Raises
    ------
    StateError
        If the model is not built.

    Examples
    --------
    >>> from minidl.plotting import plot_model
    >>> plot_model(Sequential([Input((2,)), Dense(1)]))[:4]
    '<svg'
    """
    if model.output_shape is None:
        raise StateError("plot_model: expected a built model. Put Input((features,)) first, or call build.")
    boxes = _boxes(model)
    if ax is not None:
        return _draw(boxes, axes(ax))
    return Diagram(_svg(boxes, f"Diagram of a model with {len(model.layers)} layers"))


def _boxes(model: Model) -> list[Box]:
    boxes = [Box("Input", "x", batch_shape(model.input_shape), [], HEIGHT)]
    for layer in model.layers:
        count = layer.count_params()
        parts = [f"{count:,} parameters" + ("" if layer.trainable else ", frozen")] if count else []
        inside = []
        for path, part in walk(shown_inside(layer), inside=shown_inside):
            *outer, name = path.split("/")
            what = type(part).__name__ if shown_inside(part) else repr(part)
            line = f"{name}: {what}" + ("" if part.trainable else " frozen")
            inside.append(_short("\u2003" * len(outer) + line, 52))
        title = type(layer).__name__ if inside else _short(repr(layer))
        detail = _short(", ".join([layer.name or "", *parts]), 52)
        boxes.append(Box(title, detail, batch_shape(layer.output_shape), inside, HEIGHT + LINE * len(inside)))
    return boxes


def _short(text: str, most: int = 44) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(boxes: list[Box], description: str) -> str:
    height = sum(box.height + GAP for box in boxes) + 2 * MARGIN
    width, middle = WIDTH + 2 * MARGIN, MARGIN + WIDTH / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="13"><title>{escape(description)}</title>'
        f'<rect width="{width}" height="{height}" fill="white"/>'
    ]
    centred, small, top = 'text-anchor="middle"', 'font-size="11" fill="#444"', MARGIN
    for box in boxes:
        fill, size = "white" if top == MARGIN else "#f2f2f2", f'width="{WIDTH}" height="{box.height}"'
        parts += [
            f'<rect x="{MARGIN}" y="{top}" {size} rx="6" fill="{fill}" stroke="black"/>',
            f'<path d="M{middle} {top + box.height} v{GAP - 4} m-4 -6 l4 6 l4 -6" fill="none" stroke="black"/>',
        ]
        texts = [(middle, 19, centred, box.title), (middle, 36, f"{centred} {small}", box.detail)]
        texts += [(MARGIN + 16, HEIGHT + LINE * row + 8, small, line) for row, line in enumerate(box.inside)]
        texts.append((middle + 10, box.height + 17, small, box.shape))
        parts += [f'<text x="{x}" y="{top + y}" {style}>{escape(text)}</text>' for x, y, style, text in texts]
        top += box.height + GAP
    return "".join([*parts, "</svg>"])


def _draw(boxes: list[Box], ax: "Axes") -> "Axes":
    pixels = sum(box.height + GAP for box in boxes)
    room = ax.get_window_extent().height * 72 / ax.figure.dpi / pixels  # points per pixel of the SVG
    size = min(9.0, 12.0 * room)
    style, arrow = {"boxstyle": "round", "facecolor": "0.95", "edgecolor": "black"}, {"arrowstyle": "->"}
    top = 0.0
    for box in boxes:
        lines, bottom = "\n".join([box.title, box.detail, *box.inside]), top - box.height
        ax.text(0, top - box.height / 2, lines, ha="center", va="center", fontsize=size, bbox=style)
        ax.annotate("", (0, bottom - GAP), (0, bottom), fontsize=size, arrowprops=arrow)
        ax.text(0.03, bottom - GAP / 2, box.shape, va="center", fontsize=0.9 * size)
        top = bottom - GAP
    ax.set(xlim=(-1, 1), ylim=(-pixels, GAP / 2))
    ax.set_axis_off()
    return ax
