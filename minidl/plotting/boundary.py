"""Decision boundary: the class that a model predicts at each point of the plane."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ShapeError
from minidl.plotting.axes import MARKERS, Axes, axes, class_labels, class_names, legend, tidy
from minidl.typing import Model


def plot_decision_boundary(
    model: Model, x: Any, y: Any, *, threshold: float = 0.5, resolution: int = 200, ax: "Axes | None" = None
) -> "Axes":
    """Draw the regions that ``model`` predicts in the plane, and the points ``x`` with a marker for each class ``y``.

    Parameters
    ----------
    model : Sequential
        A model with two inputs. With one output, the boundary is where it crosses ``threshold``; with several, where
        the index of the largest output changes.
    x : array-like of shape (rows, 2)
        The columns of a DataFrame name the axes.
    y : array-like of shape (rows,) or (rows, 1)
        Class numbers from 0, or class names; the names are numbered in sorted order.
    threshold : float
        0.5 for probabilities, 0 for logits.
    resolution : int
        Number of grid points along each side.

    Raises
    ------
    ShapeError
        If the model does not have two inputs, or x and y do not fit together.
    ArgumentError
        If y contains anything other than class labels.
    """
    columns = getattr(x, "columns", ("x[0]", "x[1]"))
    x, y = np.asarray(x, float), np.asarray(y)
    names = class_names(y)
    labels = class_labels(y, "plot_decision_boundary: y", names)
    checks.integer(resolution, "plot_decision_boundary: resolution", minimum=2)
    checks.number(threshold, "plot_decision_boundary: threshold")
    if x.ndim != 2 or x.shape[1] != 2 or len(x) == 0:
        raise ShapeError(f"plot_decision_boundary: x: expected shape (rows, 2), got {x.shape}.")
    if len(labels) != len(x):
        raise ShapeError(f"plot_decision_boundary: expected as many labels as points, got {len(labels)} and {len(x)}.")
    spread = np.ptp(x, axis=0)
    margin = 0.05 * np.where(spread > 0, spread, 1.0)
    low, high = x.min(axis=0) - margin, x.max(axis=0) + margin
    first, second = (np.linspace(low[axis], high[axis], resolution) for axis in (0, 1))
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    output = model.predict(grid).reshape(resolution, resolution, -1)
    ax = axes(ax, (5.0, 4.5))
    if output.shape[2] == 1:
        regions, classes = (output[:, :, 0] > threshold).astype(int), 2
        ax.contour(first, second, output[:, :, 0], [threshold], colors="black", linewidths=1.2)
    else:
        regions, classes = output.argmax(axis=2), output.shape[2]
        for label in range(classes):
            ax.contour(first, second, regions == label, [0.5], colors="black", linewidths=0.8)
    shades = np.linspace(0.72, 0.97, classes)
    ax.contourf(first, second, regions, np.arange(classes + 1) - 0.5, colors=[str(shade) for shade in shades])
    shown = names or [f"class {label}" for label in range(int(labels.max()) + 1)]
    for label, name in enumerate(shown):
        face = str(0.1 + 0.9 * label / max(len(shown) - 1, 1))  # dark to white, like the regions
        style: dict[str, Any] = {"s": 18, "facecolors": face, "edgecolors": "black", "linewidths": 0.6}
        ax.scatter(*x[labels == label].T, marker=MARKERS[label % len(MARKERS)], label=name, **style)
    legend(ax, columns=-(-len(shown) // 15))
    return tidy(ax, xlabel=columns[0], ylabel=columns[1])
