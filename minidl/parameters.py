"""Parameters: all trainable values of a model in one flat vector, all gradients in another.

Layers hold views into both, so that an optimizer step, clipping or a gradient check is one pass over one array.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, ShapeError
from minidl.typing import Array, Shape


class Parameters:
    """The flat vectors ``values`` and ``gradients``, and the named views into them.

    Parameters
    ----------
    shapes : dict of str to tuple
        The shape of each array by name, such as ``{"dense/W": (784, 128), "dense/b": (128,)}``,
        in the order of the vectors.
    dtype : dtype
        Type of both vectors.
    values, gradients : array of shape (size,), optional
        Vectors to use instead of new ones filled with zeros, such as a section of another model's.

    Examples
    --------
    >>> parameters = Parameters({"dense/W": (3, 2), "dense/b": (2,)}, "float32")
    >>> parameters["dense/b"] = [1, 2]
    >>> parameters.values
    array([0., 0., 0., 0., 0., 0., 1., 2.], dtype=float32)
    """

    def __init__(
        self,
        shapes: dict[str, Shape],
        dtype: str | np.dtype | type = "float32",
        values: Array | None = None,
        gradients: Array | None = None,
    ) -> None:
        self.shapes = dict(shapes)
        ends = [*itertools.accumulate(map(math.prod, shapes.values()), initial=0)]
        self.slices = {name: slice(*pair) for name, pair in zip(shapes, itertools.pairwise(ends), strict=True)}
        self.values = np.zeros(ends[-1], dtype) if values is None else values
        self.gradients = np.zeros(ends[-1], dtype) if gradients is None else gradients

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("values", "gradients") and name in self.__dict__:
            copy_into(self.__dict__[name], value, f"parameters: {name}")  # the layers hold views into it
        else:
            object.__setattr__(self, name, value)

    def __getitem__(self, name: str) -> Array:
        """Return the view of the values called ``name``."""
        return self._view(self.values, name)

    def __setitem__(self, name: str, value: Array) -> None:
        """Copy ``value`` into the view called ``name``; its shape must be the same."""
        copy_into(self[name], value, name)

    def gradient(self, name: str) -> Array:
        """Return the view of the gradients called ``name``."""
        return self._view(self.gradients, name)

    def section(self, path: str) -> "Parameters":
        """Return the parameters whose names begin with ``path/``, as views into the same vectors."""
        names = [name for name in self.shapes if name.startswith(f"{path}/")]
        part = slice(self.slices[names[0]].start, self.slices[names[-1]].stop) if names else slice(0, 0)
        shapes = {name[len(path) + 1 :]: self.shapes[name] for name in names}
        return Parameters(shapes, self.values.dtype, self.values[part], self.gradients[part])

    def _view(self, vector: Array, name: str) -> Array:
        if name not in self.slices:
            raise ArgumentError(f"parameters: expected one of {', '.join(self.slices)}; got {name!r}.")
        return vector[self.slices[name]].reshape(self.shapes[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def __repr__(self) -> str:
        return f"Parameters({len(self)} arrays, {self.values.size} values, {self.values.dtype})"


def copy_into(view: Array, value: Array, who: str) -> None:
    """Copy ``value`` into ``view``, never broadcasting.

    Raises
    ------
    ShapeError
        If the shapes differ: a silently broadcast ``self.db = dy.sum()`` would be a bug.
    ArgumentError
        For complex numbers, strings and objects.
    """
    if value is view:
        return
    if np.shape(value) != view.shape:
        raise ShapeError(f"{who}: expected shape {view.shape}, got {np.shape(value)}.")
    try:
        np.copyto(view, value)  # unlike an assignment, it rejects complex numbers
    except TypeError:
        raise ArgumentError(f"{who}: expected real numbers, got an array of {np.asarray(value).dtype}.") from None
