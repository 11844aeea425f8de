"""Diagram: the layers of a model as boxes, with shapes and parameters, as SVG."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from minidl.checks import batch_shape
from minidl.errors import StateError
from minidl.explain.summary import shown_inside
from minidl.files import as_path
from minidl.layers import Layer
from minidl.plotting.axes import axes
from minidl.typing import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, LINE, GAP, MARGIN = 320, 44, 16, 26, 8  # pixels


class Box(NamedTuple):
    """One box of the diagram, and the shape that leaves it."""

    title: str
    detail: str
    shape: str
    inside: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Pixels."""
        return HEIGHT + LINE * len(self.inside)


class Diagram(str):
    """An SVG document; notebooks show it as a picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)

    def save(self, path: str | Path) -> None:
        """Write the document to the file ``path``."""
        as_path(path, "save: path").write_text(self, encoding="utf-8")


def plot_model(model: Model, *, ax: "Axes | None" = None) -> "Diagram | Axes":
    """Draw a model from the input down: each layer with its arguments, parameters and output shape.

    Parameters
    ----------
    model : Sequential
        Built.
    ax : matplotlib Axes, optional
        Draw there; by default no matplotlib is needed.

    Returns
    -------
    Diagram or Axes
        The SVG document, a string with `Diagram.save`; or ``ax``.

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
    boxes = [Box("Input", "x", batch_shape(model.input_shape))]
    for layer in model.layers:
        count = layer.count_params()
        parts = [f"{count:,} parameters"] if count else []
        if count and not layer.trainable:
            parts.append("frozen")
        inside = tuple(_short(line, 52) for line in _inside(layer, 0))
        title = type(layer).__name__ if inside else _short(repr(layer))
        detail = _short(", ".join([layer.name or "", *parts]), 52)
        boxes.append(Box(title, detail, batch_shape(layer.output_shape), inside))
    return boxes


def _inside(layer: Layer, depth: int) -> Iterator[str]:
    """Yield a line for each layer inside one."""
    for name, part in shown_inside(layer).items():
        deeper = list(_inside(part, depth + 1))
        what = type(part).__name__ if deeper else repr(part)
        yield "\u2003" * depth + f"{name}: {what}" + ("" if part.trainable else " frozen")
        yield from deeper


def _short(text: str, most: int = 44) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(boxes: list[Box], description: str) -> str:
    height = sum(box.height + GAP for box in boxes) + 2 * MARGIN
    width, middle = WIDTH + 2 * MARGIN, MARGIN + WIDTH / 2
    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="13"><title>{escape(description)}</title>'
        f'<rect width="{width}" height="{height}" fill="white"/>'
    ]
    top = MARGIN
    for box in boxes:
        fill, bottom = "#f2f2f2" if top > MARGIN else "white", top + box.height
        text.append(
            f'<rect x="{MARGIN}" y="{top}" width="{WIDTH}" height="{box.height}" rx="6" fill="{fill}" stroke="black"/>'
            f'<text x="{middle}" y="{top + 19}" text-anchor="middle">{escape(box.title)}</text>'
            f'<text x="{middle}" y="{top + 36}" text-anchor="middle" font-size="11" fill="#444">'
            f"{escape(box.detail)}</text>"
        )
        for number, line in enumerate(box.inside):
            y = top + HEIGHT + LINE * number + 8
            text.append(f'<text x="{MARGIN + 16}" y="{y}" font-size="11" fill="#444">{escape(line)}</text>')
        text.append(
            f'<path d="M{middle} {bottom} v{GAP - 4} m-4 -6 l4 6 l4 -6" fill="none" stroke="black"/>'
            f'<text x="{middle + 10}" y="{bottom + 17}" font-size="11" fill="#444">{escape(box.shape)}</text>'
        )
        top = bottom + GAP
    return "".join([*text, "</svg>"])


def _draw(boxes: list[Box], ax: "Axes") -> "Axes":
    pixels = sum(box.height + GAP for box in boxes)
    room = ax.get_window_extent().height * 72 / ax.figure.dpi / pixels  # points for a pixel of the SVG
    size = min(9.0, 12.0 * room)
    style = {"boxstyle": "round", "facecolor": "0.95", "edgecolor": "black"}
    top = 0.0
    for box in boxes:
        lines = "\n".join([box.title, box.detail, *box.inside])
        ax.text(0, -top - box.height / 2, lines, ha="center", va="center", fontsize=size, bbox=style)
        bottom = -top - box.height
        arrow = {"arrowstyle": "->"}
        ax.annotate("", (0, bottom - GAP), (0, bottom), fontsize=size, arrowprops=arrow)
        ax.text(0.03, bottom - GAP / 2, box.shape, va="center", fontsize=0.9 * size)
        top += box.height + GAP
    ax.set(xlim=(-1, 1), ylim=(-pixels, GAP / 2))
    ax.set_axis_off()
    return ax
