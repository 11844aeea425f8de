"""Source: the functions that compute a gradient, as syntax trees that can be altered, compiled and run."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
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
USUAL = "NumPy scalars such as np.sqrt(2.0) and new arrays are float64 unless told otherwise"
LARGEST = 400  # syntax nodes; longer functions are not altered
Values = dict[str, Any]


@dataclass(eq=False)
class Function:
    """A method, or a function of the same module that a method calls.

    Attributes
    ----------
    function : function
    tree : ast.FunctionDef
        Its source; edited in place for a trial, then restored.
    values : dict of str to object
        The values of its names and attributes at the last call: ``"dy"``, ``"self._x"``.
    linear : set of str
        The names whose values are proportional to the upstream gradient.
    """

    function: FunctionType
    tree: ast.FunctionDef
    values: Values = field(default_factory=dict)
    linear: set[str] = field(default_factory=set)

    def place(self, node: ast.AST) -> tuple[str, str]:
        """Return the location of a node, and the text of its line."""
        return self.place_of_line(self.function.__code__.co_firstlineno + getattr(node, "lineno", 1) - 1)

    def place_of_line(self, line: int) -> tuple[str, str]:
        """Return the location of a line of the file, and its text."""
        return describe(self.function.__qualname__, self.function.__code__.co_filename, line)

    def compiled(self) -> CodeType:
        """Return the code compiled from the current tree."""
        # The altered function may use fewer free variables, but must declare as many as the original.
        names = self.function.__code__.co_freevars
        unused = ast.parse(f"if False:\n    {', '.join(names) or None}").body
        inner = ast.FunctionDef(self.tree.name, self.tree.args, [*unused, *self.tree.body], [])
        (outer,) = ast.parse(f"def outer({', '.join(names)}): pass").body
        assert isinstance(outer, ast.FunctionDef)
        outer.body = [ast.copy_location(inner, self.tree)]
        code = compile(ast.Module([outer], []), "<altered>", "exec")
        for name in ("outer", self.tree.name):
            code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)
        return code

    @contextmanager
    def replaced(self, code: CodeType) -> Iterator[None]:
        """Make the function run other code during a trial, wherever it is called from."""
        own = self.function.__code__
        self.function.__code__ = code
        try:
            yield
        finally:
            self.function.__code__ = own


def watch(context: Context, functions: list[Function]) -> list[str]:
    """Record the values in each function at the end of the failing call, and which of them are proportional to ``dy``.

    Return the names of the functions at the calls and returns of the call; their number is a measure of its cost that
    does not depend on the machine.
    """
    codes: dict[CodeType, Function] = {f.function.__code__: f for f in functions}
    for code, f in [*codes.items()]:  # a backward defined within forward
        codes |= {inner: f for inner in code.co_consts if isinstance(inner, CodeType) and inner.co_name[0] != "<"}
    events: list[str] = []

    def note(frame: FrameType, event: str) -> None:
        events.append(frame.f_code.co_name)
        if event == "return" and frame.f_code in codes:
            codes[frame.f_code].values = values_of(dict(frame.f_locals), caches=frame.f_code.co_name != "forward")

    with profiled(note):
        context.run(dy=2 * context.point.dy)
        twice = [f.values for f in functions]
        events.clear()
        context.run()
    for f, doubled in zip(functions, twice, strict=True):
        f.linear = {name for name, value in f.values.items() if is_double(doubled.get(name, ()), value)}
    return events


def is_double(two: Any, one: Any) -> bool:
    """Return whether a value is twice another that is not zero."""
    return np.shape(two) == np.shape(one) and bool(np.any(one)) and np.array_equal(two, 2 * one)


def functions_behind(layer: Layer, beginnings: tuple[str, ...] = BEGINNINGS) -> list[Function]:
    """Return the author's functions that compute the gradient; empty where their source is unavailable.

    Functions that `forward` calls count only if the others do not begin as well.
    """
    top = getattr(layer, "certified", layer)  # the loss or function that a layer wraps
    waiting: list[tuple[type, Any]] = [(object, top)]
    for part in (top, *(part for _, part in walk({"layer": layer}) if part is not layer)):
        for cls in type(part).__mro__ if isinstance(part, (Layer, Loss)) else ():
            if cls not in (Layer, Loss) and (part is top or not is_ours(cls)):
                methods = [vars(cls)[name] for name in beginnings if name in vars(cls)]
                waiting += [(type(part), inspect.unwrap(method)) for method in methods]
    found: dict[FunctionType, Function] = {}
    for kind, function in waiting:  # grows as the functions that they call are added
        tree = tree_of(function) if isinstance(function, FunctionType) and function not in found else None
        if tree is not None:
            found[function] = Function(function, tree)
            follow = function.__name__ != "forward" or beginnings == ("forward",)
            waiting += [(kind, called) for called in called_by(function, tree, kind)] if follow else []
    return list(found.values())


def called_by(function: FunctionType, tree: ast.FunctionDef, kind: type) -> Iterator[FunctionType]:
    """Yield the methods of ``kind`` and the functions of the same module that a function calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = getattr(kind, node.func.attr, None) if ast.unparse(node.func.value) == "self" else None
            if called is not None and not is_ours(called):
                yield called
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = function.__globals__.get(node.func.id)
            if isinstance(called, FunctionType) and called.__module__ == function.__module__:
                yield called


def is_ours(thing: Any) -> bool:
    """Return whether a class or function belongs to minidl or to the builtins."""
    module = getattr(thing, "__module__", None) or ""
    return module.startswith("minidl.") or module == "builtins"


def tree_of(function: FunctionType) -> ast.FunctionDef | None:
    """Return the syntax tree of a short function without decorators or while loops, if its source is available."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    if not isinstance(tree, ast.FunctionDef) or tree.decorator_list:
        return None
    nodes = list(ast.walk(tree))
    if len(nodes) > LARGEST or any(isinstance(node, (ast.While, ast.Yield, ast.Global)) for node in nodes):
        return None
    return tree


@contextmanager
def profiled(note: Callable[[FrameType, str], None]) -> Iterator[None]:
    """Call ``note(frame, event)`` on each call and return, unless a profiler is already active."""
    if sys.getprofile() is not None:
        yield
        return
    sys.setprofile(lambda frame, event, _: note(frame, event))
    try:
        yield
    finally:
        sys.setprofile(None)


def values_of(names: Values, *, caches: bool) -> Values:
    """Return the arrays and numbers among local names and the attributes of ``self``, with or without caches."""
    layer = names.get("self")
    if layer is None:
        return {name: value for name, value in names.items() if is_value(value)}
    parameters = list(getattr(layer, "declared", {}))
    found = {**{name: getattr(layer, name, None) for name in parameters}, **vars(layer)}
    left_out = {"trainable", *(f"d{name}" for name in parameters)}
    own = {f"self.{n}": v for n, v in found.items() if n not in left_out and (caches or n[0] != "_")}
    return {name: value for name, value in {**names, **own}.items() if is_value(value)}


def is_value(value: Any) -> bool:
    """Return whether a value is an array or a number."""
    return isinstance(value, (np.ndarray, int, float, np.number, np.bool_)) and not isinstance(value, bool)


def origin_of_upcast(layer: Layer, call: Callable[[], Any]) -> tuple[str, str, str]:
    """Return why ``call`` leaves float32, and the place and its source, which are empty if not found."""
    functions = {f.function.__code__: f for f in functions_behind(layer)}
    last: dict[FrameType, int] = {}
    known: set[int] = {id(value) for value in vars(layer).values()}
    found: list[tuple[Function, int, Any]] = []

    def local(frame: FrameType, event: str, returned: Any) -> Any:
        values = [*frame.f_locals.values(), *vars(frame.f_locals.get("self", layer)).values(), returned]
        new = [value for value in values if is_float64(value) and id(value) not in known]
        if new and not found and frame in last:
            found.append((functions[frame.f_code], last[frame], frame.f_locals.get("self")))
        known.update(map(id, new))
        last[frame] = frame.f_lineno
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, event, _: local(frame, event, None) if frame.f_code in functions else None)
    try:
        call()
    finally:
        sys.settrace(before)
    if not found:
        return USUAL, "", ""
    function, line, owner = found[0]
    where, source = function.place_of_line(line)
    for name, value in vars(owner).items() if owner is not None else ():
        if f"self.{name}" in source and isinstance(value, (np.ndarray, np.floating)) and value.dtype == np.float64:
            kind = "array" if isinstance(value, np.ndarray) else "NumPy number"
            return f"self.{name} is a float64 {kind}: convert it to the type of x", where, source
    return USUAL, where, source


def is_float64(value: Any) -> bool:
    """Return whether a value is an array of float64."""
    return isinstance(value, np.ndarray) and value.dtype == np.float64
