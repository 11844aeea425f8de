"""Classes: class weights and stratified splits."""

import math
from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError, DataError
from minidl.typing import Array


def classes_of(y: Array) -> Array:
    """Return the class of each row as an integer, given labels, targets of a single output, or one-hot rows."""
    if y.ndim == 1:
        return y if y.dtype.kind in "iu" else y.astype(np.intp)
    return y.argmax(axis=1) if y.shape[1] > 1 else (y[:, 0] > 0.5).astype(np.intp)


def class_factors(class_weight: Any, y: Array, outputs: int, rows: Array | None = None) -> Array:
    """Return the weight of each row by its class; a class missing from ``class_weight`` has weight 1.

    "balanced" counts the classes in ``rows``, by default in all rows.
    """
    classes, count = classes_of(y), max(outputs, 2)
    by_count = isinstance(class_weight, str) and class_weight == "balanced"
    weights = balanced(classes if rows is None else classes[rows]) if by_count else class_weight
    if not isinstance(weights, dict):
        raise ArgumentError(f'class_weight: expected "balanced" or a dict of class to weight, got {class_weight!r}.')
    table = np.ones(count)
    for label, weight in weights.items():
        label = int(label) if isinstance(label, (float, np.floating, bool, np.bool_)) and label % 1 == 0 else label
        if checks.integer(label, "class_weight: class", minimum=0) >= count:
            raise ArgumentError(f"class_weight: expected classes in [0, {count}), got {label!r}.")
        table[label] = checks.number(weight, f"class_weight: weight of class {label}", at_least=0)
    return table[classes]


def balanced(classes: Array) -> dict[int, float]:
    """Return the weight ``rows / (classes * rows of k)`` of each class k, as scikit-learn does."""
    labels, counts = np.unique(classes, return_counts=True)
    return {int(label): len(classes) / (len(labels) * int(count)) for label, count in zip(labels, counts, strict=True)}


def split_rows(
    y: Array, rows: int, validation_split: float, split: str, rng: "np.random.Generator"
) -> tuple[Array, Array]:
    """Return row numbers for training, ``floor(rows * (1 - validation_split))`` of them, and those for validation.

    ``split`` selects the validation rows: "shuffle" at random, "stratify" in proportion to the classes, "last" from the
    end.
    """
    training = math.floor(rows * (1 - validation_split))  # as in Keras
    if training == 0:
        raise DataError(f"validation_split: expected rows left for training, got {validation_split} of {rows} rows.")
    if split == "last":
        order = np.arange(rows)
    elif split == "shuffle":
        order = rng.permutation(rows)
    else:
        order = _stratified(classes_of(y), rng)
    return np.sort(order[:training]), np.sort(order[training:])


def _stratified(classes: Array, rng: "np.random.Generator") -> Array:
    """Return an order of the rows in which every contiguous range holds the classes in proportion."""
    position = np.empty(len(classes))
    for label in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == label))
        position[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(position, kind="stable")
