"""The checks, one file per kind; importing this package registers all of them, in the order of the report."""

# isort: off
# ruff: noqa: F401 - imported to register the checks
from minidl.testing.checks import contract, linear, numeric, variations, modes, calls, rows, subgradient
from minidl.testing.checks import path_integral, layout, precision, copies
