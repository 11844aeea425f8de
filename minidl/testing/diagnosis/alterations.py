"""Alterations: what an author may have meant to write instead, for each expression and statement of a gradient."""

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.diagnosis.additions import missing_factors, missing_terms, of_counts
from minidl.testing.diagnosis.completions import cached_instead, missing_derivatives, missing_paths, other_axes
from minidl.testing.diagnosis.edits import Edit, Site

# Functions that authors confuse.
PAIRS = {"sum": "mean", "max": "min", "maximum": "minimum", "argmax": "argmin", "sin": "cos", "exp": "expm1"}
PAIRS |= {"zeros_like": "ones_like", "log": "log1p", "var": "std", "cumsum": "cumprod", "sqrt": "square"}
PAIRS |= {two: one for one, two in PAIRS.items()}
# What may be missing around a name; {} is that name. Costs grow from left to right.
AROUND = ["-{}", "(1 - {})", "{} ** 2", "np.abs({})", "np.sign({})", "({} > 0)", "np.exp({})"]
AROUND += ["np.tanh({})", "np.sqrt({})", "1 / {}"]
OF_NUMBERS = ["({} - 1)", "({} + 1)", "(1 - {})", "-{}", "{} ** 2", "2 * {}", "{} / 2", "1 / {}", "np.sqrt({})"]
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
OPERATORS: tuple[tuple[type[ast.AST], ...], ...] = (ARITHMETIC, (ast.Lt, ast.LtE, ast.Gt, ast.GtE), (ast.Eq, ast.NotEq))


def alterations(site: Site) -> Iterator[Edit]:
    """Yield the edits of one place, each with what it costs."""
    node = site.node
    if isinstance(node, ast.stmt):
        yield from of_statements(site)
        return
    if isinstance(node, ast.Slice):
        yield from of_slices(site, node)
    if isinstance(node, (ast.Slice, ast.Starred)) or isinstance(getattr(node, "ctx", None), ast.Store):
        return
    if site.text in site.values:
        yield from of_names(site)
    if isinstance(node, ast.BinOp):
        yield from of_operators(site, node)
    elif isinstance(node, ast.UnaryOp):
        yield site.edit(node.operand, 1.25 if site.place[1] == "step" else 1.0)
    elif isinstance(node, ast.Constant):
        yield from of_constants(site, node.value)
    elif isinstance(node, ast.Compare):
        yield from of_comparisons(site, node)
    elif isinstance(node, ast.Call):
        yield from of_calls(site, node)
    elif isinstance(node, ast.Tuple):
        for element in node.elts if all(isinstance(element, ast.Constant) for element in node.elts) else ():
            yield site.edit(element, 1.0)  # fewer axes
    elif isinstance(node, ast.Subscript):
        yield site.edit(node.value, 1.1)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield site.edit(node.value, 0.9)
    elif isinstance(node, ast.Attribute) and node.attr == "size":
        yield from of_counts(site, node.value)
    if isinstance(node, (ast.Call, ast.Subscript)) or isinstance(getattr(node, "op", None), ast.MatMult):
        text = f"({site.text})" if isinstance(node, ast.BinOp) else site.text
        for k, form in enumerate(AROUND):
            yield site.edit(form.format(text), 1.2 + 0.02 * k)
    if site.place[1] in ("test", "iter"):
        yield from of_conditions(site)
    yield from missing_factors(site)
    yield from missing_terms(site)
    yield from missing_paths(site)


def of_names(site: Site) -> Iterator[Edit]:
    """Yield another name of the same shape, and usual functions of the name."""
    value, linear = site.values[site.text], site.text in site.function.linear
    shape = np.shape(value)
    for other, there in site.values.items():
        same = np.shape(there) == shape and (other in site.function.linear) == linear
        if other != site.text and same and not np.array_equal(there, value):
            yield site.edit(other, 1.0 if shape else 1.3)
        if other != site.text and same and shape and not linear:
            yield site.edit(f"({site.text} - {other})", 1.45)
            yield site.edit(f"({site.text} + {other})", 1.45)
    for k, form in enumerate(AROUND[:1] if linear else AROUND if shape else OF_NUMBERS):
        yield site.edit(form.format(site.text), (1.2 if shape else 1.1) + 0.02 * k)
    if len(shape) > 1:
        yield site.edit(f"{site.text}.T" if len(shape) == 2 else f"np.swapaxes({site.text}, -1, -2)", 0.95)
    for axis in range(len(shape)):
        if shape[axis] > 1:
            yield site.edit(f"np.flip({site.text}, {axis})", 1.5)
            if np.asarray(value).dtype.kind in "iu":
                yield site.edit(f"np.argsort({site.text}, {axis})", 1.3)


def other_operators(op: ast.AST) -> list[Any]:
    """Return the operators that an author may confuse with one."""
    return [kind() for group in OPERATORS if isinstance(op, group) for kind in group if not isinstance(op, kind)]


def of_operators(site: Site, node: ast.BinOp) -> Iterator[Edit]:
    """Yield the other operators, one side alone, and the two sides exchanged."""
    by_one = isinstance(node.right, ast.Constant) and node.right.value == 1
    for op in other_operators(node.op):
        if not (by_one and isinstance(op, ARITHMETIC[2:])):
            same_kind = isinstance(op, ARITHMETIC[:2]) == isinstance(node.op, ARITHMETIC[:2])
            yield site.edit(ast.BinOp(node.left, op, node.right), 0.9 if same_kind else 1.15)
    yield site.edit(node.left, 0.85 if by_one else 1.0)
    yield site.edit(ast.UnaryOp(ast.USub(), node.right) if isinstance(node.op, ast.Sub) else node.right, 1.1)
    if not isinstance(node.op, (ast.Add, ast.Mult)):
        yield site.edit(ast.BinOp(node.right, node.op, node.left), 1.0)


def of_constants(site: Site, value: Any) -> Iterator[Edit]:
    """Yield other numbers, and the layer's own arguments."""
    if isinstance(value, bool):
        yield site.edit(ast.Constant(not value), 1.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    for name, number in site.values.items():
        if isinstance(number, (int, float)) and number != value:
            yield site.edit(name, 1.2 if name.startswith("self.") else 1.4)
    others = [value - 1, value + 1, -value, 0, 1, 2, 3, 2 * value, value / 2, 0.5]
    if value:
        others.append(1 / value)
    for other in dict.fromkeys(others):
        if other != value:
            yield site.edit(repr(other), 1.2)


def of_comparisons(site: Site, node: ast.Compare) -> Iterator[Edit]:
    """Yield the other comparisons, and the value that is compared."""
    yield site.edit(node.left, 0.95)
    for op in other_operators(node.ops[0]):
        yield site.edit(ast.Compare(node.left, [op], node.comparators), 0.9)


def of_calls(site: Site, node: ast.Call) -> Iterator[Edit]:
    """Yield the call of a function that resembles it, its arguments alone, exchanged, or without a keyword."""
    yield from missing_derivatives(site, node)
    yield from other_axes(site, node)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if ast.unparse(node.func) == "len":
        yield from of_counts(site, node.args[0])
    if isinstance(node.func, ast.Attribute) and name in PAIRS:
        function = ast.Attribute(node.func.value, PAIRS[name], ast.Load())
        yield site.edit(ast.Call(function, node.args, node.keywords), 1.0)
    plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    for argument in plain[1:] + plain[:1]:
        yield site.edit(argument, 1.2)
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) not in ("np", "self"):
        yield site.edit(node.func.value, 1.2)  # a method: the object alone
    if len(plain) > 1:
        yield site.edit(ast.Call(node.func, [*plain[:-2], plain[-1], plain[-2]], node.keywords), 1.0)
    for keyword in node.keywords:
        yield site.edit(ast.Call(node.func, node.args, [k for k in node.keywords if k is not keyword]), 1.2)


def of_slices(site: Site, node: ast.Slice) -> Iterator[Edit]:
    """Yield the whole, one end more or less, as much from the other end, and the other direction."""
    one, minus = ast.Constant(1), ast.UnaryOp(ast.USub(), ast.Constant(1))
    ends: list[tuple[Any, Any]] = [(None, None), (one, None), (None, minus), (node.lower, None), (None, node.upper)]
    if node.lower is None and node.upper is not None:
        ends.append((ast.UnaryOp(ast.USub(), node.upper), None))
    elif node.upper is None and node.lower is not None:
        ends.append((None, ast.UnaryOp(ast.USub(), node.lower)))
    for lower, upper in ends:
        yield site.edit(ast.Slice(lower, upper, node.step), 1.1)
    yield site.edit(ast.Slice(node.lower, node.upper, None if node.step else minus), 1.3)


def of_conditions(site: Site) -> Iterator[Edit]:
    """Yield the other outcomes of a condition, and the other direction of a loop."""
    if site.place[1] == "test":
        yield site.edit("True", 0.8)
        yield site.edit("False", 0.8)
        yield site.edit(ast.UnaryOp(ast.Not(), site.node), 1.0)
    elif isinstance(site.place[0], ast.For):
        yield site.edit(f"reversed(list({site.text}))", 1.2)


def of_statements(site: Site) -> Iterator[Edit]:
    """Yield the statement left out, what forward keeps instead, and the other kinds of assignment."""
    node = site.node
    yield from cached_instead(site)
    plain = isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant)
    if not isinstance(node, (ast.Return, ast.For)):
        yield site.edit(ast.Pass(), 1.35 if plain else 0.9)
    set_before = plain and (isinstance(node.targets[0], ast.Subscript) or ast.unparse(node.targets[0]) in site.values)
    if set_before and len(node.targets) == 1:
        cost = 1.4 if isinstance(node.targets[0], ast.Attribute) else 0.9
        yield site.edit(ast.AugAssign(node.targets[0], ast.Add(), node.value), cost)
    elif isinstance(node, ast.AugAssign):
        yield site.edit(ast.Assign([node.target], node.value), 0.9)
        for op in other_operators(node.op):
            yield site.edit(ast.AugAssign(node.target, op, node.value), 0.95)
        if isinstance(node.target, ast.Subscript) and isinstance(node.op, ast.Add):
            array, value = ast.unparse(node.target.value), ast.unparse(node.value)
            index = ast.unparse(node.target)[len(array) + 1 : -1]
            yield site.edit(ast.parse(f"np.add.at({array}, np.s_[{index}], {value})").body[0], 0.9)
