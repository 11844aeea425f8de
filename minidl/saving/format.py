"""Model file: named arrays and one JSON text in a safetensors container, sealed by a SHA-256.

`read_file` trusts nothing: every byte is checked before an array is made. docs/file-format.md describes the format.
"""

import importlib
import math
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from minidl import files
from minidl.errors import ArgumentError, ModelFileError
from minidl.typing import Array

FORMAT = 2  # the major version: a reader rejects files of a higher one
DTYPES = {"F64": "float64", "F32": "float32", "I64": "int64", "I32": "int32"}
DTYPES |= {"U64": "uint64", "U32": "uint32", "U8": "uint8", "BOOL": "bool"}
CODES = {name: code for code, name in DTYPES.items()}
START = b'{"__metadata__":{"minidl":"{\\"sha256\\": \\"'  # the beginning of every header; the digest's 64 digits follow
DIGEST = slice(8 + len(START), 8 + len(START) + 64)
ZEROS = "0" * 64  # replaces the digest while it is computed
HEADER = 16 << 20  # maximum bytes of a header, and below, its maximum counts: it is parsed in memory
LIMITS = {b"{": 10_000, b"[": 100_000, b":": 200_000, b",": 500_000}
LONG_NUMBER = re.compile(rb"[0-9]{1000}")  # parsing one takes time quadratic in its length
PICKLES = (*(bytes([0x80, protocol]) for protocol in range(1, 7)), b"(dp", b"(lp", b"ccopy_reg", b"cos\n", b"cposix")
FOREIGN = {
    b"PK\x03\x04": "a zip archive, such as .keras, .npz or a PyTorch file",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, such as .h5",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x93NUMPY": "a NumPy .npy file",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a program",
    b"%PDF": "a PDF document",
    b"{": "a JSON text",
    **dict.fromkeys(PICKLES, "a pickle, which could run code"),
}


# Writing


def write_file(path: Any, arrays: dict[str, Array], content: dict[str, Any], who: str = "save") -> None:
    """Write ``arrays`` and the JSON object ``content`` to ``path``, atomically; ``who`` opens the messages."""
    path = files.model_path(path, f"{who}: path")
    if (other := other_format(path)) is not None:
        other.write_content(path, arrays, content, who)
    else:
        files.write_file(path, seal(*serialise(arrays, content, who)))


def other_format(path: Path) -> Any:
    """Return the module that reads and writes files with this suffix; None for minidl's own format."""
    return importlib.import_module("minidl.keras") if path.suffix.lower() == ".keras" else None


def serialise(arrays: dict[str, Array], content: dict[str, Any], who: str = "save") -> list[Any]:
    """Return the file in parts, with zeros for the digest: the header, then each array without a copy."""
    import json  # only needed for saving and loading

    text = json.dumps({"sha256": ZEROS, "format": FORMAT, **content}, allow_nan=False)
    header: dict[str, Any] = {"__metadata__": {"minidl": text}}
    parts, end = [], 0
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):  # so that each array is aligned
        array = arrays[name]
        dense = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1)
        begin, end = end, end + dense.nbytes
        header[name] = {"dtype": CODES[array.dtype.name], "shape": array.shape, "data_offsets": [begin, end]}
        parts.append(dense.view(np.uint8))
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    if excess := _excess(len(head), head):
        raise ArgumentError(f"{who}: {excess}. Keep less: fewer layers, a shorter history, smaller states.")
    return [len(head).to_bytes(8, "little") + head, *parts]


def seal(head: bytes, *rest: Any) -> list[Any]:
    """Return the parts of a file with the digest filled in."""
    return [head[: DIGEST.start], digest(head, *rest).encode(), memoryview(head)[DIGEST.stop :], *rest]


def digest(head: bytes, *rest: Any) -> str:
    """Return the SHA-256, in hexadecimal, of the whole file with 64 zeros in place of the digest."""
    import hashlib

    found = hashlib.sha256(head[: DIGEST.start])
    for part in (ZEROS.encode(), memoryview(head)[DIGEST.stop :], *rest):
        found.update(part)
    return found.hexdigest()


# Reading


def read_file(path: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the JSON object and the arrays (read-only) of a model file; anything else is a `ModelFileError`."""
    path = files.as_path(path, "load: path")
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # opening a pipe would block
        raise ModelFileError(f"{path}: expected a regular file, got a device or pipe.")
    try:
        with path.open("rb") as file:
            head = _read_head(path, file, status.st_size)
            entries = _parse(path, head[8:])
            layout = _layout(path, entries, status.st_size - len(head))
            data = file.read(status.st_size - len(head))  # only after checking that the header describes all of it
    except OSError as error:  # an error in read has no path
        raise OSError(error.errno, error.strerror, str(path)) from error
    if head[DIGEST].decode("latin-1") != digest(head, data):
        _fail(path, "one whose SHA-256 is not that of its bytes: it is damaged")
    return _content(path, entries["__metadata__"]), _arrays(path, layout, memoryview(data))


def _read_head(path: Path, file: BinaryIO, size: int) -> bytes:
    """Return the bytes before the arrays; all sizes are checked before they are read."""
    start = file.read(DIGEST.start)
    if start[8:] != START:  # the 8 bytes before it are the length
        _fail(path, _kind_of(start), "minidl reads the files that model.save writes.")
    length = int.from_bytes(start[:8], "little")
    if not DIGEST.stop - 8 <= length <= size - 8:
        _fail(path, f"a header of {length} bytes in a file of {size}: it is cut short")
    head = start + file.read(min(length, HEADER) + 8 - len(start))
    if excess := _excess(length, head[8:]):
        _fail(path, excess)
    return head


def _content(path: Path, metadata: dict[str, Any]) -> dict[str, Any]:
    content = _parse(path, metadata["minidl"])  # START ensures an object with a digest
    del content["sha256"]
    version, writer = content.get("format"), content.get("minidl")
    if len(metadata) > 1:
        _fail(path, "one with other metadata than 'minidl'")
    if version not in range(1, FORMAT + 1):
        written = f"{writer!s:.100} (format {version!s:.100})"
        _fail(path, f"one written by minidl {written if written.isprintable() else ascii(written)}", "Upgrade minidl.")
    return content


def _kind_of(head: bytes) -> str:
    """Return a description of a file that begins with ``head``; "" if its type is unknown."""
    unknown = "a safetensors file that minidl did not write, or a corrupt header" if head[8:9] == b"{" else ""
    if len(head) < 8:
        unknown = f"{len(head)} bytes" if head else "an empty file"
    return next((what for magic, what in FOREIGN.items() if head.startswith(magic)), unknown)


def _fail(path: Path, what: str, fix: str = "Use another copy of it.") -> NoReturn:
    got = f"expected a minidl model file, got {what}" if what else "not a minidl model file, or its header is corrupt"
    raise ModelFileError(f"{path}: {got}. {fix}")


def _excess(length: int, header: bytes) -> str:
    """Return a description of the limit that a header of ``length`` bytes exceeds, or ""."""
    if length > HEADER:
        return f"a header of {length} bytes, more than {HEADER}"
    if LONG_NUMBER.search(header):
        return "a header with a number of 1000 digits"
    for character, limit in LIMITS.items():
        if header.count(character) > limit:
            return f"a header with more than {limit} times {character.decode()!r}"
    return ""


def _parse(path: Path, text: bytes | str) -> dict[str, Any]:
    """Return the JSON object, parsed strictly: UTF-8, no duplicate keys, finite numbers only."""
    import json

    try:
        found: dict[str, Any] = json.loads(text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        _fail(path, f"a header that is no proper JSON ({str(error)[:100]})")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is no number, or too large")
    return value


def _layout(path: Path, entries: dict[str, Any], size: int) -> list[tuple[str, str, list[int], slice]]:
    """Return name, type, shape and offset of each array; they must fill ``size`` bytes without gaps or overlaps."""
    found, end = [], 0
    try:
        arrays = [item for item in entries.items() if item[0] != "__metadata__"]
        for name, entry in sorted(arrays, key=lambda item: item[1]["data_offsets"]):
            code, shape, (begin, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
            whole = all(type(number) is int and number >= 0 for number in (begin, stop, *shape))
            bytes_each = np.dtype(DTYPES[code]).itemsize
            np.broadcast_to(np.empty((), DTYPES[code]), shape)  # fails for a size that arrays cannot have
            if len(entry) != 3 or not whole or begin != end or stop - begin != math.prod(shape) * bytes_each:
                raise ValueError(f"{name[:100]!r} is not where the one before it ends, or not as long as its shape")
            end = stop
            found.append((name, code, shape, slice(begin, stop)))
        if end != size:
            raise ValueError(f"{size - end} bytes belong to none")
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        _fail(path, f"arrays that cannot be read ({ascii(str(error)[:200])[1:-1]})")
    return found


def _arrays(path: Path, layout: Any, data: memoryview) -> dict[str, Array]:
    arrays = {name: np.frombuffer(data[part], DTYPES[code]).reshape(shape) for name, code, shape, part in layout}
    for name, array in arrays.items():
        if array.dtype == bool and array.view(np.uint8).max(initial=0) > 1:
            _fail(path, f"arrays that cannot be read ({name[:100]!r} has truth values that are neither 0 nor 1)")
    return arrays
