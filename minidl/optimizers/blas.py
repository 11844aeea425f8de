"""The one BLAS routine that the optimizers need, ``y += a * x`` in a single pass, loaded at the first step."""

import contextlib
import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minidl.errors import ArgumentError

Axpy = Callable[..., Any]


def axpy_for(dtype: "np.dtype[Any]", who: str) -> Axpy:
    """Return ``axpy(x, y, a=a)``, which adds ``a * x`` to the contiguous array ``y`` in place.

    Raises
    ------
    ArgumentError
        If ``dtype`` is neither float32 nor float64 in the machine's byte order; ``who`` opens the message.
    """
    if dtype not in (np.float32, np.float64):
        raise ArgumentError(f"{who}: values: expected float32 or float64, got {dtype}.")
    library = _library()
    axpy: Axpy = library.saxpy if dtype == np.float32 else library.daxpy
    return axpy


@functools.cache
def _library() -> Any:
    """Return SciPy's wrapper of BLAS without the rest of its package, which takes 0.3 s to import."""
    name = "scipy.linalg._fblas"
    if name in sys.modules:
        return sys.modules[name]
    scipy = importlib.util.find_spec("scipy")
    for folder in scipy.submodule_search_locations or () if scipy else ():
        for file in Path(folder, "linalg").glob("_fblas.*"):
            spec = importlib.util.spec_from_file_location(name, file)
            if spec is not None and spec.loader is not None:
                with contextlib.suppress(ImportError):
                    module = importlib.util.module_from_spec(spec)
                    spec.loader.exec_module(module)
                    return module
    from scipy.linalg import blas

    return blas
