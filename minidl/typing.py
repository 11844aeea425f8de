"""The type aliases of the public signatures.

They are plain ``numpy.ndarray`` types, so that importing them costs nothing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, ...]
InitializerFunction = Callable[["np.random.Generator", Shape, np.dtype[Any]], Array]
Model = Any  # a `Sequential`, in the signatures of what it is built on
