"""Source lines: find the line of a layer's source that computes an array or raised an error."""

import ast
import inspect
import linecache
import textwrap
import traceback
from pathlib import Path
from typing import Any

from minidl.attribute_names import is_builtin
from minidl.layers.base import Layer
from minidl.parameters import Parameters

# Files through which a user's layer calls minidl: an error raised there belongs to the line that made the call.
INNER_FILES = tuple(inspect.getfile(kind) for kind in (*Layer.__mro__, Parameters) if is_builtin(kind))


def place_of(error: BaseException) -> tuple[str, str]:
    """Return the location in the user's code, by the innermost frame, where an exception arose, and that line."""
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [(frame, line) for frame, line in frames if not _is_foreign(frame.f_code.co_filename)]
    layers = [(frame, line) for frame, line in own if isinstance(frame.f_locals.get("self"), Layer)]
    chosen = (layers or own)[-1:]
    if not chosen:
        return "", ""
    frame, line = chosen[0]
    owner = frame.f_locals.get("self")
    name = f"{type(owner).__name__}.{frame.f_code.co_name}" if owner is not None else frame.f_code.co_name
    return describe(name, frame.f_code.co_filename, line)


def _is_foreign(path: str) -> bool:
    kit = str(Path(__file__).parent)
    return path.startswith(("<frozen", "<__array_function__", kit)) or "site-packages" in path or path in INNER_FILES


def describe(name: str, path: str, line: int) -> tuple[str, str]:
    """Return a location such as ``"Dense.backward, dense.py:88"``, and the text of the line."""
    return f"{name}, {Path(path).name}:{line}", linecache.getline(path, line).strip()


def source_of(layer: Any, target: str) -> tuple[str, str]:
    """Return where the layer, or an inner layer, computes "y", "dx", "dW", ...; for "", where backward begins."""
    layer = getattr(layer, "certified", layer)  # the loss or function that the layer wraps
    if inspect.isfunction(layer):
        return describe(layer.__name__, layer.__code__.co_filename, layer.__code__.co_firstlineno)
    *path, name = target.split("/")
    for part in path:
        layer = layer.sublayers().get(part, layer)
    for method in ("forward",) if target == "y" else ("backward", "backward_parameters"):
        found = _line_of(type(layer), method, name)
        if found is not None:
            return found
    return _line_of(type(layer), "backward", "") or ("", "")


def _line_of(cls: type, method: str, target: str) -> tuple[str, str] | None:
    try:
        owner = next(base for base in cls.__mro__ if method in vars(base))
        function = inspect.unwrap(vars(owner)[method])
        lines, first = inspect.getsourcelines(function)
        path = inspect.getsourcefile(function) or "?"
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (StopIteration, OSError, TypeError, SyntaxError):
        return None
    returned = (method, target) in (("backward", "dx"), ("forward", "y"))
    numbers = [
        node.lineno
        for node in ast.walk(tree)
        if (returned and isinstance(node, ast.Return)) or (isinstance(node, ast.Attribute) and node.attr == target)
    ]
    if target and not numbers:
        return None
    line = first + max(numbers, default=tree.body[0].lineno) - 1
    return describe(f"{owner.__name__}.{method}", path, line)
