"""Disks that fail, processes that are killed, power that is cut: stand-ins for the `os` of `minidl.files`."""
