"""The types of the public signatures.

Arrays are plain ``numpy.ndarray`` types, so that importing them costs nothing.
"""

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, ...]
InitializerFunction = Callable[["np.random.Generator", Shape, np.dtype[Any]], Array]
Model = Any  # a `Sequential`, in the signatures of what it is built on


class LayerOptions(TypedDict, total=False):
    """The arguments that every layer takes, for the constructors: ``**options: Unpack[LayerOptions]``."""

    name: str | None
    trainable: bool
    input_shape: Shape


class NoOptions(TypedDict):
    """No further arguments: a method takes ``**others: Unpack[NoOptions]`` to explain Keras' names for them."""


class ClipOptions(TypedDict, total=False):
    """The ways to clip gradients, which `Optimizer` explains."""

    clipnorm: float | None
    global_clipnorm: float | None
    clipvalue: float | None


class OptimizerOptions(ClipOptions, total=False):
    """The arguments that every optimizer takes after its own, which `Optimizer` explains."""

    weight_decay: float | None
