"""Model file: named arrays and one JSON text in a safetensors container, sealed by a SHA-256.

`read_file` believes nothing: every byte is checked before an array is made. docs/file-format.md describes the format.
"""

import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from minidl import files
from minidl.errors import ArgumentError, ModelFileError
from minidl.typing import Array

FORMAT = 1  # the major version: a reader refuses files of a higher one
DTYPES = {"F64": "float64", "F32": "float32", "I64": "int64", "I32": "int32"}
DTYPES |= {"U64": "uint64", "U32": "uint32", "U8": "uint8", "BOOL": "bool"}
CODES = {name: code for code, name in DTYPES.items()}
START = b'{"__metadata__":{"minidl":"{\\"sha256\\": \\"'  # how every header begins; the digest's 64 digits follow
ZEROS = "0" * 64
LIMITS = {
    b"{": 20_000,
    b"[": 300_000,
    b",": 2_000_000,
}  # what a header of HEADER bytes may hold: it is parsed in memory
HEADER = 16 << 20
RANK = 32
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


def write_file(path: Any, arrays: dict[str, Array], content: dict[str, Any]) -> None:
    """Write ``arrays`` and the JSON object ``content`` to ``path``, which is replaced as a whole or not at all.

    Raises
    ------
    OSError
        With the path; an older file there is untouched.
    ArgumentError
        If an array has a type, or the JSON a size, that no reader takes.
    """
    path = files.as_path(path, "save: path")
    parts = seal(serialise(arrays, content))
    files.write_file(path, parts)


def serialise(arrays: dict[str, Array], content: dict[str, Any]) -> bytes:
    """Return the file as bytes, with zeros for the digest."""
    import json  # this and safetensors: only saving and loading need them

    from safetensors.numpy import save

    text = json.dumps({"sha256": ZEROS, "format": FORMAT, **content}, allow_nan=False)
    dense = {}
    for name, array in arrays.items():
        if array.dtype.name not in CODES:
            raise ArgumentError(f"save: {name}: expected an array of {', '.join(CODES)}; got {array.dtype}.")
        # safetensors writes arrays that are not contiguous wrongly, and says nothing
        dense[name] = np.asarray(array, array.dtype.newbyteorder("="), order="C")
    data = save(dense, {"minidl": text})
    length = int.from_bytes(data[:8], "little")
    complaint = _limits(length, data[8 : 8 + length])
    if complaint:
        raise ArgumentError(f"save: {complaint}. Keep less: a shorter history, fewer callbacks with large states.")
    return data


def seal(data: bytes) -> list[bytes | memoryview]:
    """Return ``data`` in parts, with the digest in its place."""
    start = 8 + len(START)
    return [data[:start], digest(data).encode(), memoryview(data)[start + len(ZEROS) :]]


def digest(data: bytes) -> str:
    """Return the SHA-256, in hexadecimal, of the whole file with 64 zeros in the digest's place."""
    import hashlib

    start = 8 + len(START)
    found = hashlib.sha256(data[:start])
    found.update(ZEROS.encode())
    found.update(memoryview(data)[start + len(ZEROS) :])
    return found.hexdigest()


def read_file(path: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the JSON object and the arrays of a model file.

    Raises
    ------
    ModelFileError
        If the file is damaged, foreign, or written by a newer minidl.
    OSError
        With the path, if it cannot be read.
    """
    path = files.as_path(path, "load: path")
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(f"{path}: expected a regular file, got a device or pipe.")
        content = _read_header(path, file, status.st_size)
        file.seek(0)
        data = file.read(status.st_size + 1)
    if len(data) != status.st_size:
        raise ModelFileError(
            f"{path}: expected {status.st_size} bytes, got {len(data)}: the file changed while being read."
        )
    found, expected = content.pop("sha256"), digest(data)
    if found != expected:
        raise ModelFileError(
            f"{path}: expected the SHA-256 {expected}, got {found}: the file is damaged. Use another copy of it."
        )
    _check_version(path, content)
    return content, _arrays(path, data)


def _fail(path: Path, what: str, fix: str = "Use another copy of it.") -> NoReturn:
    raise ModelFileError(f"{path}: expected a minidl model file, got {what}. {fix}")


def _read_header(path: Path, file: BinaryIO, size: int) -> dict[str, Any]:
    """Check everything but the digest and the content, from the first bytes alone; return the content."""
    head = file.read(8 + len(START))
    ours = head[8:] == START
    for magic, what in FOREIGN.items():
        if head.startswith(magic) and not ours:  # our files begin with a length, that is with any bytes
            _fail(path, what, "minidl reads the files that model.save writes.")
    if size < 8:
        _fail(path, f"{size} bytes" if size else "an empty file")
    if head[8:9] not in (b"{", b""):
        _fail(path, "something else, or a damaged header", "minidl reads the files that model.save writes.")
    length = int.from_bytes(head[:8], "little")
    if length > size - 8:
        _fail(path, f"a header of {length} bytes in a file of {size}: it is cut short or no model file")
    if not ours:
        _fail(
            path,
            "a safetensors file that minidl did not write, or a damaged header",
            "minidl reads the files that model.save writes.",
        )
    file.seek(8)
    header = file.read(min(length, HEADER + 1))
    complaint = _limits(length, header)
    if complaint:
        _fail(path, complaint)
    entries = _parse(path, header)
    metadata = entries.pop("__metadata__")
    _check_entries(path, entries, size - 8 - length)
    if not isinstance(metadata, dict) or list(metadata) != ["minidl"] or not isinstance(metadata["minidl"], str):
        _fail(path, "metadata with other keys than 'minidl'")
    content = _parse(path, metadata.pop("minidl"))
    if not isinstance(content.get("sha256"), str):
        _fail(path, "no digest")
    return content


def _limits(length: int, header: bytes) -> str:
    """Return what is too much about a header, or nothing."""
    if length > HEADER:
        return f"a header of {length} bytes, more than {HEADER}"
    for character, limit in LIMITS.items():
        if header.count(character) > limit:
            return f"a header with more than {limit} times {character.decode()!r}"
    return ""


def _parse(path: Path, text: bytes | str) -> dict[str, Any]:
    """Return the JSON object, strictly: UTF-8, no key twice, finite numbers only."""
    import json

    try:
        if isinstance(text, bytes):
            text = text.decode()
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:  # both UnicodeDecodeError and JSONDecodeError are ValueErrors
        _fail(path, f"a header that is no proper JSON ({str(error)[:100]})")
    if not isinstance(value, dict):
        _fail(path, "a header that is no JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:20]} is too large")
    return value


def _check_entries(path: Path, entries: dict[str, Any], size: int) -> None:
    """Check that the arrays, one after another, fill the ``size`` bytes behind the header."""
    spans = []
    for name, entry in entries.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            _fail(path, f"array {name[:100]!r} without exactly dtype, shape and data_offsets")
        code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(code, str) or code not in DTYPES:
            _fail(path, f"array {name[:100]!r} of type {str(code)[:20]!r}, not one of {', '.join(DTYPES)}")
        if not _lengths(shape) or len(shape) > RANK or not _lengths(offsets) or len(offsets) != 2:
            _fail(path, f"array {name[:100]!r} with shape {str(shape)[:100]} and offsets {str(offsets)[:100]}")
        if math.prod(max(length, 1) for length in shape) >= 1 << 60:
            _fail(path, f"array {name[:100]!r} of the impossible shape {str(shape)[:100]}")
        if offsets[1] - offsets[0] != math.prod(shape) * np.dtype(DTYPES[code]).itemsize:
            _fail(path, f"array {name[:100]!r} whose shape {str(shape)[:100]} does not fit its offsets")
        spans.append(offsets)
    end = 0
    for begin, stop in sorted(spans):
        if begin != end:
            _fail(path, f"arrays that overlap or leave a gap at byte {min(begin, end)}")
        end = stop
    if end != size:
        _fail(path, f"{size} bytes of arrays where the header says {end}: it is cut short, or something was appended")


def _lengths(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 63 for value in values)


def _check_version(path: Path, content: dict[str, Any]) -> None:
    version, writer = content.get("format"), content.get("minidl")
    if type(version) is not int or version < 1 or not isinstance(writer, str):
        _fail(path, f"format {version!r} of minidl {writer!r}")
    if version > FORMAT:
        raise ModelFileError(
            f"{path}: expected a file of format {FORMAT} or lower, got one written by minidl {writer} "
            f"(format {version}): upgrade minidl."
        )


def _arrays(path: Path, data: bytes) -> dict[str, Array]:
    from safetensors import SafetensorError, deserialize

    try:
        found = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ModelFileError(
            f"{path}: expected a safetensors file, got one that the library refuses: {error}."
        ) from error
    return {name: np.frombuffer(entry["data"], DTYPES[entry["dtype"]]).reshape(entry["shape"]) for name, entry in found}
