"""Diagram: the layers of a model as boxes, with shapes and parameters, as SVG."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from minidl.checks import batch_shape
from minidl.errors import StateError
from minidl.files import as_path
from minidl.plotting.axes import axes
from minidl.typing import Model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, GAP, MARGIN = 320, 44, 26, 8  # pixels


class Box(NamedTuple):
    """One box of the diagram, and the shape that leaves it."""

    title: str
    detail: str
    shape: str


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
        boxes.append(
            Box(_short(repr(layer)), _short(", ".join([layer.name or "", *parts]), 52), batch_shape(layer.output_shape))
        )
    return boxes


def _short(text: str, most: int = 44) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(boxes: list[Box], description: str) -> str:
    height = len(boxes) * (HEIGHT + GAP) + 2 * MARGIN
    width, middle = WIDTH + 2 * MARGIN, MARGIN + WIDTH / 2
    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="13"><title>{escape(description)}</title>'
        f'<rect width="{width}" height="{height}" fill="white"/>'
    ]
    for index, (title, detail, shape) in enumerate(boxes):
        top = MARGIN + index * (HEIGHT + GAP)
        fill = "#f2f2f2" if index else "white"
        text.append(
            f'<rect x="{MARGIN}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{fill}" stroke="black"/>'
            f'<text x="{middle}" y="{top + 19}" text-anchor="middle">{escape(title)}</text>'
            f'<text x="{middle}" y="{top + 36}" text-anchor="middle" font-size="11" fill="#444">{escape(detail)}</text>'
            f'<path d="M{middle} {top + HEIGHT} v{GAP - 4} m-4 -6 l4 6 l4 -6" fill="none" stroke="black"/>'
            f'<text x="{middle + 10}" y="{top + HEIGHT + 17}" font-size="11" fill="#444">{escape(shape)}</text>'
        )
    return "".join([*text, "</svg>"])


def _draw(boxes: list[Box], ax: "Axes") -> "Axes":
    room = ax.get_window_extent().height * 72 / ax.figure.dpi / len(boxes)  # points for a box and its arrow
    size = min(9.0, room / 5.5)
    style = {"boxstyle": "round", "facecolor": "0.95", "edgecolor": "black"}
    for index, (title, detail, shape) in enumerate(boxes):
        ax.text(0, -index, f"{title}\n{detail}", ha="center", va="center", fontsize=size, bbox=style)
        ax.annotate("", (0, -index - 0.75), (0, -index - 0.25), fontsize=size, arrowprops={"arrowstyle": "->"})
        ax.text(0.03, -index - 0.5, shape, va="center", fontsize=0.9 * size)
    ax.set(xlim=(-1, 1), ylim=(-len(boxes) + 0.1, 0.5))
    ax.set_axis_off()
    return ax
