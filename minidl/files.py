"""Files: a file is replaced as a whole or not at all, whatever happens in between.

All writing of models goes through `write_file`, and all that this changes on the disk through `os`.
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

TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{16}\.minidl(-old)?", re.DOTALL)  # names of files that are being written
NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EINVAL, getattr(errno, "EOPNOTSUPP", errno.ENOSYS)}


def as_path(path: Any, who: str) -> Path:
    """Return ``path`` as a Path, ``~`` expanded, or raise an `ArgumentError` if it cannot name a file here."""
    try:
        text = os.fspath(path)
        if not text or not isinstance(text, str) or "\0" in text or "://" in text:
            raise ValueError
        os.fsencode(text)  # fails for half of a surrogate pair
        return Path(text).expanduser()
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: there is no such user
        fix = " Download it first." if "://" in str(path) else ""
        raise ArgumentError(f"{who}: expected the path of a file, got {path!r:.200}.{fix}") from None


def model_path(path: Any, who: str) -> Path:
    """Return ``path`` as `as_path` does, or raise an `ArgumentError` if its name promises a format of others."""
    found = as_path(path, who)
    if found.suffix.lower() in (".h5", ".hdf5"):
        name = found.name.removesuffix(found.suffix).removesuffix(".weights") + ".safetensors"
        got = f"{str(path)!r}: such names are for HDF5 files, which minidl does not write"
        raise ArgumentError(f"{who}: expected a name for a safetensors file, got {got}. Use {name!r}.")
    return found


def write_file(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Make ``path`` a file that holds ``parts``; when this returns, it outlives a power failure.

    A temporary file next to the target is written, brought to the disk, and put in the target's place. After an
    OSError, which has the path, the file that was there before is untouched, and no temporary is left behind.
    """
    target = Path(os.path.realpath(path))  # a link keeps pointing to the file
    name = target.name if len(os.fsencode(target.name)) <= 220 else target.name[:40]  # systems allow 255 bytes
    # random, because a process on another machine that shares the folder may have this one's number
    temporary = target.with_name(f".{name}.{os.urandom(8).hex()}.minidl")
    try:
        mode = _mode_of(target)
        try:
            _write_temporary(temporary, mode, parts)
            _put_in_place(temporary, target)
        except BaseException:
            _remove_quietly(temporary)
            raise
    except OSError as error:
        fix = ". Make its folder first" * (error.errno == errno.ENOENT)
        raise OSError(error.errno, (error.strerror or str(error)) + fix, str(path)) from error


def _mode_of(target: Path) -> int | None:
    """Return the permissions of the file that is replaced; None if there is none."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode):
        return mode & 0o777
    kind, code = ("a folder", errno.EISDIR) if stat.S_ISDIR(mode) else ("a pipe, socket or device", errno.EEXIST)
    raise OSError(code, f"expected a regular file, or none, got {kind}")


def _write_temporary(temporary: Path, mode: int | None, parts: Iterable[bytes | memoryview]) -> None:
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if mode is not None:
            os.chmod(temporary, mode)  # unlike the mode of a new file, not cut by the umask
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
    """Rename, and undo that if the folder cannot be brought to the disk."""
    second = temporary.with_name(temporary.name + "-old")  # keeps the old file reachable until the new one is safe
    try:
        undo = functools.partial(os.replace, second, target)
        try:
            os.link(target, second)
        except FileNotFoundError:
            undo = functools.partial(os.unlink, target)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            undo = functools.partial(_remove_quietly, second)  # no links here: the new file, complete, stays
        os.replace(temporary, target)
        try:
            _sync_folder(target.parent)
        except BaseException:
            undo()
            raise
    finally:
        _remove_quietly(second)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows opens no folders; its file system logs the rename itself
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
    """Remove what killed writers left in ``folder`` under names that are ``is_own``; no process may be writing them."""
    for path in folder.iterdir():
        found = TEMPORARY.fullmatch(path.name)
        if found and is_own(found[1]):
            _remove_quietly(path)
