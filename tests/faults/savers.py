"""Ways to save a file: the right one, and those that peers use or used, each wrong in its own way."""

from minidl import files


def correct(path, data):
    files.write_file(path, [data])


def in_place(path, data):
    """Opens the old file and writes over it: a kill in between destroys both."""
    handle = files.os.system.overwrite(path)
    files.os.system.write(handle, memoryview(data))
    files.os.system.sync(handle)
    files.os.system.close(handle)
    files.os.system.sync_folder(path.parent)


def removes_first(path, data):
    """Removes the old file to make room for the new one."""
    files.os.system.remove(path)
    _write(path, data)
    files.os.system.sync_folder(path.parent)


def without_sync_of_the_data(path, data):
    """Renames before the bytes have reached the disk: after a power loss the new name may hold zeros."""
    _write(_beside(path), data, sync=False)
    files.os.system.replace(_beside(path), path)
    files.os.system.sync_folder(path.parent)


def without_sync_of_the_folder(path, data):
    """Returns before the new name has reached the disk: after a power loss the old file is back."""
    _write(_beside(path), data)
    files.os.system.replace(_beside(path), path)


def renames_before_writing(path, data):
    """Puts the name in place first and the bytes after it."""
    handle = files.os.system.create(_beside(path), 0o666)
    files.os.system.replace(_beside(path), path)
    files.os.system.write(handle, memoryview(data))
    files.os.system.sync(handle)
    files.os.system.close(handle)
    files.os.system.sync_folder(path.parent)


def moves_the_old_file_away(path, data):
    """Renames the old file to a backup before the new one has its name: in between there is none."""
    files.os.system.replace(path, path.with_name("backup"))
    _write(_beside(path), data)
    files.os.system.replace(_beside(path), path)
    files.os.system.sync_folder(path.parent)


BROKEN = [
    in_place,
    removes_first,
    without_sync_of_the_data,
    without_sync_of_the_folder,
    renames_before_writing,
    moves_the_old_file_away,
]


def _beside(path):
    return path.with_name(f".{path.name}.new")


def _write(path, data, sync=True):
    handle = files.os.system.create(path, 0o666)
    files.os.system.write(handle, memoryview(data))
    if sync:
        files.os.system.sync(handle)
    files.os.system.close(handle)
