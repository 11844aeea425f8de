"""Source: the functions that compute a gradient, as syntax trees that can be altered, compiled and tried."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.losses import Loss
from minidl.testing.context import Context
from minidl.testing.source_lines import describe

BEGINNINGS = ("backward", "backward_parameters", "forward")
LARGEST = 400  # syntax nodes of a function, from which on it is too long to be altered
Values = dict[str, Any]


@dataclass(eq=False)
class Function:
    """A method, or a function of the same module that a method calls.

    Attributes
    ----------
    function : function
    tree : ast.FunctionDef
        Its source; edited in place for a trial, and restored.
    values : dict of str to object
        The values of its names and attributes when it was last called: ``"dy"``, ``"self._x"``.
    linear : set of str
        Those of them that are proportional to the upstream gradient.
    """

    function: FunctionType
    tree: ast.FunctionDef
    values: Values = field(default_factory=dict)
    linear: set[str] = field(default_factory=set)

    def place(self, node: ast.AST) -> tuple[str, str]:
        """Return where a node is, and the text of that line."""
        return self.place_of_line(self.function.__code__.co_firstlineno + getattr(node, "lineno", 1) - 1)

    def place_of_line(self, line: int) -> tuple[str, str]:
        """Return where a line of the file is, and its text."""
        return describe(self.function.__qualname__, self.function.__code__.co_filename, line)

    def compiled(self) -> CodeType:
        """Return the code of the function that the tree describes now."""
        free = self.function.__code__.co_freevars
        # An altered function may no longer use a name from outside, but has to know as many as the original.
        names: list[ast.expr] = [ast.Name(name, ast.Load()) for name in free]
        unused = ast.If(ast.Constant(False), [ast.Expr(ast.Tuple(names, ast.Load()))], [])
        inner = ast.FunctionDef(self.tree.name, self.tree.args, [unused, *self.tree.body], [])
        outer = ast.FunctionDef(
            name="outer",
            args=ast.arguments([], [ast.arg(name) for name in free], None, [], [], None, []),
            body=[inner, ast.Return(ast.Name(self.tree.name, ast.Load()))],
            decorator_list=[],
        )
        made: Values = {}
        exec(compile(ast.fix_missing_locations(ast.Module([outer], [])), "<altered>", "exec"), made)
        code: CodeType = made["outer"](*free).__code__
        return code

    @contextmanager
    def replaced(self, code: CodeType) -> Iterator[None]:
        """Let the function run other code, wherever it is called from, for as long as a trial takes."""
        own = self.function.__code__
        self.function.__code__ = code
        try:
            yield
        finally:
            self.function.__code__ = own


def watch(context: Context, functions: list[Function]) -> int:
    """Let the functions know their values at the failing call, and what in them is proportional to ``dy``.

    Return the number of calls and returns in it, which tells how long it takes whatever the machine.
    """
    with watching(functions):
        context.run(dy=2 * context.dy)
    twice = [f.values for f in functions]
    with watching(functions) as events:
        context.run()
    for f, doubled in zip(functions, twice, strict=True):
        f.linear = {name for name, value in f.values.items() if is_double(doubled.get(name, ()), value)}
    return sum(events)


def is_double(two: Any, one: Any) -> bool:
    """Return whether a value is twice another, which is not zero."""
    return np.shape(two) == np.shape(one) and bool(np.any(one)) and np.array_equal(two, 2 * one)


def functions_behind(layer: Layer) -> list[Function]:
    """Return the author's functions from which the gradient comes; empty where the source is not to be had."""
    found: dict[FunctionType, Function] = {}
    top = getattr(layer, "certified", layer)  # the loss, or the function, that a layer wraps
    for part in (top, *(part for _, part in walk({"layer": layer}) if part is not layer)):
        if inspect.isfunction(part):
            _add(found, object, part)
        for cls in type(part).__mro__ if isinstance(part, (Layer, Loss)) else ():
            if cls not in (Layer, Loss) and (part is top or not _is_ours(cls.__module__)):
                for name in BEGINNINGS:
                    _add(found, type(part), vars(cls).get(name))
    return list(found.values())


def _add(found: dict[FunctionType, Function], kind: type, function: Any) -> None:
    """Add a function, and those that it calls, if their source can be read; ``kind`` is the class of its object."""
    if not isinstance(function, FunctionType) or function in found:
        return
    tree = tree_of(function)
    if tree is None:
        return
    found[function] = Function(function, tree)
    for node in ast.walk(tree) if function.__name__ != "forward" else ():
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "self":
            method = next((vars(c)[node.func.attr] for c in kind.__mro__ if node.func.attr in vars(c)), None)
            if method is not None and not _is_ours(getattr(method, "__module__", "")):
                _add(found, kind, method)
        elif isinstance(node.func, ast.Name):
            other = function.__globals__.get(node.func.id)
            if isinstance(other, FunctionType) and other.__module__ == function.__module__:
                _add(found, kind, other)


def _is_ours(module: str) -> bool:
    return module.startswith("minidl.") or module == "builtins"


def tree_of(function: FunctionType) -> ast.FunctionDef | None:
    """Return the syntax tree of a function without decorators and endless loops, if its source can be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    if not isinstance(tree, ast.FunctionDef) or tree.decorator_list:
        return None
    nodes = list(ast.walk(tree))
    if len(nodes) > LARGEST or any(isinstance(node, (ast.While, ast.Yield, ast.Global)) for node in nodes):
        return None
    tree.args.defaults = [ast.Constant(None) for _ in tree.args.defaults]  # the true ones are put in by `compiled`
    tree.args.kw_defaults = [ast.Constant(None) for _ in tree.args.kw_defaults]
    tree.returns = None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return tree


@contextmanager
def watching(functions: list[Function]) -> Iterator[list[int]]:
    """Note the values of the names in these functions at the end of each call; yield a list of one for each event."""
    codes: dict[CodeType, Function] = {f.function.__code__: f for f in functions}
    events: list[int] = []
    if sys.getprofile() is not None:  # a profiler is at work, which must not be disturbed
        yield events
        return

    def note(frame: FrameType, event: str, _: Any) -> None:
        events.append(1)
        if event == "return" and frame.f_code in codes:
            codes[frame.f_code].values = values_of(dict(frame.f_locals), caches=frame.f_code.co_name != "forward")

    sys.setprofile(note)
    try:
        yield events
    finally:
        sys.setprofile(None)


def values_of(names: Values, *, caches: bool) -> Values:
    """Return the arrays and numbers among local names, and among the attributes of ``self``, with or without caches."""
    found = {name: value for name, value in names.items() if is_value(value)}
    layer = names.get("self")
    if layer is None:
        return found
    parameters = list(getattr(layer, "declared", {}))
    attributes = {**{name: getattr(layer, name, None) for name in parameters}, **vars(layer)}
    for name, value in attributes.items():
        if (
            is_value(value)
            and (caches or name[0] != "_")
            and name not in {f"d{p}" for p in parameters}
            and name != "trainable"
        ):
            found[f"self.{name}"] = value
    return found


def is_value(value: Any) -> bool:
    """Return whether a value can be calculated with."""
    return isinstance(value, (np.ndarray, int, float, np.number, np.bool_)) and not isinstance(value, bool)
