"""Aliases: Keras' modules and names resolve to those of minidl, or raise an error that explains what to use instead."""

import importlib
import opcode
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import FrameType
from typing import Any

from minidl.names import Entry, find, table

IMPORTERS = ("importlib._bootstrap", "_frozen_importlib")  # modules whose code runs an import
MODULES = (
    "callbacks config constraints data datasets initializers layers losses metrics models optimizers "
    "optimizers.schedules regularizers saving utils"
)


def finder(module: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module: it resolves Keras' names, and explains those that minidl lacks."""

    def find_name(name: str) -> Any:
        entry = None if name.startswith("__") else _entry(module, name)
        if entry is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if entry.kind == "renamed":
            home, _, name = entry.text.rpartition(".")
            return getattr(importlib.import_module(home or module), name)
        if f"{module}.{name}".removeprefix("minidl.") in table():  # a module: the names in it are explained
            return importlib.import_module(f"{module}.{name}")
        text = f"{module} has no {name}: {entry.fix}"
        # `from module import name` drops the text of an AttributeError; hasattr and getattr need an AttributeError
        raise ImportError(text) if _imports(sys._getframe(1)) else AttributeError(text, name="")

    return find_name


def _entry(module: str, name: str) -> Entry | None:
    """Return the entry of a name in the section of a module or its parent, or else the entry of the module itself."""
    section = module.removeprefix("minidl").removeprefix(".")
    while section and section not in table():
        section = section.rpartition(".")[0]
    home, _, last = module.rpartition(".")
    return find(section, name, "*") or (_entry(home, last) if home else None)


class ModuleFinder:
    """Finder for ``sys.meta_path`` of the modules that only Keras has, as listed in the table."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the import spec of a module; None if it is not in the table."""
        home, _, last = name.rpartition(".")
        entry = _entry(sys.modules[home].__name__, last) if home.partition(".")[0] == "minidl" else None
        loader: Any = ModuleFinder
        return entry and ModuleSpec(name, loader, loader_state=entry, is_package=True)

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """Return None, so that Python creates an empty module."""

    @staticmethod
    def exec_module(module: Any) -> None:
        """Replace the empty module with its counterpart in minidl, or make it explain the names looked up in it."""
        entry = module.__spec__.loader_state
        if entry.kind == "renamed":
            sys.modules[module.__name__] = importlib.import_module(entry.text)
        else:
            module.__getattr__ = finder(module.__name__)


def _imports(frame: FrameType) -> bool:
    """Return whether a frame is executing ``from module import name``."""
    code = frame.f_code.co_code[frame.f_lasti] if frame.f_lasti >= 0 else 0
    return opcode.opname[code] == "IMPORT_FROM" or frame.f_globals.get("__name__") in IMPORTERS


def explain_modules() -> None:
    """Make imports and module attributes resolve or explain Keras' names, including modules of older versions."""
    for module in ("minidl", *(f"minidl.{name}" for name in MODULES.split())):
        vars(sys.modules[module]).setdefault("__path__", [])  # names imported from it can be modules
        vars(sys.modules[module])["__getattr__"] = finder(module)
    for name in ("adagrad", "adam", "adamax", "lion", "nadam", "rmsprop", "sgd"):
        delattr(sys.modules["minidl.optimizers"], name)  # modules here, functions in Keras 2
    sys.meta_path.append(ModuleFinder)
