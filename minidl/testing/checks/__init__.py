"""The checks, a file a kind; importing this package registers all of them, in the order of the report."""

from minidl.testing.checks import contract, linear, numeric, rows, calls, regions, arrays, copies  # noqa: F401, I001
