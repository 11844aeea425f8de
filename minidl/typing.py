"""The types of the public signatures.

Arrays are plain ``numpy.ndarray`` types, so that importing this module is fast.
"""

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, ...]
InitializerFunction = Callable[["np.random.Generator", Shape, np.dtype[Any]], Array]
Model = Any  # a `Sequential`, in signatures of modules that it imports


class LayerOptions(TypedDict, total=False):
    """The arguments of every layer's constructor: ``**options: Unpack[LayerOptions]``."""

    name: str | None
    trainable: bool
    input_shape: Shape


class NoOptions(TypedDict):
    """No further arguments: methods take ``**others: Unpack[NoOptions]`` to explain Keras' arguments."""


class ClipOptions(TypedDict, total=False):
    """The arguments for gradient clipping, documented in `Optimizer`."""

    clipnorm: float | None
    global_clipnorm: float | None
    clipvalue: float | None


class OptimizerOptions(ClipOptions, total=False):
    """The arguments common to all optimizers, documented in `Optimizer`."""

    weight_decay: float | None
