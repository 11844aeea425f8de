"""Files: a file is replaced as a whole or not at all, whatever happens in between.

All writing of models goes through `write_file`, and all that this changes on the disk through `os`.
"""

import contextlib
import errno
import functools
import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from minidl.errors import ArgumentError

TEMPORARY = ".minidl"  # ends the names of files that are being written
NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EINVAL, getattr(errno, "EOPNOTSUPP", errno.ENOSYS)}
_numbers = itertools.count()  # two threads may write at a time


def as_path(path: object, who: str) -> Path:
    """Return ``path`` as a Path, or raise an `ArgumentError` if it cannot name a file."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path) or "\0" in str(path):
        raise ArgumentError(f"{who}: expected the path of a file, got {path!r}.")
    return Path(path)


def write_file(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Make ``path`` a file that holds ``parts``; when this returns, it outlives a power failure.

    A temporary file beside the target is written, brought to the disk, and put in the target's place. After an
    OSError, which has the path, the file that was there before is untouched, and no temporary is left behind.
    """
    target = Path(os.path.realpath(path))  # a link goes on pointing to the file
    temporary = target.with_name(f".{target.name[:40]}.{os.getpid()}-{next(_numbers)}{TEMPORARY}")
    try:
        try:
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o666
            _write_temporary(temporary, mode, parts)
            _put_in_place(temporary, target)
        except BaseException:
            _remove_quietly(temporary)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _write_temporary(temporary: Path, mode: int, parts: Iterable[bytes | memoryview]) -> None:
    _remove_quietly(temporary)  # left by a killed process that had the same number
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
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
    _remove_quietly(second)
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


def remove_temporaries(folder: Path) -> None:
    """Remove what killed processes left behind in ``folder``; nobody else may be writing there."""
    for path in folder.glob(f".*{TEMPORARY}*"):
        _remove_quietly(path)
