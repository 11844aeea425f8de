"""Rescaling and Identity: simple layers for the start of a model or of a branch.

Neither has parameters.
"""

from typing import Unpack

from minidl import checks
from minidl.layers.base import Layer
from minidl.typing import Array, LayerOptions


class Rescaling(Layer):
    """``y = x * scale + offset``, such as ``Rescaling(1 / 255)`` for the grey values of images; ``dx = dy * scale``.

    Parameters
    ----------
    scale : float
    offset : float

    Examples
    --------
    >>> Sequential([Input((3,)), Rescaling(1 / 127.5, offset=-1)]).predict([[0, 127.5, 255]])
    array([[-1.,  0.,  1.]], dtype=float32)
    """

    def __init__(self, scale: float, offset: float = 0.0, **options: Unpack[LayerOptions]) -> None:
        self.scale = checks.number(scale, "Rescaling: scale")
        self.offset = checks.number(offset, "Rescaling: offset")

    def forward(self, x: Array, training: bool = False) -> Array:
        return x * self.scale + self.offset

    def backward(self, dy: Array) -> Array:
        return dy * self.scale


class Identity(Layer):
    """``y = x`` and ``dx = dy``: passes its input through unchanged.

    Examples
    --------
    >>> Identity().forward(np.array([1.0, 2.0]))
    array([1., 2.])
    """

    keeps_values = True

    def forward(self, x: Array, training: bool = False) -> Array:
        return x

    def backward(self, dy: Array) -> Array:
        return dy
