"""Edits: the sites in a function's source that can be altered, and their replacements."""

import ast
import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from minidl.testing.diagnosis.where.source import Function, Values

Place = tuple[ast.AST, str, int | None]


class Edit(NamedTuple):
    """One node of a function replaced by another.

    Attributes
    ----------
    function : Function
    statement : ast.stmt
        The innermost statement around the node.
    place : tuple
        The position of the node: its parent, the parent's field, and the index if that field is a list.
    new : ast.AST
        The replacement node.
    cost : float
        How unlikely it is that this was meant.
    """

    function: Function
    statement: ast.stmt
    place: Place
    new: ast.AST
    cost: float

    def swap(self, node: ast.AST) -> ast.AST:
        """Put a node at the place, and return the node that was there."""
        parent, field, index = self.place
        old: ast.AST
        if index is None:
            old = getattr(parent, field)
            setattr(parent, field, node)
        else:
            old = getattr(parent, field)[index]
            getattr(parent, field)[index] = node
        return old

    def shown(self) -> str:
        """Return a message with the statement before and after the edit."""
        before = text_of(self.statement)
        old = self.swap(self.new)
        after = text_of(self.new if old is self.statement else self.statement)
        self.swap(old)
        file = self.function.place(self.statement)[0].rpartition(", ")[2]
        what = "is left out" if after == "pass" else f"reads `{after}`"
        return f"`{before}` {what} ({self.function.tree.name}, {file})"


def text_of(statement: ast.AST) -> str:
    """Return the source of a statement; only the first line of a compound one."""
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(statement))).partition("\n")[0]


class Site(NamedTuple):
    """A node of a function, its position, and the statement around it."""

    function: Function
    statement: ast.stmt
    place: Place
    node: Any
    text: str

    def edit(self, new: ast.AST | str, cost: float) -> Edit:
        """Return the edit that replaces the node with ``new``."""
        node = ast.parse(new, mode="eval").body if isinstance(new, str) else new
        return Edit(self.function, self.statement, self.place, node, cost)

    @property
    def whole(self) -> str:
        """The source of the node, in parentheses where needed."""
        return (
            self.text if isinstance(self.node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)) else f"({self.text})"
        )

    @property
    def values(self) -> Values:
        """The values of the function's names."""
        return self.function.values


def sites(function: Function, target: str) -> Iterator[Site]:
    """Yield the sites of statements and expressions on which a gradient may depend."""
    for parent in ast.walk(function.tree):
        for field, index, node in children(parent):
            if isinstance(node, ast.stmt) and matters(function.tree.name, node, target.rpartition("/")[2]):
                yield Site(function, node, (parent, field, index), node, "")
                yield from expressions(function, node, node)


def children(parent: ast.AST) -> Iterator[tuple[str, int | None, Any]]:
    """Yield the children of a node as (field, index, child)."""
    for field, value in ast.iter_fields(parent):
        yield from (
            ((field, k, node) for k, node in enumerate(value)) if isinstance(value, list) else [(field, None, value)]
        )


def expressions(function: Function, statement: ast.stmt, parent: ast.AST) -> Iterator[Site]:
    """Yield the expressions of a statement, without those of nested statements."""
    for field, index, node in children(parent):
        if isinstance(node, ast.expr):
            yield Site(function, statement, (parent, field, index), node, ast.unparse(node))
        if isinstance(node, (ast.expr, ast.keyword)):
            yield from expressions(function, statement, node)


def matters(function: str, statement: ast.stmt, name: str) -> bool:
    """Return whether the gradient ``name`` may depend on a statement; in `forward`, only cached values count."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return False  # a docstring
    targets = [n for t in getattr(statement, "targets", []) for n in ast.walk(t) if isinstance(n, ast.Attribute)]
    if function == "forward":
        return any(n.attr.startswith("_") for n in targets)
    return not targets or not all(n.attr.startswith("d") and n.attr != name for n in targets)
