"""Aliases: the modules and names of Keras, found here under their own names or explained where they are missing."""

import importlib
import opcode
import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

from minidl.names import PAGE, SECTIONS, find

# Modules of older versions, and the module that has their names; and those that have no counterpart.
OLD_MODULES = {
    "layers.core": "layers",
    "layers.advanced_activations": "layers",
    "layers.normalization": "layers",
    "layers.noise": "layers",
    "layers.embeddings": "layers",
    "layers.merge": "layers",
    "utils.np_utils": "utils",
    "utils.generic_utils": "utils",
    "optimizers.legacy": "optimizers",
}
ABSENT_MODULES = (
    "activations applications backend layers.convolutional layers.experimental layers.pooling layers.recurrent ops "
    "preprocessing wrappers wrappers.scikit_learn"
)
MODULES = (
    "callbacks config constraints datasets initializers layers losses metrics models optimizers optimizers.schedules "
    "regularizers saving utils"
)


def finder(module: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module: it finds Keras' names for what is there, and explains what is missing."""
    section = module.removeprefix("minidl").removeprefix(".")

    def find_name(name: str) -> Any:
        entry = None if name.startswith("__") else find(SECTIONS.get(section, section), name, "*")
        if entry is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if entry.kind == "renamed":
            home, _, name = entry.text.rpartition(".")
            return getattr(importlib.import_module(home or module), name)
        text = f"{module} has no {name}: {entry.text} {PAGE}"
        # `from module import name` drops the text of an AttributeError; hasattr and getattr need one
        raise ImportError(text) if _imports(sys._getframe(1)) else AttributeError(text, name="")

    return find_name


def _imports(frame: FrameType) -> bool:
    """Return whether a frame is at ``from module import name``."""
    code = frame.f_code.co_code[frame.f_lasti] if frame.f_lasti >= 0 else 0
    return opcode.opname[code] == "IMPORT_FROM" or frame.f_globals.get("__name__") in (
        "importlib._bootstrap",
        "_frozen_importlib",
    )


def explain_modules() -> None:
    """Let ``import`` and attributes of modules find Keras' names, or explain them, in modules of older versions too."""
    for module in ("minidl", *(f"minidl.{name}" for name in MODULES.split())):
        vars(sys.modules[module])["__getattr__"] = finder(module)
    for old, module in OLD_MODULES.items():
        sys.modules[f"minidl.{old}"] = sys.modules[f"minidl.{module}"]
    for absent in ABSENT_MODULES.split():
        stub: Any = ModuleType(f"minidl.{absent}")
        stub.__path__, stub.__getattr__ = [], finder(stub.__name__)
        sys.modules[stub.__name__] = stub
