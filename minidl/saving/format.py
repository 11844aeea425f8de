"""Model file: named arrays and one JSON text in a safetensors container, sealed by a SHA-256.

`read_file` believes nothing: every byte is checked before an array is made. docs/file-format.md describes the format.
"""

import importlib
import math
import stat
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from minidl import files
from minidl.errors import ArgumentError, ModelFileError
from minidl.typing import Array

FORMAT = 2  # the major version: a reader refuses files of a higher one
DTYPES = {"F64": "float64", "F32": "float32", "I64": "int64", "I32": "int32"}
DTYPES |= {"U64": "uint64", "U32": "uint32", "U8": "uint8", "BOOL": "bool"}
CODES = {name: code for code, name in DTYPES.items()}
OTHERS = {".keras": "minidl.keras"}  # loaded when a name asks for it
START = b'{"__metadata__":{"minidl":"{\\"sha256\\": \\"'  # how every header begins; the digest's 64 digits follow
DIGEST = slice(8 + len(START), 8 + len(START) + 64)
ZEROS = "0" * 64  # in the digest's place while it is computed
HEADER = 16 << 20  # bytes that a header may have, and what they may hold: it is parsed in memory
LIMITS = {b"{": 20_000, b"[": 300_000, b",": 2_000_000}
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


def write_file(path: Any, arrays: dict[str, Array], content: dict[str, Any]) -> None:
    """Write ``arrays`` and the JSON object ``content`` to ``path``, which is replaced as a whole or not at all."""
    path = files.model_path(path, "save: path")
    other = other_format(path)
    if other is not None:
        other.write_content(path, arrays, content)
    else:
        files.write_file(path, seal(*serialise(arrays, content)))


def other_format(path: Path) -> Any:
    """Return the module that reads and writes files of such a name; None for minidl's own format."""
    module = OTHERS.get(path.suffix.lower())
    return None if module is None else importlib.import_module(module)


def serialise(arrays: dict[str, Array], content: dict[str, Any]) -> list[Any]:
    """Return the file in parts, with zeros for the digest: all before the arrays, then each of them, not copied."""
    import json  # only saving and loading need it

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
    excess = _excess(head)
    if excess:
        raise ArgumentError(f"save: {excess}. Keep less: a shorter history, fewer callbacks with large states.")
    return [len(head).to_bytes(8, "little") + head, *parts]


def seal(head: bytes, *rest: Any) -> list[Any]:
    """Return the parts of a file with the digest in its place."""
    return [head[: DIGEST.start], digest(head, *rest).encode(), memoryview(head)[DIGEST.stop :], *rest]


def digest(head: bytes, *rest: Any) -> str:
    """Return the SHA-256, in hexadecimal, of the whole file with 64 zeros in the digest's place."""
    import hashlib

    found = hashlib.sha256(head[: DIGEST.start])
    for part in (ZEROS.encode(), memoryview(head)[DIGEST.stop :], *rest):
        found.update(part)
    return found.hexdigest()


# Reading


def read_file(path: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the JSON object and the arrays (read-only) of a model file; anything else is a `ModelFileError`."""
    path = files.as_path(path, "load: path")
    data = _read_bytes(path)
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length]
    whole = length <= len(data) - 8
    excess = _excess(header) if whole else f"a header of {length} bytes in a file of {len(data)}: it is cut short"
    if excess:
        _fail(path, excess)
    if data[DIGEST].decode("latin-1") != digest(data):
        _fail(path, "one whose SHA-256 is not that of its bytes: it is damaged")
    entries = _parse(path, header)
    metadata = entries.pop("__metadata__")  # a dict, and its text an object with a digest: see START
    content = _parse(path, metadata["minidl"])
    del content["sha256"]
    version, writer = content.get("format"), content.get("minidl")
    if len(metadata) > 1:
        _fail(path, "one with other metadata than 'minidl'")
    if version not in range(1, FORMAT + 1):
        _fail(path, f"one written by minidl {writer!s:.100} (format {version!s:.100})", "Upgrade minidl.")
    return content, _arrays(path, entries, memoryview(data)[8 + length :])


def _read_bytes(path: Path) -> bytes:
    """Return what a regular file holds, all of it only if it begins as a model file does."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a pipe would wait for its other end
        raise ModelFileError(f"{path}: expected a regular file, got a device or pipe.")
    try:
        with path.open("rb") as file:
            head = file.read(DIGEST.start)
            if head[8:] != START:  # the 8 bytes before it are a length: any
                _fail(path, _kind_of(head), "minidl reads the files that model.save writes.")
            return head + file.read()
    except OSError as error:  # one of read has no path
        raise OSError(error.errno, error.strerror, str(path)) from error


def _kind_of(head: bytes) -> str:
    """Return what a file that begins with ``head`` is; nothing if that is unknown."""
    what = next((what for magic, what in FOREIGN.items() if head.startswith(magic)), "")
    if not what and len(head) < 8:
        return f"{len(head)} bytes" if head else "an empty file"
    if not what and head[8:9] == b"{":
        return "a safetensors file that minidl did not write, or a corrupt header"
    return what


def _fail(path: Path, what: str, fix: str = "Use another copy of it.") -> NoReturn:
    got = f"expected a minidl model file, got {what}" if what else "not a minidl model file, or its header is corrupt"
    raise ModelFileError(f"{path}: {got}. {fix}")


def _excess(header: bytes) -> str:
    """Return what is too much about a header, or nothing."""
    if len(header) > HEADER:
        return f"a header of {len(header)} bytes, more than {HEADER}"
    for character, limit in LIMITS.items():
        if header.count(character) > limit:
            return f"a header with more than {limit} times {character.decode()!r}"
    return ""


def _parse(path: Path, text: bytes | str) -> dict[str, Any]:
    """Return the JSON object, strictly: UTF-8, no key twice, finite numbers only."""
    import json

    try:
        found: dict[str, Any] = json.loads(text, object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:  # both UnicodeDecodeError and JSONDecodeError are ValueErrors
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


def _arrays(path: Path, entries: dict[str, Any], data: memoryview) -> dict[str, Array]:
    """Return the arrays, which must fill ``data`` without a gap or an overlap."""
    arrays: dict[str, Array] = {}
    end = 0
    try:
        for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
            code, shape, (begin, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
            whole = all(type(number) is int and number >= 0 for number in (begin, stop, *shape))
            bytes_each = np.dtype(DTYPES[code]).itemsize
            if len(entry) != 3 or not whole or begin != end or stop - begin != math.prod(shape) * bytes_each:
                raise ValueError(f"{name[:100]!r} is not where the one before it ends, or not as long as its shape")
            array, end = np.frombuffer(data[begin:stop], DTYPES[code]).reshape(shape), stop
            if code == "BOOL" and array.view(np.uint8).max(initial=0) > 1:
                raise ValueError(f"{name[:100]!r} has truth values that are neither 0 nor 1")
            arrays[name] = array
        if end != len(data):
            raise ValueError(f"{len(data) - end} bytes belong to none")
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        _fail(path, f"arrays that cannot be read ({str(error)[:200]})")
    return arrays
