"""Findings: what a check has to object to, and where in the layer's source it points."""

import ast
import inspect
import linecache
import textwrap
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from minidl.layers.base import Layer
from minidl.testing.subject import LayerFailure

SHAPE_TROUBLE = ("core dimension", "not aligned", "could not be broadcast", "cannot reshape")


class Skipped(Exception):
    """A check does not apply; the reason is its text."""


class Unverified(Exception):
    """A check could not reach a verdict; the reason is its text. Never counted as passed."""


@dataclass
class Finding:
    """One objection.

    Attributes
    ----------
    check : str
        The check that objects.
    message : str
        What is wrong.
    target : str
        The array concerned, such as ``"dx"``; empty if none is.
    index : tuple of int or None
        The worst entry of it.
    analytic, numeric, error : float or None
        Value of that entry, what it should be, and how well that is known.
    detail : str
        How many entries are wrong, at which input, with which arguments.
    why : str
        The most likely cause.
    slope : float or None
        Of the Taylor remainder: 2 for a right gradient, 1 for a wrong one.
    where, source : str
        ``"Dense.backward, dense.py:88"`` and the text of that line.
    hypotheses : list of (str, float)
        All causes that were considered, with their scores, best first.
    also : list of str
        Other arrays that are wrong too.
    """

    check: str
    message: str = ""
    target: str = ""
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    error: float | None = None
    detail: str = ""
    why: str = ""
    slope: float | None = None
    where: str = ""
    source: str = ""
    hypotheses: list[tuple[str, float]] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def resembles(self, other: "Finding") -> bool:
        """Return whether the other finding has the same root, as far as one can tell: the same array, or the same line."""
        if self.target and other.target:
            return self.target == other.target or self.target in other.also
        return bool(self.where) and self.where == other.where


def from_failure(check: str, failure: LayerFailure, situation: str = "") -> Finding:
    """Return the finding that an exception inside the layer amounts to."""
    error = failure.error
    where, source = place_of(error)
    text = " ".join(str(error).split())
    message = f"{failure.method} raised {type(error).__name__}: {text}"
    why = ""
    if "read-only" in text:
        what = "its input" if failure.method == "forward" else "the upstream gradient or a cached input"
        message, why = (
            f"{failure.method} writes into {what}",
            "arrays that are handed in belong to the caller: work on a copy",
        )
    elif failure.method == "backward" and any(sign in text for sign in SHAPE_TROUBLE):
        why = "the shapes of the operands do not fit; they would for a square layer: a transpose, a sum or keepdims is missing"
    return Finding(check, message, detail=situation, why=why, where=where, source=source)


def rejected_gradient(error: BaseException) -> tuple[str, Any] | None:
    """Return the name and the value of a gradient that was refused for its shape, if that is what happened."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "__setattr__" and isinstance(frame.f_locals.get("self"), Layer):
            return frame.f_locals["name"], frame.f_locals["value"]
    return None


def place_of(error: BaseException) -> tuple[str, str]:
    """Return where in the user's code an exception arose, and that line: the innermost frame that is nobody else's."""
    frames = list(traceback.walk_tb(error.__traceback__))
    own = [(frame, line) for frame, line in frames if not _is_foreign(frame.f_code.co_filename)]
    layers = [(frame, line) for frame, line in own if isinstance(frame.f_locals.get("self"), Layer)]
    chosen = (layers or own or frames)[-1:]
    if not chosen:
        return "", ""
    frame, line = chosen[0]
    owner = frame.f_locals.get("self")
    name = f"{type(owner).__name__}.{frame.f_code.co_name}" if owner is not None else frame.f_code.co_name
    return describe(name, frame.f_code.co_filename, line)


def _is_foreign(path: str) -> bool:
    kit = str(Path(__file__).parent)
    return (
        path.startswith(("<frozen", "<__array_function__", kit))
        or "site-packages" in path
        or path.endswith(("layers/base.py", "minidl/parameters.py"))
    )


def describe(name: str, path: str, line: int) -> tuple[str, str]:
    """Return ``"Dense.backward, dense.py:88"`` and the text of the line."""
    return f"{name}, {Path(path).name}:{line}", linecache.getline(path, line).strip()


def source_of(layer: Any, target: str) -> tuple[str, str]:
    """Return where ``backward`` of the layer, or of the layer inside it, computes ``target``."""
    layer = getattr(layer, "certified", layer)  # the loss, or the function, that a layer stands for
    if inspect.isfunction(layer):
        return describe(layer.__name__, layer.__code__.co_filename, layer.__code__.co_firstlineno)
    *path, name = target.split("/")
    for part in path:
        layer = layer.sublayers().get(part, layer)
    for method in ("backward", "backward_parameters"):
        found = _line_of(type(layer), method, name)
        if found is not None:
            return found
    return _line_of(type(layer), "backward", "") or ("", "")


def _line_of(cls: type, method: str, target: str) -> tuple[str, str] | None:
    owner = next((base for base in cls.__mro__ if method in vars(base)), None)
    function = vars(owner).get(method) if owner is not None else None
    try:
        lines, first = inspect.getsourcelines(function)  # type: ignore[arg-type]
        path = inspect.getsourcefile(function)  # type: ignore[arg-type]
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return None
    numbers = []
    for node in ast.walk(tree):
        if (target == "dx" and isinstance(node, ast.Return) and method == "backward") or (isinstance(node, ast.Attribute) and node.attr == target):
            numbers.append(node.lineno)
    if target and not numbers:
        return None
    line = first + (max(numbers) if numbers else tree.body[0].lineno) - 1
    return describe(f"{owner.__name__}.{method}", path or "?", line)  # type: ignore[union-attr]
