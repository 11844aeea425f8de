"""Edits: the sites in a function's source that can be altered, and their replacements."""

import ast
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from minidl.testing.diagnosis.where.source import Function, Values

Place = tuple[ast.AST, str, int | None]


class Site(NamedTuple):
    """A node of a function that may be altered.

    Attributes
    ----------
    function : Function
    statement : ast.stmt
        The innermost statement around the node.
    place : tuple
        The position of the node: its parent, the parent's field, and the index if that field is a list.
    node : ast.AST
    text : str
        Its source, empty for a statement.
    """

    function: Function
    statement: ast.stmt
    place: Place
    node: Any
    text: str

    def edit(self, new: ast.AST | str, cost: float) -> "Edit":
        """Return the edit that replaces the node with ``new``."""
        return Edit(self, new, cost)

    def put(self, node: ast.AST) -> None:
        """Put a node at the place."""
        parent, field, index = self.place
        if index is None:
            setattr(parent, field, node)
        else:
            getattr(parent, field)[index] = node

    @property
    def whole(self) -> str:
        """The source of the node, in parentheses where needed."""
        simple = isinstance(self.node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
        return self.text if simple else f"({self.text})"

    @property
    def values(self) -> Values:
        """The values of the function's names."""
        return self.function.values


class Edit(NamedTuple):
    """A replacement for the node of a site, a node or its source, and how unlikely it is that it was meant.

    The same replacement may be made at ``others``, sites of the same text in the same statement.
    """

    site: Site
    new: ast.AST | str
    cost: float
    others: tuple[Site, ...] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Alter the tree of the function for a while."""
        new = ast.parse(self.new, mode="eval").body if isinstance(self.new, str) else self.new
        for site in (self.site, *self.others):
            site.put(ast.fix_missing_locations(ast.copy_location(new, site.statement)))
        try:
            yield
        finally:
            for site in (self.site, *self.others):
                site.put(site.node)

    def shown(self) -> str:
        """Return a message with the statement before and after the edit."""
        function, statement = self.site.function, self.site.statement
        before = text_of(statement)
        with self.applied():
            after = text_of(statement if isinstance(self.new, str) or statement is not self.site.node else self.new)
        file = function.place(statement)[0].rpartition(", ")[2]
        what = "is left out" if after == "pass" else f"reads `{after}`"
        return f"`{before}` {what} ({function.tree.name}, {file})"


def repeated(edits: list[Edit]) -> Iterator[Edit]:
    """Yield the edits of an expression that a statement repeats, made at all its places: errors are copied."""
    places: dict[tuple[ast.stmt, str], dict[ast.AST, Site]] = {}
    for edit in edits:
        places.setdefault((edit.site.statement, edit.site.text), {})[edit.site.node] = edit.site
    for edit in edits:
        first, *others = places[edit.site.statement, edit.site.text].values()
        if others and edit.site is first and not isinstance(first.node, (ast.stmt, ast.Name, ast.Attribute)):
            yield Edit(edit.site, edit.new, edit.cost + 0.1, tuple(others))


def text_of(statement: ast.AST) -> str:
    """Return the source of a statement; only the first line of a compound one."""
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(statement))).partition("\n")[0]


def sites(function: Function, target: str) -> Iterator[Site]:
    """Yield the sites of statements and expressions on which a gradient may depend."""
    inner = [one for one in ast.walk(function.tree) if isinstance(one, ast.FunctionDef) and one is not function.tree]
    defined_within = {node for one in inner for node in ast.walk(one)}
    for parent in ast.walk(function.tree):
        name = "" if parent in defined_within else function.tree.name
        for field, index, node in children(parent):
            if isinstance(node, ast.stmt) and matters(name, node, target.rpartition("/")[2]):
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
        if isinstance(node, (ast.expr, ast.keyword, ast.comprehension)):
            yield from expressions(function, statement, node)


def matters(function: str, statement: ast.stmt, name: str) -> bool:
    """Return whether the gradient ``name`` may depend on a statement; in `forward`, only cached values count."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return False  # a docstring
    targets = [n for t in getattr(statement, "targets", []) for n in ast.walk(t) if isinstance(n, ast.Attribute)]
    if function == "forward":
        return any(n.attr.startswith("_") for n in targets)
    return not targets or not all(n.attr.startswith("d") and n.attr != name for n in targets)
