"""Columns: selects features by number, slice or name.

At the start of a branch of `Concatenate`, it gives the branch its own subset of the features.
"""

from typing import Any, Self, Unpack

import numpy as np

from minidl.checks import did_you_mean
from minidl.errors import ArgumentError, ShapeError
from minidl.layers.base import Layer
from minidl.ownership import owner_of
from minidl.typing import Array, LayerOptions, Shape


class Columns(Layer):
    """Select features, in the given order: ``y = x[..., columns]``.

    Parameters
    ----------
    *columns : int, slice or str
        Indices (negative ones count from the end), slices, and column names of the data frame that the model is
        trained on; each column at most once.

    Raises
    ------
    ArgumentError
        If no column is given, one is not an int, slice or string, or the model has no column of that name.
    ShapeError
        In `build`, if ``x`` has no such column, or one is selected twice.

    Notes
    -----
    The derivative with respect to the features that are left out is 0.

    Examples
    --------
    >>> model = Sequential([Input((4,)), Columns(-1, slice(0, 2))])
    >>> model.predict([[0.0, 1.0, 2.0, 3.0]]).tolist()
    [[3.0, 0.0, 1.0]]
    """

    keeps_values = True

    def __init__(self, *columns: int | slice | str, **options: Unpack[LayerOptions]) -> None:
        self.columns = tuple(map(_checked, columns))
        if not columns:
            raise ArgumentError("Columns: columns: expected at least one column, got none.")

    def build(self, input_shape: Shape) -> Shape:
        self.features = input_shape[-1]
        self.indices = self._find(())
        return (*input_shape[:-1], len(self.indices))

    def _find(self, names: tuple[str, ...]) -> list[int]:
        """Return the indices of the columns; -1 for a name while ``names`` is empty."""
        found: list[int] = []
        for column in self.columns:
            if isinstance(column, slice):
                found += range(self.features)[column]
            elif isinstance(column, str):
                if names and column not in names:
                    got = f"{column!r}.{did_you_mean(column, names)}"
                    raise ArgumentError(f"{self.label}: expected one of {', '.join(names)}; got {got}")
                found.append(names.index(column) if names else -1)
            elif -self.features <= column < self.features:
                found.append(column % self.features)
            else:
                raise ShapeError(f"{self.label}: expected columns of {self.features} features, got column {column}.")
        known = [index for index in found if index >= 0]
        if not found or len(set(known)) < len(known):
            raise ShapeError(
                f"{self.label}: expected different columns of {self.features} features, got {known or 'none'}."
            )
        return found

    def look_up_names(self) -> None:
        """Look up named columns in the model's `feature_names`, once these are known."""
        model = owner_of(self)
        while model is not None and owner_of(model) is not None:
            model = owner_of(model)
        names = tuple(getattr(model, "feature_names", None) or ())
        if len(names) == self.features:
            self.indices[:] = self._find(names)  # in place, because twins share the list
        elif names:
            got = f"one of {len(names)} columns. Use numbers behind other layers"
            raise ArgumentError(f"{self.label}: expected a data frame of {self.features} columns, got {got}.")

    def inference_twin(self) -> Self:
        if self.output_shape is not None and self._has_names():
            self.look_up_names()  # a twin belongs to no model
        return super().inference_twin()

    def _has_names(self) -> bool:
        return any(isinstance(column, str) for column in self.columns)

    def numbers(self) -> list[int]:
        """Return the indices of the columns; raise an `ArgumentError` if a name has not been resolved."""
        if self._has_names():
            self.look_up_names()
            if -1 in self.indices:
                raise ArgumentError(
                    f"{self.label}: expected a model that was fitted on a data frame, got no names of columns. "
                    "Set model.feature_names, or use numbers."
                )
        return self.indices

    def forward(self, x: Array, training: bool = False) -> Array:
        self._shape = x.shape
        return x.take(self.numbers(), axis=-1)

    def backward(self, dy: Array) -> Array:
        dx = np.zeros(self._shape, dy.dtype)
        dx[..., self.indices] = dy
        return dx


def _checked(column: Any) -> int | slice | str:
    if isinstance(column, (slice, str)):
        return column
    if isinstance(column, (int, np.integer)) and not isinstance(column, bool):
        return int(column)
    fix = " Write Columns(*columns)." if isinstance(column, (list, tuple)) else ""
    raise ArgumentError(f"Columns: columns: expected numbers, slices and names, got {column!r}.{fix}")
