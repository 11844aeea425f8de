"""Alterations: what an author may have meant to write instead of an expression or statement of a gradient.

The cost of each says how unlikely it is that this was meant. Removing something is tried first, then replacing it, then
adding to it.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.diagnosis.where.additions import more, same_parts, words
from minidl.testing.diagnosis.where.edits import Edit, Site

# Functions that authors confuse.
PAIRS = {"sum": "mean", "max": "min", "maximum": "minimum", "argmax": "argmin", "sin": "cos", "exp": "expm1"}
PAIRS |= {"zeros_like": "ones_like", "log": "log1p", "var": "std", "cumsum": "cumprod", "sqrt": "square"}
PAIRS |= {two: one for one, two in PAIRS.items()}
# Forms that may be missing around an expression or a number; {} is its name.
AROUND = [
    "-{}", "2 * {}", "(1 - {})", "{} ** 2", "np.abs({})", "np.minimum({}, 0)", "np.sign({})", "({} > 0)", "np.exp({})",
    "1 / {}", "{} ** 3",
]  # fmt: skip
OF_NUMBERS = ["({} - 1)", "({} + 1)", "(1 - {})", "-{}", "{} ** 2", "2 * {}", "{} / 2", "1 / {}", "np.sqrt({})"]
# Derivatives of common functions; {} is the argument.
DERIVATIVES = {"sin": "np.cos({})", "cos": "-np.sin({})", "tanh": "(1 - np.tanh({}) ** 2)", "log": "(1 / {})"}
DERIVATIVES |= {"sqrt": "(0.5 / np.sqrt({}))", "abs": "np.sign({})"}
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
OPERATORS: tuple[tuple[type[ast.AST], ...], ...] = (ARITHMETIC, (ast.Lt, ast.LtE, ast.Gt, ast.GtE), (ast.Eq, ast.NotEq))
COUNTS = ("len({})", "{}.shape[-1]", "{}[0].size", "{}.size")


def alterations(site: Site) -> Iterator[Edit]:
    """Yield the edits of a site, each with its cost."""
    node = site.node
    if isinstance(node, ast.stmt):
        yield from of_statements(site)
        return
    if isinstance(node, ast.Slice):
        yield from of_slices(site, node)
    if isinstance(node, (ast.Slice, ast.Starred)) or isinstance(getattr(node, "ctx", None), ast.Store):
        return
    yield from less(site)
    if site.text in site.values:
        yield from other_names(site)
    if isinstance(node, (ast.BinOp, ast.Compare)):
        yield from other_operators(site, node)
        known = sorted(site.function.linear)
        yield from (site.edit(name, 1.25) for name in known if set(known) & set(words(site)))
    elif isinstance(node, ast.Constant):
        yield from other_constants(site, node.value)
    elif isinstance(node, ast.Call):
        yield from other_calls(site, node)
    if counted := re.fullmatch(r"len\((.+)\)|(.+)\.size", site.text):
        yield from (site.edit(form.format(counted[1] or counted[2]), 0.95) for form in COUNTS)
    if isinstance(node, (ast.Call, ast.Subscript)) or isinstance(getattr(node, "op", None), ast.MatMult):
        yield from (site.edit(form.format(site.whole), 1.2 + 0.02 * k) for k, form in enumerate(AROUND))
    if isinstance(node, ast.Subscript):
        yield from same_parts(site, node)
    if isinstance(node, ast.Call):
        yield from kept_instead(site)
    if site.place[1] == "iter":
        yield site.edit(f"reversed({site.text})", 0.9)
    if site.place[1] == "test":
        yield from (site.edit(outcome, 0.8) for outcome in ("True", "False"))
    yield from more(site)


def kept_instead(site: Site) -> Iterator[Edit]:
    """Yield the arrays that forward keeps, in place of an expression."""
    for name, value in site.values.items():
        if name.startswith("self._") and np.ndim(value) and name not in site.function.linear and name not in site.text:
            yield site.edit(name, 1.3)


def less(site: Site) -> Iterator[Edit]:
    """Yield the parts of an expression: one side, one argument, the array without its index or method."""
    node = site.node
    by_one = isinstance(node, ast.BinOp) and ast.unparse(node.right) == "1"
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Attribute) and isinstance(node, ast.Call) and child is node.func:
            child = child.value  # only the object of a method
        if isinstance(child, (ast.expr)) and ast.unparse(child) not in ("np", "self"):
            first = 0.85 if by_one else 0.9 if site.text.endswith(".T") else 1.0
            inside = isinstance(node, (ast.Call, ast.Subscript)) or site.place[1] == "step"
            if isinstance(getattr(node, "op", None), ast.Sub) and child is node.right:
                child = ast.UnaryOp(ast.USub(), child)
            yield site.edit(child, 1.15 if inside else first)


def other_names(site: Site) -> Iterator[Edit]:
    """Yield other names of the same shape, and common functions of the name."""
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
    if np.iscomplexobj(value):
        yield site.edit(f"np.conj({site.text})", 0.9)
    if len(shape) > 1:
        yield site.edit(f"{site.text}.T" if len(shape) == 2 else f"np.swapaxes({site.text}, -1, -2)", 0.95)
    if np.asarray(value).dtype.kind in "iu":
        yield from (site.edit(f"np.argsort({site.text}, {axis})", 1.3) for axis in range(len(shape)))


def alternatives(op: ast.AST) -> list[Any]:
    """Return the operators that an author may confuse with ``op``."""
    return [kind() for group in OPERATORS if isinstance(op, group) for kind in group if not isinstance(op, kind)]


def other_operators(site: Site, node: ast.BinOp | ast.Compare) -> Iterator[Edit]:
    """Yield the expression with another operator, or with its two sides swapped."""
    if isinstance(node, ast.Compare):
        for op in alternatives(node.ops[0]):
            yield site.edit(ast.Compare(node.left, [op], node.comparators), 0.9)
        return
    for op in alternatives(node.op):
        same_kind = isinstance(op, ARITHMETIC[:2]) == isinstance(node.op, ARITHMETIC[:2])
        yield site.edit(ast.BinOp(node.left, op, node.right), 0.9 if same_kind else 1.15)
    if not isinstance(node.op, (ast.Add, ast.Mult)):
        yield site.edit(ast.BinOp(node.right, node.op, node.left), 1.0)


def other_constants(site: Site, value: Any) -> Iterator[Edit]:
    """Yield other numbers, and the layer's own arguments."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    for name, number in site.values.items():
        if isinstance(number, (int, float)) and number != value:
            yield site.edit(name, 1.2 if name.startswith("self.") else 1.4)
    others = [value - 1, value + 1, -value, 0, 1, 2, 3, 2 * value, 3 * value, value / 2, 0.5, 1 / value if value else 0]
    yield from (site.edit(repr(other), 1.2) for other in dict.fromkeys(others) if other != value)


def other_calls(site: Site, node: ast.Call) -> Iterator[Edit]:
    """Yield a call of a similar function, with swapped arguments, or multiplied by its own derivative."""
    function, name = node.func, ast.unparse(node.func).rpartition(".")[2]
    if isinstance(function, ast.Attribute) and name in PAIRS:
        other = ast.Attribute(function.value, PAIRS[name], ast.Load())
        yield site.edit(ast.Call(other, node.args, node.keywords), 1.0)
    axis = next((ast.unparse(k.value) for k in node.keywords if k.arg == "axis"), "")
    if name in ("cumsum", "cumprod") and len(node.args) == 1 and axis:
        inner = f"{ast.unparse(function)}(np.flip({ast.unparse(node.args[0])}, {axis}), axis={axis})"
        yield site.edit(f"np.flip({inner}, {axis})", 1.1)
    if name == "mean" and isinstance(function, ast.Attribute):
        total = ast.unparse(ast.Call(ast.Attribute(function.value, "sum", ast.Load()), node.args, node.keywords))
        yield from (site.edit(f"({total} / {count})", 1.25) for count, n in site.values.items() if is_count(n))
    if len(node.args) > 1:
        yield site.edit(ast.Call(function, [*node.args[:-2], node.args[-1], node.args[-2]], node.keywords), 1.0)
    if name in DERIVATIVES and len(node.args) == 1:
        yield site.edit(f"{site.text} * {DERIVATIVES[name].format(f'({ast.unparse(node.args[0])})')}", 1.15)
    shape = np.shape(site.values.get(ast.unparse(function.value), 0.0)) if isinstance(function, ast.Attribute) else ()
    for other_axis in map(str, range(len(shape)) if axis.isdigit() else ()):
        if other_axis != axis and shape[int(other_axis)] == shape[int(axis)]:  # each axis covers half of the pairs
            half = site.text.replace(f"axis={axis}", f"axis={other_axis}")
            yield from (site.edit(form, 1.1) for form in (half, f"({site.text} - {half})", f"({site.text} + {half})"))


def is_count(value: Any) -> bool:
    """Return whether a value is made of whole numbers from one on, as the divisors of means are."""
    v = np.asarray(value)
    return v.dtype.kind in "iuf" and v.size > 0 and bool((v >= 1).all() and (v == np.round(v)).all() and (v > 1).any())


def of_slices(site: Site, node: ast.Slice) -> Iterator[Edit]:
    """Yield slices with one end removed, moved by one, or counted from the other end."""
    one, minus = ast.Constant(1), ast.UnaryOp(ast.USub(), ast.Constant(1))
    ends: list[tuple[Any, Any]] = [(None, None), (one, None), (None, minus), (node.lower, None), (None, node.upper)]
    if node.lower is None and node.upper is not None:
        ends.append((ast.UnaryOp(ast.USub(), node.upper), None))
    elif node.upper is None and node.lower is not None:
        ends.append((None, ast.UnaryOp(ast.USub(), node.lower)))
    slices = {ast.unparse(new): new for new in (ast.Slice(lower, upper, node.step) for lower, upper in ends)}
    yield from (site.edit(new, 1.1) for text, new in slices.items() if text != site.text)


def of_statements(site: Site) -> Iterator[Edit]:
    """Yield the statement removed, a cached value assigned instead, or an addition instead of an assignment."""
    node = site.node
    target = ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""
    computed = bool(target) and not isinstance(node.value, ast.Constant)
    if not isinstance(node, (ast.Return, ast.For)):
        yield site.edit(ast.Pass(), 1.35 if computed else 0.9)
    if computed and (isinstance(node.targets[0], ast.Subscript) or target in site.values):
        cost = 1.4 if isinstance(node.targets[0], ast.Attribute) else 0.9
        yield site.edit(ast.AugAssign(node.targets[0], ast.Add(), node.value), cost)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
        array, value = ast.unparse(node.target.value), ast.unparse(node.value)
        index = ast.unparse(node.target)[len(array) + 1 : -1]
        yield site.edit(ast.parse(f"np.add.at({array}, np.s_[{index}], {value})").body[0], 0.9)
    shape = np.shape(site.values.get(target, 0.0))
    for cached, value in site.values.items() if shape and target not in site.function.linear else ():
        if cached.startswith("self._") and np.shape(value) == shape and cached not in (ast.unparse(node.value), target):
            cost = 0.85 if cached == f"self._{target}" else 0.95
            yield site.edit(ast.Assign(node.targets, ast.parse(cached, mode="eval").body), cost)
