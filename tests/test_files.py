"""A file is replaced as a whole or not at all: at every failure, kill and power loss, for every operation."""

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from minidl import files
from minidl.errors import ArgumentError
from tests.faults import savers
from tests.faults.systems import (
    Counting,
    FailsAt,
    Killed,
    KilledAt,
    OperatingSystem,
    Recording,
    System,
    WritesShort,
    states_after_power_loss,
)

OLD, NEW = b"the old file" * 10, b"the new file, longer than the old one" * 10


@pytest.fixture
def target(tmp_path, monkeypatch):
    """A folder with the old file in it; what `use` puts in the place of the system is taken out again."""
    path = tmp_path / "folder" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(OLD)
    monkeypatch.setattr(files, "os", files.os)
    return path


def use(system):
    files.os = OperatingSystem(system)
    return system


def save(path):
    files.write_file(path, [NEW[:100], memoryview(NEW)[100:]])


def error_of(path):
    """What a save raises, or None."""
    try:
        save(path)
    except OSError as error:
        return error
    return None


def operations(path):
    """How many operations a save that replaces a file takes."""
    counting = use(Counting())
    save(path)
    path.write_bytes(OLD)
    return range(counting.count)


def test_a_file_is_written_whole_and_alone(target):
    save(target)
    assert target.read_bytes() == NEW
    assert list(target.parent.iterdir()) == [target]


def test_the_data_reaches_the_disk_before_its_name_and_the_name_before_the_return(target):
    system = use(Counting())
    save(target)
    steps = [name for name in system.names if name != "remove"]
    assert steps == ["create", "chmod", "write", "write", "sync", "close", "link", "replace", "sync_folder"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("partly", [False, True])
def test_a_failure_at_any_operation_leaves_the_old_file_and_nothing_else(target, code, partly):
    reported = 0
    for number in operations(target):
        system = use(FailsAt(number, code, partly))
        error = error_of(target)
        assert target.read_bytes() == (OLD if error else NEW), f"operation {number}, {system.names[number]}"
        if error:
            reported += 1
            assert (error.errno, error.filename) == (code, str(target))
        else:
            assert system.names[number] == "remove"
        target.write_bytes(OLD)
        leftovers = [path for path in target.parent.iterdir() if path != target]
        # the one file that may stay is the one whose removal itself failed
        assert not leftovers or system.names[number] == "remove"
        for path in leftovers:
            path.unlink()
    assert reported >= 8


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_stays_broken_still_leaves_the_old_or_the_new_file(target, code):
    for number in operations(target):
        use(FailsAt(number, code, for_ever=True))
        error = error_of(target)
        assert error is None or error.filename == str(target)
        assert target.read_bytes() in (OLD, NEW)


def test_a_failure_of_the_first_save_leaves_no_file(target):
    for number in operations(target):
        target.unlink()
        use(FailsAt(number))
        assert bool(error_of(target)) != target.exists()
        for path in target.parent.iterdir():
            path.unlink()
        target.write_bytes(OLD)


def test_a_system_that_writes_a_few_bytes_at_a_time_is_asked_again(target):
    use(WritesShort())
    save(target)
    assert target.read_bytes() == NEW


def test_a_system_that_writes_nothing_is_an_error(target):
    system = use(System())
    system.write = lambda handle, data: 0
    with pytest.raises(OSError, match="wrote nothing") as error:
        save(target)
    assert error.value.filename == str(target)
    assert target.read_bytes() == OLD


def test_an_interrupt_at_any_operation_leaves_the_old_or_the_new_file_alone(target):
    class Interrupted(FailsAt):
        def at(self, number, name, arguments):
            if number == self.number:
                if name == "close":
                    System.close(self, *arguments)
                raise KeyboardInterrupt

    for number in operations(target):
        system = use(Interrupted(number))
        with pytest.raises(KeyboardInterrupt):
            save(target)
        assert target.read_bytes() == OLD or system.names[number] == "remove"
        leftovers = [path for path in target.parent.iterdir() if path != target]
        assert not leftovers or system.names[number] == "remove"
        for path in leftovers:
            path.unlink()
        target.write_bytes(OLD)


def survivors_of_kills(path, saver):
    """What the target holds after a kill at each operation; None where it is gone."""
    counting = use(Counting())
    counting.overwrite = lambda target: os.open(target, os.O_WRONLY | os.O_TRUNC)
    saver(path, NEW)
    for number in range(counting.count + 1):
        for leftover in path.parent.iterdir():
            leftover.unlink()
        path.write_bytes(OLD)
        system = use(KilledAt(number))
        system.overwrite = counting.overwrite
        try:
            saver(path, NEW)
            assert number >= counting.count
        except Killed:
            pass
        yield path.read_bytes() if path.exists() else None


def states_of_power_losses(path, saver):
    """What the target may hold after power fails at each operation, and whether save had returned."""
    for leftover in path.parent.iterdir():
        leftover.unlink()
    path.write_bytes(OLD)
    recording = use(Recording(path.parent))
    saver(path, NEW)
    for length in range(len(recording.log) + 1):
        for state in states_after_power_loss(recording, length):
            yield state.get(path.name), length == len(recording.log)


def test_a_kill_at_any_operation_leaves_the_old_or_the_new_file(target):
    found = list(survivors_of_kills(target, savers.correct))
    assert len(found) > 8
    assert set(found) == {OLD, NEW}
    assert found[0] == OLD
    assert found[-1] == NEW


def test_a_power_loss_at_any_operation_leaves_the_old_or_the_new_file_and_after_the_return_the_new_one(target):
    found = list(states_of_power_losses(target, savers.correct))
    assert len(found) > 20
    assert {data for data, _ in found} == {OLD, NEW}
    assert {data for data, returned in found if returned} == {NEW}


@pytest.mark.parametrize("saver", savers.BROKEN, ids=lambda saver: saver.__name__)
def test_the_suite_catches_a_broken_saver(target, saver):
    kills = set(survivors_of_kills(target, saver))
    losses = list(states_of_power_losses(target, saver))
    assert (
        not kills <= {OLD, NEW}
        or not {data for data, _ in losses} <= {OLD, NEW}
        or not {data for data, returned in losses if returned} <= {NEW}
    )


def test_what_a_kill_left_behind_is_removed_by_the_one_who_takes_over(target):
    for number in operations(target):
        use(KilledAt(number))
        with pytest.raises(Killed):
            save(target)
    use(System())
    assert len(list(target.parent.iterdir())) > 1
    files.remove_temporaries(target.parent, target.name.__eq__)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    "name", [".model.safetensors.minidl", ".minidl", ".other.0123456789abcdef.minidl", "model.0123456789abcdef.minidl"]
)
def test_what_somebody_else_has_in_the_folder_stays(target, name):
    (target.parent / name).write_text("mine")
    files.remove_temporaries(target.parent, target.name.__eq__)
    assert (target.parent / name).read_text() == "mine"


def test_two_writers_of_one_number_do_not_share_a_temporary(target, monkeypatch):
    """Containers on one volume may have the same process number, and each counts from 0."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    used = []
    for _ in range(2):
        system = use(System())
        system.create = lambda path, mode: used.append(path) or System.create(system, path, mode)  # noqa: B023
        save(target)
    assert used[0] != used[1]


def test_a_temporary_of_another_writer_is_never_opened(target, monkeypatch):
    monkeypatch.setattr(os, "urandom", bytes)
    theirs = target.with_name(f".{target.name}.{'00' * 8}.minidl")
    theirs.write_bytes(b"half")
    with pytest.raises(FileExistsError):
        save(target)
    assert target.read_bytes() == OLD


def test_a_file_system_without_links_is_served_too(target):
    system = use(System())
    system.link = lambda path, second: os.open("/", os.O_WRONLY)  # any OSError
    with pytest.raises(IsADirectoryError):
        save(target)

    def refuse(path, second):
        raise OSError(errno.EPERM, "no links here")

    system.link = refuse
    save(target)
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o640, 0o666, 0o777])
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_permissions_of_the_old_file_are_kept(target, mode, umask):
    target.chmod(mode)
    before = os.umask(umask)
    try:
        save(target)
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_a_new_file_has_the_permissions_that_the_umask_leaves(target, umask):
    before = os.umask(umask)
    try:
        save(target.parent / "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((target.parent / "new").stat().st_mode) == 0o666 & ~umask


def test_a_pipe_a_socket_and_a_device_are_not_replaced(target):
    pipe, listener = target.parent / "pipe", socket.socket(socket.AF_UNIX)
    os.mkfifo(pipe)
    with listener, contextlib.chdir(target.parent):  # the path of a socket is short
        listener.bind("socket")
        for path in (pipe, target.parent / "socket", Path("/dev/null")):
            kind = path.stat().st_mode
            with pytest.raises(FileExistsError, match="expected a regular file, or none, got a pipe, socket") as error:
                save(path)
            assert error.value.filename == str(path)
            assert path.stat().st_mode == kind


def test_a_link_still_points_to_the_file(target, tmp_path):
    link = tmp_path / "latest"
    link.symlink_to(target)
    save(link)
    assert link.is_symlink()
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("name", ["x" * 250, "ä" * 120, "a b", ".hidden"])
def test_any_file_name_is_served(target, name):
    save(target.parent / name)
    assert (target.parent / name).read_bytes() == NEW


def test_a_missing_folder_and_a_folder_as_target_are_errors_with_the_path(target):
    for path, kind in ((target.parent / "no" / "file", FileNotFoundError), (target.parent, OSError)):
        with pytest.raises(kind) as error:
            save(path)
        assert error.value.filename == str(path)
    assert [path.name for path in target.parent.parent.iterdir()] == ["folder"]


@pytest.mark.parametrize(
    "path",
    [None, 3, "", b"file", "a\0b", ["file"], "\ud800", "model\udcff\ud800", "https://host/model", "s3://bucket/m",
     "~nobody-of-this-name/model"],
)  # fmt: skip
def test_what_cannot_be_a_path_is_refused(path):
    with pytest.raises(ArgumentError, match="save: path: expected the path of a file, got"):
        files.as_path(path, "save: path")


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.as_path("~/runs/model", "") == tmp_path / "runs" / "model"
    assert files.as_path(Path("~"), "") == tmp_path
    assert files.as_path("runs/~model~", "") == Path("runs/~model~")


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("m.h5", "HDF5 files, which minidl does not write. Use 'm.safetensors'"),
        ("m.weights.h5", "HDF5 files, which minidl does not write. Use 'm.safetensors'"),
        ("best.HDF5", "HDF5 files, which minidl does not write. Use 'best.safetensors'"),
        ("runs/m.1.H5", "HDF5 files, which minidl does not write. Use 'm.1.safetensors'"),
    ],
)
def test_a_name_that_promises_another_format_is_refused_with_the_fix(name, fix):
    with pytest.raises(ArgumentError, match="save: path: expected a name for a safetensors file") as error:
        files.model_path(name, "save: path")
    assert fix in str(error.value)


@pytest.mark.parametrize("name", ["m.safetensors", "m", "h5", ".keras", "m.h5.bak", "m.weights"])
def test_any_other_name_is_taken(name):
    assert files.model_path(name, "save: path") == Path(name)
