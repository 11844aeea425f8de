"""What the pictures share: matplotlib, imported at first use, and lines that differ without colour."""

import importlib
from typing import TYPE_CHECKING, Any

from minidl.errors import MinidlError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Dark to light, so that the order survives a black-and-white print; the line style and the marker differ too.
COLORS = ("#12355b", "#c8553d", "#2a7f62", "#8a5a9e", "#d9a21b", "#5f9fb5")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P")


class MissingPackageError(MinidlError, ImportError):
    """An optional package is needed for this and is not installed."""


def import_matplotlib(module: str) -> Any:
    """Return the matplotlib module ``module``.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            "minidl.plotting: expected matplotlib, got none installed. Run: pip install minidl[plot]"
        ) from error


def axes(ax: "Axes | None", size: tuple[float, float] = (6.0, 4.0)) -> "Axes":
    """Return ``ax``, or the axes of a new figure of ``size`` in inches."""
    if ax is not None:
        return ax
    pyplot = import_matplotlib("matplotlib.pyplot")
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def line(index: int) -> dict[str, Any]:
    """Return the style of the line number ``index``: colour, dashes and marker."""
    return {
        "color": COLORS[index % len(COLORS)],
        "linestyle": DASHES[index % len(DASHES)],
        "marker": MARKERS[index % len(MARKERS)],
        "markersize": 4,
    }


def tidy(ax: "Axes", **labels: Any) -> "Axes":
    """Set ``labels`` on ``ax`` and take the upper and right edges away."""
    ax.set(**labels)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
