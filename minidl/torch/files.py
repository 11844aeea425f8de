"""PyTorch files, read without PyTorch and without executing code: safetensors, and state dicts of `torch.save`.

A state dict is a zip archive of a pickle and the bytes of the arrays. Python's pickle module could execute code; here,
a small interpreter supports only the few instructions that a state dict needs.
"""

import json
import math
import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minidl.errors import ModelFileError
from minidl.typing import Array

SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?",
}  # fmt: skip
STORAGES = {
    "DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8", "IntStorage": "<i4", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
PICKLE = 16 << 20  # maximum size of the pickle in bytes
SHARED = 2  # maximum number of values per byte of the file: tensors may share values, within limits
NESTED = ("state_dict", "model_state_dict", "model")  # keys under which training scripts save it


def read_arrays(path: Path) -> tuple[dict[str, Array], bool]:
    """Return the arrays of a file by name, and whether their order is that of the network.

    Raises a `ModelFileError` for any other file, and an `OSError` if it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(9)
    try:
        if start.startswith(b"PK\x03\x04"):
            arrays, ordered = _read_state_dict(path), True
        elif start[8:] == b"{":
            arrays, ordered = _read_safetensors(path), False
        else:
            raise ValueError("neither of the two. Save it with torch 1.6 or newer: torch.save(net.state_dict(), path)")
    except OSError:
        raise
    except Exception as error:  # a damaged file fails in zipfile, in json or on its bytes
        raise ModelFileError(
            f"{path}: expected a state dict of torch or a safetensors file, got {str(error)[:300]}"
        ) from error
    names = list(arrays)
    was_sorted = names == sorted(names) != sorted(names, key=by_numbers)  # "10" before "2": the order is lost
    return arrays, ordered and not was_sorted


def by_numbers(name: str) -> list[Any]:
    """Return a key that sorts ``net.2`` before ``net.10``."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


# safetensors


def _read_safetensors(path: Path) -> dict[str, Array]:
    data = memoryview(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8:
        raise ValueError("a file that is cut short")
    header = json.loads(bytes(data[8 : 8 + length]))
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        dtype, size = SAFETENSORS[entry["dtype"]], math.prod(entry["shape"])
        arrays[name] = _array(data[8 + length :][begin:end], dtype, (0, size)).reshape(entry["shape"])
    return arrays


def _array(data: Any, dtype: str, part: tuple[int, int]) -> Array:
    """Return the values ``part`` (first, number) of ``data``; bfloat16, the upper half of a float32, as float32."""
    first, number = part
    if first < 0 or number < 0:
        raise ValueError("an array at a negative place")
    kind = np.dtype("<u2" if dtype == "bfloat16" else dtype)
    if (first + number) * kind.itemsize > len(data):
        raise ValueError("a file that is cut short")
    array = np.frombuffer(data, kind, number, first * kind.itemsize)
    return (array.astype(np.uint32) << 16).view(np.float32) if dtype == "bfloat16" else array


# torch.save


class _Global(NamedTuple):
    """A class or function named in a pickle, kept as a name that cannot be called."""

    name: str


class _Tensor(NamedTuple):
    """The location of an array; ``storage`` is the name of its bytes in the archive."""

    storage: str
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _read_state_dict(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as archive:
        members = {each.filename: each for each in archive.infolist()}
        pickles = [name for name in members if name.endswith("data.pkl") and name.count("/") <= 1]
        if len(pickles) != 1:
            raise ValueError("another zip archive")
        folder = pickles[0].removesuffix("data.pkl")
        if members[pickles[0]].file_size > PICKLE:
            raise ValueError(f"a description of more than {PICKLE} bytes")
        if any(each.compress_type != zipfile.ZIP_STORED for each in members.values()):
            raise ValueError("a compressed archive, which torch does not write")
        found = _unpickle(archive.read(pickles[0]))
        if f"{folder}byteorder" in members and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("a file of a big-endian machine")
        tensors = _tensors(found)
        if sum(math.prod(tensor.shape) for tensor in tensors.values()) > SHARED * path.stat().st_size:
            raise ValueError("more values than its bytes can hold")
        storages = {name: archive.read(f"{folder}data/{name}") for name in {t.storage for t in tensors.values()}}
        return {name: _strided(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}


def _tensors(found: Any) -> dict[str, _Tensor]:
    """Return the state dict in the content of a file: all of it, or the entry under one of the `NESTED` keys."""
    if isinstance(found, Mapping):
        if found and all(isinstance(value, _Tensor) for value in found.values()):
            return dict(found)
        inside = [found[name] for name in NESTED if isinstance(found.get(name), Mapping)]
        if len(inside) == 1:
            return _tensors(inside[0])
    raise ValueError("something else. Save the weights alone: torch.save(net.state_dict(), path)")


def _strided(tensor: _Tensor, data: bytes) -> Array:
    shape, strides = tensor.shape, tensor.strides
    if len(shape) != len(strides) or any(n < 0 for n in strides):
        raise ValueError("an array of no possible shape")
    reach = 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if 0 in shape or math.prod(shape) > len(data):
        raise ValueError("an array without values, or more than the file has")
    flat = _array(data, tensor.dtype, (tensor.offset, reach))
    return np.lib.stride_tricks.as_strided(flat, shape, [stride * flat.itemsize for stride in strides]).copy()


MARK = object()
CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": MARK, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
VALUES = (
    "BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
)  # fmt: skip


def _unpickle(data: bytes) -> Any:
    """Return the content of a pickle of numbers, strings, dicts, lists, tuples and tensors; others raise an error."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name == "STOP":
            return stack[-1]
        if name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in VALUES:
            stack.append(argument)
        elif name == "GLOBAL":
            stack.append(_Global(argument))
        elif name in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if name == "EMPTY_DICT" else [])
        else:
            _combine(name, stack)
    raise ValueError("a pickle without an end")


def _combine(name: str, stack: list[Any]) -> None:
    """Execute an instruction that pops values from the stack."""
    if name in TUPLES:
        stack[-TUPLES[name] :] = [tuple(stack[-TUPLES[name] :])]
    elif name in ("TUPLE", "SETITEMS", "APPENDS"):
        start = len(stack) - 1 - next(index for index, item in enumerate(reversed(stack)) if item is MARK)
        items = stack[start + 1 :]
        del stack[start:]
        _add_items(name, stack, items)
    elif name in ("SETITEM", "APPEND"):
        number = 2 if name == "SETITEM" else 1
        items = stack[-number:]
        del stack[-number:]
        _add_items(f"{name}S", stack, items)
    elif name == "STACK_GLOBAL":
        module, attribute = stack.pop(-2), stack.pop()
        stack.append(_Global(f"{module} {attribute}"))
    elif name == "BINPERSID":
        stack.append(_storage(stack.pop()))
    elif name == "REDUCE":
        arguments, function = stack.pop(), stack.pop()
        stack.append(_made(function, arguments))
    elif name == "BUILD":  # attributes of an OrderedDict, such as torch's versions of the modules
        stack.pop()
    elif name in ("NEWOBJ", "NEWOBJ_EX", "INST", "OBJ"):
        raise ValueError("a whole network, which is code. Save the weights alone: torch.save(net.state_dict(), path)")
    elif name not in ("PROTO", "FRAME"):
        raise ValueError(f"a pickle with {name}, which no state dict needs")


def _add_items(name: str, stack: list[Any], items: list[Any]) -> None:
    if name == "TUPLE":
        stack.append(tuple(items))
    elif name == "APPENDS" and isinstance(stack[-1], list):
        stack[-1] += items
    elif name == "SETITEMS" and isinstance(stack[-1], dict):
        keys = items[::2]
        if not all(type(key) in (str, int) for key in keys):  # hashing other keys could take forever
            raise ValueError("a dict with keys that are neither texts nor integers")
        stack[-1].update(zip(keys, items[1::2], strict=True))
    else:
        raise ValueError("a pickle that does not fit together")


def _storage(identity: Any) -> tuple[str, str]:
    """Return the name and dtype of the storage that a persistent id refers to."""
    what, kind, key = identity[:3]
    module, _, name = kind.name.partition(" ")
    if what != "storage" or module != "torch" or not str(key).isdigit():
        raise ValueError("a pickle of something other than tensors")
    return str(key), STORAGES[name]


def _made(function: Any, arguments: Any) -> Any:
    """Return the result of one of the few functions that a state dict calls."""
    name = function.name if isinstance(function, _Global) else repr(function)[:50]
    if name == "collections OrderedDict" and not arguments:
        return {}
    if name == "torch._utils _rebuild_tensor_v2":
        (storage, dtype), offset, shape, strides = arguments[:4]
        if any(type(n) is not int for n in (offset, *shape, *strides)) or any(n < 0 for n in shape):
            raise ValueError("an array of no possible shape")
        return _Tensor(storage, dtype, offset, tuple(shape), tuple(strides))
    if name == "torch._utils _rebuild_parameter" and isinstance(arguments[0], _Tensor):
        return arguments[0]
    raise ValueError(f"a pickle that calls {name}: minidl never does")
