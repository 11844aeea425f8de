"""Aliases: the modules and names of Keras, found here under their own names or explained where they are missing."""

import importlib
import opcode
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import FrameType
from typing import Any

from minidl.names import Entry, find, table

MODULES = (
    "callbacks config constraints data datasets initializers layers losses metrics models optimizers "
    "optimizers.schedules regularizers saving utils"
)


def finder(module: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module: it finds Keras' names for what is there, and explains what is missing."""

    def find_name(name: str) -> Any:
        entry = None if name.startswith("__") else _entry(module, name)
        if entry is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if entry.kind == "renamed":
            home, _, name = entry.text.rpartition(".")
            return getattr(importlib.import_module(home or module), name)
        if f"{module}.{name}".removeprefix("minidl.") in table():  # a module: what is taken from it is explained
            return importlib.import_module(f"{module}.{name}")
        text = f"{module} has no {name}: {entry.fix}"
        # `from module import name` drops the text of an AttributeError; hasattr and getattr need one
        raise ImportError(text) if _imports(sys._getframe(1)) else AttributeError(text, name="")

    return find_name


def _entry(module: str, name: str) -> Entry | None:
    """Return the entry of a name in the section of a module, or of the one around it; or that of the module itself."""
    section = module.removeprefix("minidl").removeprefix(".")
    while section and section not in table():
        section = section.rpartition(".")[0]
    home, _, last = module.rpartition(".")
    return find(section, name, "*") or (_entry(home, last) if home else None)


class ModuleFinder:
    """Finder of ``sys.meta_path`` for modules that only Keras has, which are names of the table."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how to import a module; None for those that the table does not name."""
        home, _, last = name.rpartition(".")
        entry = _entry(sys.modules[home].__name__, last) if home.partition(".")[0] == "minidl" else None
        loader: Any = ModuleFinder
        return entry and ModuleSpec(name, loader, loader_state=entry, is_package=True)

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """Leave it to Python to make an empty module."""

    @staticmethod
    def exec_module(module: Any) -> None:
        """Put the module with the names in place of an empty one, or explain what is missing in it."""
        entry = module.__spec__.loader_state
        if entry.kind == "renamed":
            sys.modules[module.__name__] = importlib.import_module(entry.text)
        else:
            module.__getattr__ = finder(module.__name__)


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
        vars(sys.modules[module]).setdefault("__path__", [])  # what is imported from it can be a module
        vars(sys.modules[module])["__getattr__"] = finder(module)
    for name in ("adagrad", "adam", "adamax", "lion", "nadam", "rmsprop", "sgd"):
        delattr(sys.modules["minidl.optimizers"], name)  # modules, where Keras 2 has functions
    sys.meta_path.append(ModuleFinder)
