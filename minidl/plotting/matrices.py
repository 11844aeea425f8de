"""Matrices as images: weights, pictures and confusion matrices."""

import math
from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError, ShapeError
from minidl.plotting.axes import Axes, axes, class_labels, class_names
from minidl.typing import Array, Model, Shape


def plot_images(
    images: Any,
    titles: Any = None,
    *,
    columns: int | None = None,
    limits: tuple[float, float] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw pictures side by side, in rows of ``columns``, each with its title above.

    Parameters
    ----------
    images : array-like of shape (count, height, width) or (count, height, width, 3)
        Grey values, or colours from 0 to 1 (or 0 to 255, if integers).
    titles : sequence of str, optional
    columns : int, optional
        Default: chosen to make the figure about twice as wide as high.
    limits : tuple of float, optional
        The values drawn as black and as white. Default: the minimum and the maximum.

    Raises
    ------
    ShapeError
        If ``images`` has a different shape, or the number of titles differs.
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4) or len(images) == 0 or (images.ndim == 4 and images.shape[3] != 3):
        raise ShapeError(f"plot_images: images: expected shape (count, height, width[, 3]), got {images.shape}.")
    if titles is not None and len(titles) != len(images):
        raise ShapeError(f"plot_images: titles: expected {len(images)}, got {len(titles)}.")
    count, height, width = images.shape[:3]
    square = min(count, math.ceil(math.sqrt(2 * count)))
    columns = checks.integer(square if columns is None else columns, "plot_images: columns", minimum=1)
    shown = [] if titles is None else [str(title) for title in titles]
    lines = max((title.count("\n") + 1 for title in shown), default=0)
    rows, room = -(-count // columns), (0.13 + 0.17 * lines) * width if lines else 0.0
    longest = max((len(line) for title in shown for line in title.split("\n")), default=0)
    cell = max(0.9, 0.07 * longest)  # inches
    ax = axes(ax, (columns * cell, rows * cell * (height + room) / width + 0.1))
    low, high = limits or (images.min(), images.max())
    for index, image in enumerate(images):
        left, top = index % columns * width * 1.08, index // columns * (height * 1.08 + room)
        extent = (left, left + width, top + height, top)
        ax.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="nearest")
        if shown:
            ax.text(left + width / 2, top - 0.04 * width, shown[index], ha="center", va="bottom", fontsize=8)
    bottom, top = rows * (height * 1.08 + room) - room, -room - 0.04 * height
    ax.set(xlim=(-0.04 * width, columns * width * 1.08), ylim=(bottom, top))
    ax.set_axis_off()
    return ax


def plot_weights(
    model: Model, layer: int | str = 0, *, shape: Shape | None = None, units: int = 32, ax: "Axes | None" = None
) -> "Axes":
    """Draw the columns of a layer's ``W`` as images: the pattern that each unit responds to.

    Grey is 0, white positive, black negative, on one scale for all.

    Parameters
    ----------
    model : Sequential
    layer : int or str
        Index or name of a layer with weights ``W`` of shape (inputs, units).
    shape : tuple of int, optional
        (height, width) of an image. Default: a square, if the number of inputs is a square number.
    units : int
        Maximum number of units drawn, starting with the first.

    Raises
    ------
    ArgumentError
        If the layer has no such weights, or the shape is missing.
    ShapeError
        If the shape does not fit the number of inputs.
    """
    checks.integer(units, "plot_weights: units", minimum=1)
    W = getattr(model[layer], "W", None)
    if not isinstance(W, np.ndarray) or W.ndim != 2:
        raise ArgumentError(f"plot_weights: layer: expected one with weights W, got {model[layer]!r}.")
    side = math.isqrt(len(W))
    if shape is None and side * side != len(W):
        raise ArgumentError(f"plot_weights: shape: expected the (height, width) of the {len(W)} inputs. Pass it.")
    shape = shape or (side, side)
    if np.shape(shape) != (2,) or min(shape) < 1 or math.prod(shape) != len(W):
        got = " * ".join(map(str, np.ravel(shape)))
        raise ShapeError(f"plot_weights: shape: expected height * width = {len(W)}, got {got}.")
    pictures = W.T[:units].reshape(-1, *shape)
    scale = float(np.abs(pictures).max()) or 1.0
    return plot_images(pictures, limits=(-scale, scale), ax=ax)


def plot_confusion_matrix(
    y_true: Any, y_pred: Any, *, threshold: float = 0.5, labels: Any = None, ax: "Axes | None" = None
) -> "Axes":
    """Draw how often each class (row) was predicted as each class (column), shaded by the fraction of its row.

    Parameters
    ----------
    y_true : array-like of shape (rows,) or (rows, 1)
        Class numbers from 0, or class names.
    y_pred : array-like of shape (rows,), (rows, 1) or (rows, classes)
        What `predict` returns: one output per class, of which the largest counts, or a single one, compared with
        ``threshold``. Class numbers and names are also accepted.
    threshold : float
        For a single output: 0.5 for probabilities, 0 for logits. A value above it is class 1.
    labels : sequence of str, optional
        Names of the classes, in the order of their numbers. By default the names in the data, sorted.

    Raises
    ------
    ShapeError
        If the shapes of the arrays do not match.
    ArgumentError
        If the arrays hold anything else, or there are fewer names than classes.
    """
    checks.number(threshold, "plot_confusion_matrix: threshold")
    given, predicted = np.asarray(y_true), np.asarray(y_pred)
    classes = predicted.shape[1] if predicted.ndim == 2 and predicted.shape[1] > 1 else 1
    predicted = _decided(predicted, classes, threshold)
    names = class_names(given, predicted) if labels is None else [str(label) for label in labels]
    true = class_labels(given, "plot_confusion_matrix: y_true", names)
    predicted = class_labels(predicted, "plot_confusion_matrix: y_pred", names)
    if true.shape != predicted.shape or len(true) == 0:
        got = f"{true.shape} and {predicted.shape}"
        raise ShapeError(f"plot_confusion_matrix: expected labels for the same rows, got {got}.")
    classes = max(classes, int(true.max()) + 1, int(predicted.max()) + 1, len(names))
    names = names or [str(number) for number in range(classes)]
    if len(names) < classes:
        raise ArgumentError(f"plot_confusion_matrix: labels: expected {classes}, got {len(names)}.")
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (true, predicted), 1)
    cell = max(0.5, 0.1 * len(str(counts.max())))  # inches
    ax = axes(ax, (cell * classes + 1.5, cell * classes + 1.2))
    parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(parts, cmap="Greys", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if parts[row, column] > 0.5 else "black"
            ax.text(column, row, str(count), ha="center", va="center", color=color, fontsize=8)
    slanted = max(len(name) for name in names) > 3
    ax.set_xticks(range(len(names)), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="predicted", ylabel="true")
    return ax


def _decided(y: Array, classes: int, threshold: float) -> Array:
    """Return the classes predicted by a model's outputs; class numbers and names are returned unchanged."""
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ArgumentError("plot_confusion_matrix: y_pred: expected finite numbers, got NaN or infinity.")
    if classes > 1:
        return y.argmax(axis=1)
    if y.dtype.kind != "f" or (y == np.floor(y)).all():  # class numbers, or probabilities of exactly 0 and 1
        return y
    if 0 < threshold < 1 and not ((y >= 0) & (y <= 1)).all():
        got = f"values from {y.min():.4g} to {y.max():.4g}. Pass threshold=0 for logits."
        raise ArgumentError(f"plot_confusion_matrix: y_pred: expected probabilities between 0 and 1, got {got}")
    return y > threshold
