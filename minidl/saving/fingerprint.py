"""Fingerprint: a JSON value that identifies the data, functions and settings of a run."""

import functools
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.data import Table
from minidl.data.stored import StoredArray
from minidl.training.inputs import Source
from minidl.typing import Array

SAMPLED = 1000  # rows of data on disk that are sampled
ROWS = 4096  # rows of data in memory that are hashed at a time


def data_fingerprint(source: Source | None) -> dict[str, Any]:
    """Return shapes, types and digests: of all rows in memory; on disk, of a sample, with the file's size and time."""
    if source is None:
        return {}
    data = source.data
    if not isinstance(data, Table):
        return {"stream": "batches", "steps": data.steps}
    found: dict[str, Any] = {"rows": len(data) if source.rows is None else len(source.rows)}
    arrays = {"x": data.x, "y": data.y, "sample_weight": data.sample_weight}
    return found | {name: _array_fingerprint(array) for name, array in arrays.items() if array is not None}


def _array_fingerprint(array: Any) -> str:
    owner = array
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap) and owner.base is not None:
        owner = owner.base
    what = f"{array.dtype} {array.shape}"
    if isinstance(owner, (np.memmap, StoredArray)):
        file = getattr(owner if isinstance(owner, np.memmap) else getattr(owner.source, "file", None), "filename", None)
        if file is not None and Path(file).is_file():
            what += f", {Path(file).stat().st_size} bytes of {Path(file).stat().st_mtime_ns}"
        chosen = np.unique(np.linspace(0, len(array) - 1, SAMPLED).astype(int))
        return f"{what}, SHA-256 {_digest([array[row : row + 1] for row in chosen])}"
    return f"{what}, SHA-256 {_digest(array[start : start + ROWS] for start in range(0, len(array), ROWS))}"


def _digest(parts: Iterable[Array | bytes]) -> str:
    import hashlib  # only needed for checkpoints

    found = hashlib.sha256()
    for part in parts:
        found.update(part if isinstance(part, bytes) else np.ascontiguousarray(part).data)
    return found.hexdigest()[:16]


def function_fingerprint(function: Any) -> str:
    """Return a digest of a function: its code, its defaults, and the simple values that it refers to."""
    return _digest([repr(_parts(function, 0)).encode()])


def _parts(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return value
    if depth > 9:
        return type(value).__name__
    deeper = depth + 1
    if isinstance(value, functools.partial):
        return [_parts(part, deeper) for part in (value.func, value.args, value.keywords)]
    if isinstance(value, (list, tuple)):
        return [_parts(item, deeper) for item in value]
    if isinstance(value, Mapping):
        return sorted((str(key), _parts(item, deeper)) for key, item in value.items())
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, _digest([value])]
    code = getattr(value, "__code__", value)
    if hasattr(code, "co_code"):
        around = getattr(value, "__globals__", {})
        simple = {name: around[name] for name in code.co_names if isinstance(around.get(name), (int, float, str))}
        cells = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
        defaults = [getattr(value, name, None) for name in ("__defaults__", "__kwdefaults__")]
        return _parts((code.co_code, code.co_names, code.co_consts, simple, cells, defaults), deeper)
    return [type(value).__qualname__, _parts(getattr(value, "__dict__", {}), deeper)]


def plain(value: Any) -> Any:
    """Return a setting as a JSON value of numbers, strings, lists and dicts; other values become their type's name."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    return f"{type(value).__name__} {function_fingerprint(value)}"


def threads() -> str:
    """Return the number of threads used for matrix products, which affects their last digits."""
    control = sys.modules.get("threadpoolctl")  # a program that changes the number has loaded it already
    pools = [] if control is None else control.threadpool_info()
    found = [str(pool["num_threads"]) for pool in pools if pool["user_api"] == "blas"]
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    found += [os.environ[name] for name in names if os.environ.get(name)]
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [*found, str(processors)][0]
