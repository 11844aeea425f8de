"""Shared by all plots: importing matplotlib on first use, line styles that differ without colour, and class labels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError
from minidl.packages import import_package
from minidl.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
else:
    Axes = Any

# Dark to light, so that the order survives a black-and-white print; the line style and the marker differ too.
COLORS = ("#12355b", "#c8553d", "#2a7f62", "#8a5a9e", "#d9a21b", "#5f9fb5")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P")


def axes(ax: "Axes | None", size: tuple[float, float] = (6.0, 4.0)) -> "Axes":
    """Return ``ax``, or the axes of a new figure of ``size`` in inches; a `MissingPackageError` without matplotlib."""
    if ax is not None:
        if not hasattr(ax, "contourf"):
            raise ArgumentError(f"minidl.plotting: ax: expected the Axes of one picture, got {type(ax).__name__}.")
        return ax
    pyplot = import_package("matplotlib.pyplot", "minidl.plotting", "plot")
    drawn: Axes = pyplot.subplots(figsize=size, layout="constrained")[1]
    return drawn


def plot_epochs(ax: "Axes", epochs: list[int], curves: dict[str, Any]) -> None:
    """Draw each of ``curves`` over the epochs, counted from 0, in its own style; label all, or every few of many.

    A pair (epochs, values) is a curve with values at some epochs only.
    """
    every, named = max(1, len(epochs) // 8), -(-len(curves) // 12)
    for index, (label, values) in enumerate(curves.items()):
        color, dashes, marker = (styles[index % len(styles)] for styles in (COLORS, DASHES, MARKERS))
        if named > 1:  # the styles would repeat
            color, dashes, marker = str(0.8 * index / len(curves)), "-", ""
        x, y = values if isinstance(values, tuple) else (epochs, values)
        lines = ax.plot(np.array(x) + 1, y, color=color, linestyle=dashes, marker=marker, markersize=4, markevery=every)
        lines[0].set_label(label if index % named == 0 else f"_{label}")
    ax.locator_params(axis="x", integer=True, min_n_ticks=1)
    tidy(ax, xlabel="epoch")


def legend(ax: "Axes", columns: int = 1) -> None:
    """Add a legend, next to ``ax`` if the layout of the figure makes room for it, otherwise inside."""
    if ax.figure.get_layout_engine() is None:
        ax.legend(framealpha=0.9, ncols=columns)
    else:
        ax.legend(frameon=False, ncols=columns, loc="upper left", bbox_to_anchor=(1, 1))


def tidy(ax: "Axes", **labels: Any) -> "Axes":
    """Set ``labels`` on ``ax`` and remove the top and right spines."""
    ax.set(**labels)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def class_names(*arrays: Array) -> list[str]:
    """Return the class names in ``arrays``, sorted; empty if they hold class numbers."""
    return sorted({str(name) for y in arrays if _holds_names(y) for name in y.flat})


def class_labels(y: Any, who: str, names: Sequence[str] = ()) -> Array:
    """Return ``y`` as integers of shape (rows,): class numbers from 0, or indices in ``names``.

    ``y`` may have a single column. Raises an `ArgumentError` if it holds anything else.
    """
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 1 and _holds_names(y):
        if unknown := sorted(set(y) - set(names)):
            raise ArgumentError(f"{who}: expected labels among {list(names)}, got {str(unknown[0])!r}.")
        return np.array([names.index(name) for name in y], int)
    if y.ndim != 1 or y.dtype.kind not in "biuf" or checks.wrong_label(y, np.inf) is not None:
        fix = "Take argmax(axis=1) of several columns, or p > 0.5 of probabilities."
        raise ArgumentError(f"{who}: expected class labels from 0, got {y.dtype} values of shape {y.shape}. {fix}")
    return y.astype(int)


def _holds_names(y: Array) -> bool:
    return y.dtype.kind in "UT" or (y.dtype.kind == "O" and all(isinstance(name, str) for name in y.flat))
