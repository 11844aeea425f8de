"""Packages: optional ones are imported at first use; a missing one is an error that says how to install it."""

import importlib
from typing import Any

from minidl.errors import MissingPackageError


def import_package(module: str, who: str, extra: str) -> Any:
    """Return the module of that name; ``who`` needs it, and ``extra`` of minidl installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        fix = f"Run: pip install {package}, or 'minidl[{extra}]'"
        raise MissingPackageError(f"{who}: expected {package}, got none installed. {fix}") from error
