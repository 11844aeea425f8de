"""Utils: the functions of ``keras.utils`` for one-hot rows, normalization, seeds, diagrams and registered classes."""

import math
import random
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minidl import checks
from minidl.config import register
from minidl.data import as_array
from minidl.errors import ArgumentError, DataError
from minidl.names import PAGE
from minidl.numeric import one_hot
from minidl.randomness import seed_models
from minidl.typing import Array

T = TypeVar("T")

__all__ = ["normalize", "plot_model", "register_keras_serializable", "set_random_seed", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """Return labels as one-hot rows: a 1 at the label and zeros elsewhere.

    It is rarely needed: ``loss="sparse_categorical_crossentropy"`` takes the labels directly.

    Parameters
    ----------
    x : array-like of int, (rows,) or (rows, 1)
    num_classes : int, optional
        Default: the largest label plus 1.

    Returns
    -------
    array of float32, (rows, num_classes)

    Raises
    ------
    ArgumentError, DataError
        If ``num_classes`` is not a positive integer, or a label is not an integer in [0, ``num_classes``).

    Examples
    --------
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    labels = as_array(x, "to_categorical: x")
    if labels.size != len(labels):
        raise DataError(f"to_categorical: x: expected labels of shape (rows,), got {labels.shape}.")
    labels, who = labels.reshape(-1), "to_categorical: num_classes"
    classes = math.inf if num_classes is None else checks.integer(num_classes, who, minimum=1)
    if (row := checks.wrong_label(labels, classes)) is not None:
        raise DataError(f"to_categorical: x: expected labels in [0, {classes}), got {labels[row]} at row {row}.")
    return one_hot(labels.astype(np.intp), int(labels.max(initial=0)) + 1 if num_classes is None else num_classes)


def normalize(x: Any, axis: int = -1, order: float = 2) -> Array:
    """Return ``x`` divided by its norms of order ``order`` along an axis; zero vectors stay zero.

    Examples
    --------
    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    x = as_array(x, "normalize: x").astype(np.float64)
    length = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(length == 0, 1, length)


def plot_model(model: Any, to_file: Any = "model.svg", **options: Any) -> Any:
    """Write a diagram of a built model to an SVG file and return it: see `minidl.plotting.plot_model`.

    Raises
    ------
    ArgumentError
        For a file that is not ``.svg``.
    """
    from minidl.plotting import plot_model

    if to_file is not None and not str(to_file).endswith(".svg"):
        raise ArgumentError(f"plot_model: to_file: expected a file name, got {to_file!r}. Use one in .svg. {PAGE}")
    diagram: Any = plot_model(model)
    if to_file is not None:
        diagram.save(to_file)
    return diagram


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[type[T]], type[T]]:
    """Return the class decorator `minidl.register`; ``package`` is ignored, as classes are registered by name only."""
    if name is not None:
        raise ArgumentError("register_keras_serializable: name: expected None, as a class is known by its own name.")
    return register


def set_random_seed(seed: int) -> None:
    """Seed new models that have no ``seed`` of their own, and NumPy's and Python's global generators.

    ``Sequential(..., seed=0)`` is preferable, as it does not depend on code that ran before.
    """
    seed_models(checks.integer(seed, "set_random_seed: seed", minimum=0))
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - as in Keras, for scripts that draw their data from it
