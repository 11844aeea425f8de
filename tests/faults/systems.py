"""Systems that count their operations and break at a chosen one; each does the real thing until then."""

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

OPERATIONS = ("create", "chmod", "write", "sync", "close", "link", "replace", "remove", "sync_folder")


class Killed(BaseException):
    """The process is gone: no handler, no cleanup and no further operation has any effect."""


class System:
    """The operations that changing a file takes, each done by the real system."""

    def create(self, path, mode):
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)

    def chmod(self, path, mode):
        path.chmod(mode)

    def write(self, handle, data):
        return os.write(handle, data)

    def sync(self, handle):
        os.fsync(handle)

    def close(self, handle):
        os.close(handle)

    def link(self, path, second):
        os.link(path, second)

    def replace(self, path, target):
        path.replace(target)

    def remove(self, path):
        path.unlink()

    def sync_folder(self, folder):
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


class OperatingSystem:
    """Stands in for the module `os` in `minidl.files`: what that calls becomes an operation of ``system``."""

    def __init__(self, system):
        self.system = system

    def __getattr__(self, name):  # constants, and what changes nothing
        harmless = ("fsencode", "fspath", "name", "path", "stat", "strerror", "urandom")
        assert name in harmless or name.startswith("O_"), name
        return getattr(os, name)

    def open(self, path, flags, mode=0o777):
        if flags & os.O_CREAT:
            assert flags & os.O_EXCL
            return self.system.create(path, mode)
        assert flags == os.O_RDONLY
        return path  # a folder, opened to be synced

    def chmod(self, path, mode):
        self.system.chmod(path, mode)

    def write(self, handle, data):
        return self.system.write(handle, data)

    def fsync(self, handle):
        if isinstance(handle, Path):
            self.system.sync_folder(handle)
        else:
            self.system.sync(handle)

    def close(self, handle):
        if not isinstance(handle, Path):
            self.system.close(handle)

    def link(self, path, second):
        self.system.link(path, second)

    def replace(self, path, target):
        self.system.replace(path, target)

    def unlink(self, path):
        self.system.remove(path)


class Counting(System):
    """Counts the operations; ``at`` is called with the number and the name of each before it is done."""

    def __init__(self):
        self.count = 0
        self.names = []

    def at(self, number, name, arguments):
        pass

    def _do(self, name, *arguments):
        self.names.append(name)
        self.count += 1
        self.at(self.count - 1, name, arguments)
        return getattr(System, name)(self, *arguments)


for _name in OPERATIONS:
    setattr(Counting, _name, lambda self, *arguments, _name=_name: self._do(_name, *arguments))


class FailsAt(Counting):
    """Operation ``number`` fails with ``code``; ``partly`` lets a write write half of its bytes, once, before."""

    def __init__(self, number, code=errno.EIO, partly=False, for_ever=False):
        super().__init__()
        self.number, self.code, self.partly, self.for_ever = number, code, partly, for_ever

    def at(self, number, name, arguments):
        if number == self.number or (self.for_ever and number > self.number):
            if name == "write" and self.partly:
                System.write(self, arguments[0], arguments[1][: len(arguments[1]) // 2])
            if name == "close":
                System.close(self, *arguments)  # a close that reports an error has closed
            raise OSError(self.code, os.strerror(self.code))


class WritesShort(Counting):
    """Every write writes one byte in three, as a system may."""

    def write(self, handle, data):
        return System.write(self, handle, data[: max(1, len(data) // 3)])


class KilledAt(Counting):
    """The process dies before operation ``number``, or in the middle of it if it is a write."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def at(self, number, name, arguments):
        if number == self.number and name == "write":
            System.write(self, arguments[0], arguments[1][: len(arguments[1]) // 2])
        if number >= self.number:
            if name == "close":
                System.close(self, *arguments)  # the system closes what a dead process held
            raise Killed


class Recording(Counting):
    """Keeps what was done, as the disk saw it, for `states_after_power_loss`."""

    def __init__(self, folder: Path):
        super().__init__()
        self.start = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.log = []
        self.handles = {}

    def create(self, path, mode):
        handle = System.create(self, path, mode)
        self.handles[handle] = object()
        self.log.append(("entry", {path.name: self.handles[handle]}))
        return handle

    def overwrite(self, path):
        """Open an existing file in place, as only a broken saver does."""
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CREAT)
        self.handles[handle] = object()
        self.log.append(("truncate", path.name, self.handles[handle]))
        return handle

    def write(self, handle, data):
        self.log.append(("data", self.handles[handle], bytes(data)))
        return System.write(self, handle, data)

    def sync(self, handle):
        self.log.append(("sync", self.handles[handle]))
        System.sync(self, handle)

    def link(self, path, second):
        System.link(self, path, second)
        self.log.append(("link", path.name, second.name))

    def replace(self, path, target):
        System.replace(self, path, target)
        self.log.append(("rename", path.name, target.name))

    def remove(self, path):
        System.remove(self, path)
        self.log.append(("entry", {path.name: None}))

    def sync_folder(self, folder):
        self.log.append(("sync folder",))
        System.sync_folder(self, folder)


def states_after_power_loss(recording: Recording, length: int) -> Iterator[dict[str, bytes]]:
    """Yield every folder (name -> bytes) that a disk may hold if power fails after ``length`` operations.

    What was not synced may be there or not, in any combination: each change of the folder, and of each file's
    data nothing, half, zeros in place of the bytes, or all.
    """
    disk, pending, contents, synced = dict(recording.start), [], {}, set()
    live = {name: name for name in recording.start}  # name -> key into contents, as running programs see it
    contents.update(recording.start)
    synced.update(recording.start)
    for step in recording.log[:length]:
        if step[0] == "data":
            contents[step[1]] = contents.get(step[1], b"") + step[2]
            synced.discard(step[1])
        elif step[0] == "sync":
            synced.add(step[1])
        elif step[0] == "sync folder":
            disk, pending = dict(live), []
        else:
            change = _change(step, live, contents)
            live = _changed(live, change)
            pending.append(change)
    for kept in itertools.product((False, True), repeat=len(pending)):
        entries = {name: name if isinstance(key, bytes) else key for name, key in disk.items()}
        for change, there in zip(pending, kept, strict=True):
            if there:
                entries = _changed(entries, change)
        loose = sorted({key for key in entries.values() if key not in synced}, key=id)
        for fates in itertools.product(("nothing", "half", "zeros", "all"), repeat=len(loose)):
            fate = dict(zip(loose, fates, strict=True))
            yield {name: _after(contents.get(key, b""), fate.get(key, "all")) for name, key in entries.items()}


def _change(step, live, contents):
    if step[0] == "entry":
        return step[1]
    if step[0] == "truncate":
        contents[step[2]] = b""
        return {step[1]: step[2]}
    if step[0] == "link":
        return {step[2]: live[step[1]]}
    return {step[1]: None, step[2]: live[step[1]]}


def _changed(entries, change):
    return {name: key for name, key in {**entries, **change}.items() if key is not None}


def _after(data, fate):
    return {"nothing": b"", "half": data[: len(data) // 2], "zeros": bytes(len(data)), "all": data}[fate]
