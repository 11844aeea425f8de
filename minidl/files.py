"""Files: writes are atomic, so a file is replaced completely or not at all.

All models are written by `write_file`, which changes the disk only through functions of `os`.
"""

import contextlib
import errno
import functools
import os
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from minidl.errors import ArgumentError
from minidl.packages import import_package

TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{16}\.minidl(-old)?", re.DOTALL)  # names of temporary files
NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EINVAL, getattr(errno, "EOPNOTSUPP", errno.ENOSYS)}


def as_path(path: Any, who: str) -> Path:
    """Return ``path`` as a Path with ``~`` expanded; an `ArgumentError` if it is not a valid file name here."""
    try:
        text = os.fspath(path)
        if not text or not isinstance(text, str) or "\0" in text or "://" in text:
            raise ValueError
        os.fsencode(text)  # fails for a lone surrogate
        return Path(text).expanduser()
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: the user does not exist
        fix = " Download it first." if "://" in str(path) else ""
        raise ArgumentError(f"{who}: expected the path of a file, got {path!r:.200}.{fix}") from None


def model_path(path: Any, who: str) -> Path:
    """Return ``path`` as `as_path` does; an error if its suffix is of a format that cannot be written here."""
    found = as_path(path, who)
    if found.suffix.lower() in (".h5", ".hdf5"):
        name = found.name.removesuffix(found.suffix).removesuffix(".weights") + ".safetensors"
        got = f"{str(path)!r}: such names are for HDF5 files, which minidl does not write"
        raise ArgumentError(f"{who}: expected a name for a safetensors file, got {got}. Use {name!r}.")
    if found.suffix.lower() == ".keras":
        import_package("h5py", f"{who}: a name that ends in .keras", "keras")
    return found


def write_file(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write ``parts`` to the file ``path``; once this returns, the file survives a power failure.

    A temporary file in the same folder is written, flushed to disk, and renamed to the target. After an OSError, which
    names the path, the previous file is untouched and no temporary file is left behind.
    """
    target = Path(os.path.realpath(path))  # a symbolic link is kept
    name = target.name if len(os.fsencode(target.name)) <= 220 else target.name[:40]  # systems allow 255 bytes
    # random, because a process on another machine that shares the folder may have the same process id
    temporary = target.with_name(f".{name}.{os.urandom(8).hex()}.minidl")
    try:
        mode = check_regular(target)
        try:
            _write_temporary(temporary, mode, parts)
            _put_in_place(temporary, target)
        except BaseException:
            _remove_quietly(temporary)
            raise
    except OSError as error:
        fix = ". Make its folder first" * (error.errno == errno.ENOENT)
        raise OSError(error.errno, (error.strerror or str(error)) + fix, str(path)) from error


def check_regular(target: Path) -> int | None:
    """Return the permissions of the file to be replaced; None if it does not exist.

    A folder, pipe, socket or device raises an OSError.
    """
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode):
        return mode & 0o777
    kind, code = ("a folder", errno.EISDIR) if stat.S_ISDIR(mode) else ("a pipe, socket or device", errno.EEXIST)
    raise OSError(code, f"expected a regular file, or none, got {kind}", str(target))


def _write_temporary(temporary: Path, mode: int | None, parts: Iterable[bytes | memoryview]) -> None:
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if mode is not None:
            os.chmod(temporary, mode)  # unlike the mode of a new file, not restricted by the umask
        for part in parts:
            rest = memoryview(part)
            while rest:
                written = os.write(handle, rest)
                if written == 0:
                    raise OSError(errno.EIO, "the system wrote nothing")
                rest = rest[written:]
        os.fsync(handle)
    finally:
        os.close(handle)


def _put_in_place(temporary: Path, target: Path) -> None:
    """Rename the temporary file to the target, and undo that if the folder cannot be flushed to disk."""
    second = temporary.with_name(temporary.name + "-old")  # keeps the old file until the new one is safe
    try:
        undo = functools.partial(os.replace, second, target)
        try:
            os.link(target, second)
        except FileNotFoundError:
            undo = functools.partial(os.unlink, target)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            undo = functools.partial(_remove_quietly, second)  # no hard links here: the complete new file stays
        os.replace(temporary, target)
        try:
            _sync_folder(target.parent)
        except BaseException:
            undo()
            raise
    finally:
        _remove_quietly(second)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders; its file system logs the rename itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def remove_temporaries(folder: Path, is_own: Callable[[str], bool]) -> None:
    """Remove the temporary files of killed writers whose names satisfy ``is_own``; none may still be being written."""
    for path in folder.iterdir():
        found = TEMPORARY.fullmatch(path.name)
        if found and is_own(found[1]):
            _remove_quietly(path)
