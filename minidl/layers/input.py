"""Input: the shape of one sample, at the start of a model.

It is not a layer: it computes nothing and is not in ``model.layers``.
"""

from typing import Any

from minidl import checks
from minidl.config import Configured
from minidl.errors import ArgumentError, ShapeError
from minidl.typing import Shape


class Input(Configured):
    """The shape of the inputs, without the batch axis: ``Sequential([Input((784,)), Dense(10)])``.

    Parameters
    ----------
    shape : tuple of int
        Each length is at least 1.
    name : str, optional
        Accepted for compatibility with Keras; it has no effect.

    Raises
    ------
    ArgumentError
        If it is not a tuple (or list) of positive integers.
    """

    def __init__(self, shape: Shape, name: str | None = None) -> None:
        self.shape = check_shape(shape, "Input: shape")
        self.name = name


def check_shape(shape: Any, who: str) -> Shape:
    """Return ``shape`` as a tuple of positive integers, or raise an `ArgumentError`."""
    if not isinstance(shape, (tuple, list)) or not shape:
        raise ArgumentError(f"{who}: expected a tuple of integers, such as (784,), got {shape!r}.")
    return tuple(checks.integer(length, who, minimum=1) for length in shape)


def check_batch_shape(shape: Any, who: str) -> Shape:
    """Return the shape of a sample, given a batch shape that begins with None, or the shape of a vector."""
    if not isinstance(shape, (tuple, list)) or len(shape) < 2:
        return check_shape(shape, who)
    if shape[0] is not None:
        got = ", ".join(map(str, shape))
        raise ShapeError(
            f"{who}: expected None for the batch axis before several others, got ({got}). "
            f"Write (None, {got}), without the number of samples."
        )
    return check_shape(shape[1:], who)
