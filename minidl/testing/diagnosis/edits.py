"""Edits: the small changes of a function's source that undo a slip of the pen, the likeliest first."""

import ast
import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from minidl.testing.diagnosis.source import Function, Values

Parts = tuple[ast.AST, str, int | None]


class Edit(NamedTuple):
    """One node of a function replaced by another.

    Attributes
    ----------
    function : Function
    statement : ast.stmt
        The innermost statement around the node.
    parent, field, index
        Where the node stands.
    new : ast.AST
        What replaces it.
    cost : float
        How unlikely it is that this was meant.
    """

    function: Function
    statement: ast.stmt
    place: Parts
    new: ast.AST
    cost: float

    def swap(self, node: ast.AST) -> ast.AST:
        """Put a node into the place, and return what it replaces."""
        parent, field, index = self.place
        if index is None:
            old = getattr(parent, field)
            setattr(parent, field, node)
        else:
            old = getattr(parent, field)[index]
            getattr(parent, field)[index] = node
        return old

    def shown(self) -> str:
        """Return the statement as it is and as it would be right."""
        whole = self.statement is self.node()
        before = text_of(self.statement)
        old = self.swap(self.new)
        after = text_of(self.new if whole else self.statement)
        self.swap(old)
        file = self.function.place(self.statement)[0].rpartition(", ")[2]
        what = "is left out" if after == "pass" else f"reads `{after}`"
        return f"`{before}` {what} ({self.function.tree.name}, {file})"

    def node(self) -> Any:
        """Return the node that is replaced."""
        parent, field, index = self.place
        return getattr(parent, field) if index is None else getattr(parent, field)[index]


def text_of(statement: ast.AST) -> str:
    """Return the source of a statement; of a compound one, its first line."""
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(statement))).partition("\n")[0]


class Site(NamedTuple):
    """A node of a function, where it stands, and the statement around it."""

    function: Function
    statement: ast.stmt
    place: Parts
    node: Any

    def edit(self, new: ast.AST | str, cost: float) -> Edit:
        """Return the edit that puts ``new`` here."""
        node = ast.parse(new, mode="eval").body if isinstance(new, str) else new
        return Edit(self.function, self.statement, self.place, node, cost)

    @property
    def text(self) -> str:
        """The source of the node."""
        return ast.unparse(self.node)

    @property
    def values(self) -> Values:
        """The values of the names."""
        return self.function.values


def sites(function: Function, target: str) -> Iterator[Site]:
    """Yield the statements and expressions of a function on which a gradient can depend."""
    wanted = relevant(function, target)
    for parent in ast.walk(function.tree):
        for field, value in ast.iter_fields(parent):
            for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, ast.stmt) and node in wanted:
                    yield Site(function, node, (parent, field, index), node)
    for statement in wanted:
        yield from expressions(function, statement, statement)


def expressions(function: Function, statement: ast.stmt, parent: ast.AST) -> Iterator[Site]:
    """Yield the expressions of a statement, those of statements inside it left out."""
    for field, value in ast.iter_fields(parent):
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.expr):
                yield Site(function, statement, (parent, field, index), node)
            if isinstance(node, (ast.expr, ast.keyword)):
                yield from expressions(function, statement, node)


def relevant(function: Function, target: str) -> list[ast.stmt]:
    """Return the statements from which a gradient comes; of `forward`, those that keep something for `backward`."""
    statements = [node for node in ast.walk(function.tree) if isinstance(node, ast.stmt) and node is not function.tree]
    statements = [s for s in statements if not is_docstring(s)]
    if function.tree.name == "forward":
        return [s for s in statements if isinstance(s, ast.Assign) and any(keeps(t) for t in s.targets)]
    name = target.rpartition("/")[2]
    set_here = name == "dx" or any(word_of(n) == name for s in statements for n in ast.walk(s))
    if function.tree.name not in ("backward", "backward_parameters") or not set_here:
        return statements
    wanted = {name} if name != "dx" else set()
    chosen: list[ast.stmt] = []
    while True:
        more = [s for s in statements if s not in chosen and matters(s, wanted, name == "dx")]
        if not more:
            return [s for s in statements if s in chosen]
        chosen += more
        wanted |= {word for s in more for word in read_in(s)}


def keeps(target: ast.expr) -> bool:
    """Return whether something is assigned to an underscore attribute."""
    return any(isinstance(n, ast.Attribute) and n.attr.startswith("_") for n in ast.walk(target))


def is_docstring(statement: ast.stmt) -> bool:
    """Return whether a statement is a string."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def matters(statement: ast.stmt, wanted: set[str], of_dx: bool) -> bool:
    """Return whether a statement sets one of the names, returns dx, calls what may do so, or holds one that does."""
    for node in ast.walk(statement):
        if isinstance(node, (ast.Break, ast.Continue)) or (isinstance(node, ast.Return) and of_dx):
            return True
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(word_of(n) in wanted or word_of(n)[:1] == "_" for t in targets for n in ast.walk(t)):
                return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            return True
        if isinstance(node, ast.For) and any(word_of(n) in wanted for n in ast.walk(node.target)):
            return True
    return False


def word_of(node: ast.AST) -> str:
    """Return the name of a variable or an attribute."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def read_in(statement: ast.stmt) -> set[str]:
    """Return the names and attributes that a statement reads."""
    return {word_of(n) for n in ast.walk(statement) if word_of(n)} - {"self", "np"}
