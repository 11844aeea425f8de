"""Mutants: functions with one small fault each, as code objects that take the place of the right ones."""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import NamedTuple

SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
TOLD = (ast.Raise, ast.JoinedStr)  # what messages say is not what is tested here


class Mutant(NamedTuple):
    """A faulty function: where it is, what was changed, and its code."""

    file: Path
    function: str
    line: int  # the first of the function, which finds it among the living
    changed: int  # the line of the change, which finds the tests that execute it
    label: str
    code: CodeType


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Yield every mutant of the functions and methods of a file."""
    seen: Counter[str] = Counter()
    for classes, function in outer_functions(ast.parse(file.read_text(encoding="utf-8"))):
        body = [node for statement in function.body for node in inside(statement)]
        for index in range(len(body)):
            for change, mutated in changes(function, body, index):
                label = f"{file.parent.name}/{file.name}:{'.'.join([*classes, function.name])}: {change}"
                seen[label] += 1
                count = f" ({seen[label]})" if seen[label] > 1 else ""
                code = compiled(mutated, classes, str(file))
                changed = getattr(body[index], "lineno", function.lineno)
                yield Mutant(file, function.name, code.co_firstlineno, changed, label + count, code)


def outer_functions(tree: ast.AST, classes: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], ast.FunctionDef]]:
    """Yield the functions of a module, and the methods with the names of their classes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield classes, node
        elif isinstance(node, ast.ClassDef):
            yield from outer_functions(node, (*classes, node.name))


def compiled(function: ast.FunctionDef, classes: tuple[str, ...], file: str) -> CodeType:
    """Return the code of a function of a file, compiled alone within its classes, which ``super()`` needs."""
    body: ast.stmt = function
    for name in reversed(classes):
        body = ast.copy_location(ast.ClassDef(name, [], [], [body], []), function)
    code = compile(ast.fix_missing_locations(ast.Module([body], [])), file, "exec")
    for name in (*classes, function.name):
        code = next(part for part in code.co_consts if isinstance(part, CodeType) and part.co_name == name)
    return code


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and what is in it, but for messages, annotations and docstrings."""
    if isinstance(node, TOLD) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    if isinstance(node, ast.keyword) and node.arg == "strict":  # of zip: it only finds what should never be
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list") and not (is_reshape(node) and name == "args"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from inside(child)


def changes(function: ast.FunctionDef, body: list[ast.AST], index: int) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield what can be done to one node: a description, and the function with it."""
    node = body[index]
    for change, edit in edits(node):
        twin = copy.deepcopy(function)
        target = [n for statement in twin.body for n in inside(statement)][index]
        before = ast.unparse(node)
        edit(target)
        after = ast.unparse(target)
        if after != before:
            yield f"{change}: `{before.splitlines()[0][:60]}` -> `{after.splitlines()[0][:60]}`", twin


def edits(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Yield the edits of a node, each a description and a function that changes a copy in place."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            if type(operator) in SWAPS:
                yield "compare", lambda n, p=place, o=operator: n.ops.__setitem__(p, SWAPS[type(o)]())
    elif isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in SWAPS:
        yield "operator", lambda n, o=node.op: setattr(n, "op", SWAPS[type(o)]())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield "constant", lambda n: setattr(n, "value", n.value + 1)
    elif isinstance(node, ast.If):
        yield "condition", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield (
            "unary",
            lambda n: (
                setattr(n, "op", ast.UAdd() if isinstance(n.op, ast.USub) else ast.Not())
                or (isinstance(n.op, ast.Not) and setattr(n, "operand", ast.UnaryOp(ast.Not(), n.operand)))
            ),
        )
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "removed", lambda n: setattr(n, "value", ast.Constant(None))
    elif isinstance(node, ast.Return) and node.value is not None and not is_none(node.value):
        yield "returned", lambda n: setattr(n, "value", ast.Constant(None))


def is_reshape(node: ast.AST) -> bool:
    """Return whether a call is ``x.reshape(-1)``, where any negative number means the same."""
    return isinstance(node, ast.Call) and ast.unparse(node).endswith(".reshape(-1)")


def is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
