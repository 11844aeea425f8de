"""Package: the modules of a Python package and the imports between them, read from their syntax trees.

Imports inside functions and for type checkers count as well, because a reader follows them like the others.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OWN = ("self", "cls", "super()", "type(self)", "vars(self)", "self.__class__", "self.__dict__")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Graph = dict[str, set[str]]


class Import(NamedTuple):
    """An import of one module by another: "top" at module level, "lazy" in a function, "types" for type checkers."""

    source: str
    target: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: imports {self.target} ({self.kind})"


class Module:
    """A file of the package, named relative to it: "layers.dense", "layers", or "__init__" for the package itself."""

    def __init__(self, path: Path, folder: Path) -> None:
        parts = path.relative_to(folder).with_suffix("").parts
        self.opens_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.opens_package else parts) or "__init__"
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def code_lines(self) -> int:
        """The number of lines without docstrings, comments and blank lines."""
        docstrings = set()
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        lines = enumerate(map(str.strip, self.text.splitlines()), start=1)
        return sum(bool(line) and line[0] != "#" and number not in docstrings for number, line in lines)

    def functions(self) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
        """Yield every function, with whether it is a method."""
        methods = {line for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef) for line in node.body}
        for node in ast.walk(self.tree):
            if isinstance(node, FUNCTIONS):
                yield node, node in methods


class Package:
    """The modules of a package by name, with the imports between them."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        found = [Module(path, folder) for path in sorted(folder.rglob("*.py"))]
        self.modules = {module.name: module for module in found}
        imports = (one for module in found for one in self._imports(module) if one.source != one.target)
        self.imports = list(dict.fromkeys(imports))  # an import statement with two names counts once

    def graph(self, kinds: str = "top lazy types", rooms: bool = False) -> Graph:
        """Return the imports of each module or, with ``rooms``, of each file or folder at the top of the package."""
        graph: Graph = defaultdict(set)
        for one in self.imports:
            source, target = (room(name) if rooms else name for name in (one.source, one.target))
            if one.kind in kinds.split() and not (rooms and (source == target or "__init__" in (source, target))):
                graph[source].add(target)
        return graph

    def _imports(self, module: Module) -> Iterator[Import]:
        lazy, types = set(), set()
        for node in ast.walk(module.tree):
            if isinstance(node, FUNCTIONS):
                lazy.update(ast.walk(node))
            if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
                types.update(inner for child in node.body for inner in ast.walk(child))
        for node in ast.walk(module.tree):
            kind = "types" if node in types else "lazy" if node in lazy or isinstance(node, ast.Constant) else "top"
            for name in self._imported_names(node, module):
                if (target := self._inside(name)) is not None:
                    yield Import(module.name, target, node.lineno, kind)

    def _imported_names(self, node: ast.AST, module: Module) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}, line {node.lineno}: a relative import; write the whole name"
            return [f"{node.module}.{alias.name}" for alias in node.names]
        if isinstance(node, ast.Constant) and "import_module(" in module.text:  # a string may name a module
            return [f"{self.name}.{module.name}.{node.value}"] if f"{module.name}.{node.value}" in self.modules else []
        return []

    def _inside(self, name: str) -> str | None:
        """Return the module that contains a full name such as ``minidl.layers.Dense``, or None outside the package."""
        first, _, inner = name.partition(".")
        if first != self.name or inner == "__version__":
            return None
        while inner and inner not in self.modules:
            inner = inner.rpartition(".")[0]
        return inner or "__init__"


def room(name: str) -> str:
    """Return the file or folder at the top of the package that contains a module."""
    return name.partition(".")[0]


def way(graph: Graph, start: str, goals: set[str]) -> list[str]:
    """Return the shortest path of imports from a module to any of ``goals``; empty if there is none."""
    ways = {start: [start]}
    queue = [start]
    for module in queue:
        for target in sorted(graph.get(module, ())):
            if target in goals:
                return [*ways[module], target]
            if target not in ways:
                ways[target] = [*ways[module], target]
                queue.append(target)
    return []


def largest_circle(graph: Graph) -> list[str]:
    """Return the modules of the largest import cycle, direct or indirect."""
    reached: Graph = {}
    for module in list(graph):
        reached[module], queue = set(), [module]
        for name in queue:
            queue += graph.get(name, set()) - reached[module]
            reached[module] |= graph.get(name, set())
    circles = [{other for other in reached[module] if module in reached.get(other, ())} for module in reached]
    return sorted(max(circles, key=len, default=set()))


def upward(package: Package) -> list[Import]:
    """Return the lazy and type-checking imports whose target imports their source, directly or indirectly.

    Top-level imports decide which of the two modules is above the other; if they do not, all imports count.
    """
    graphs = {kinds: (package.graph(kinds), package.graph(kinds, rooms=True)) for kinds in ("top", "top lazy types")}

    def above(a: str, b: str, kinds: str) -> bool:
        modules, rooms = graphs[kinds]
        return bool(way(modules, a, {b}) or (room(a) != room(b) and way(rooms, room(a), {room(b)})))

    def rises(source: str, target: str) -> bool:
        if source == "__init__" or (package.modules[source].opens_package and target.startswith(f"{source}.")):
            return False  # a package's own __all__
        ordered = above(source, target, "top")
        return above(target, source, "top") or (not ordered and above(target, source, "top lazy types"))

    return [one for one in package.imports if one.kind != "top" and rises(one.source, one.target)]


def private_places(package: Package) -> list[str]:
    """Return the uses of private names that are defined in another module.

    A name that no class defines but several modules set on other objects counts in each of them.
    """
    defined, planted = definitions(package)
    found = []
    for name, module in package.modules.items():
        for line, attribute, code in private_uses(module.tree):
            where = defined.get(attribute) or planted.get(attribute, set())
            if where - {name} and (name not in where or attribute not in defined):
                found.append(f"{name}, line {line}: {code} (of {min(where - {name})})")
    return found


def definitions(package: Package) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the modules that define each name, as a variable or on self, and those that set it on another object."""
    defined: dict[str, set[str]] = defaultdict(set)
    planted: dict[str, set[str]] = defaultdict(set)
    for name, module in package.modules.items():
        for node in ast.walk(module.tree):
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                defined[node.name].add(name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                defined[node.id].add(name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                (defined if is_own(node.value) else planted)[node.attr].add(name)
    return defined, planted


def private_uses(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Yield (line, name, code) for each access to a private name of another object, in any form."""
    for node in ast.walk(tree):
        owner, name = None, None
        if isinstance(node, ast.Attribute):
            owner, name = node.value, node.attr
        elif isinstance(node, ast.Subscript) and is_dictionary(node.value):  # vars(x)["_name"]
            owner, name = node.value, getattr(node.slice, "value", None)
        elif isinstance(node, ast.Call) and re.fullmatch("(get|set|has|del)attr", ast.unparse(node.func)):
            owner, name = node.args[0], getattr(node.args[1], "value", None)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_dictionary(node.func.value):
            owner, name = node.func.value, getattr([*node.args, None][0], "value", None)  # x.__dict__.get("_name")
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name, ast.unparse(node)) for alias in node.names if is_private(alias.name))
        if owner is not None and is_private(name) and not is_own(owner):
            yield node.lineno, name, ast.unparse(node)


def is_private(name: object) -> bool:
    return isinstance(name, str) and re.fullmatch(r"_[A-Za-z]\w*", name) is not None


def is_dictionary(node: ast.AST) -> bool:
    return re.search(r"__dict__$|^vars\(", ast.unparse(node)) is not None


def is_own(node: ast.AST) -> bool:
    return ast.unparse(node) in OWN
