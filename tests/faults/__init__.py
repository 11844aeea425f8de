"""Disks that fail, processes that are killed, power that is cut: stand-ins for `minidl.files.system`."""
