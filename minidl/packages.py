"""Packages: optional packages are imported on first use; if one is missing, the error says how to install it."""

import importlib
from typing import Any

from minidl.errors import MissingPackageError


def import_package(module: str, who: str, extra: str) -> Any:
    """Return the optional module ``name``, which ``who`` needs and minidl's ``extra`` installs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        fix = f"Run: pip install {package}, or 'minidl[{extra}]'"
        raise MissingPackageError(f"{who}: expected {package}, got none installed. {fix}") from error
