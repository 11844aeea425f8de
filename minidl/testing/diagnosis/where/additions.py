"""Additions: factors and terms that an author may have left out, made of the values that a function knows."""

import ast
import re
from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.what.quantities import fits_beside
from minidl.testing.diagnosis.where.edits import Edit, Site

# Factors made of an array or a number; {} is its name.
FACTORS = ["{}", "(1 - {} ** 2)", "{} * (1 - {})", "(1 - {})", "({} > 0)", "{} ** 2", "np.exp({})"]
NUMBERS = ["{}", "(1 - {})", "{} ** 2", "np.sqrt({})"]
# The gradient of softmax, where {0} comes from above and {1} is what softmax returned.
SOFTMAX = "{1} * ({0} - ({1} * {0}).sum(axis=-1, keepdims=True))"
# What norms, softmax, and normalisation subtract from an upstream gradient {0}; {1} is what they returned.
PROJECTIONS = [f"{{0}} - {{1}} * ({{1}} * {{0}}).{reduce}(axis=-1, keepdims=True)" for reduce in ("mean", "sum")]
PROJECTIONS += ["{0} - {1} * {0}.sum(axis=-1, keepdims=True)", PROJECTIONS[0] + " - {0}.mean(axis=-1, keepdims=True)"]
COSTS = {"+": 1.25, "-": 1.5, "*": 1.5}  # of the same part of another array


def more(site: Site) -> Iterator[Edit]:
    """Yield the expression with a factor or term added, made of the known values."""
    known, whole, linear = site.values.get(site.text), is_whole(site), site.function.linear
    wanted = whole if known is None else np.ndim(known) > 0
    if not wanted or isinstance(site.node, ast.Constant) or site.place[1] in ("test", "iter", "func"):
        return
    text, result = site.whole, shape_of_result(site)
    of_dy = not linear or not linear.isdisjoint(words(site))
    if known is None:
        yield site.edit(f"-{text}", 1.1)
        yield from other_forms(site) if site.place[0] is site.statement else ()
    for name, value in site.values.items():
        shape = np.shape(value)
        if name == site.text or (result is not None and not fits_beside(shape, result)):
            continue
        yield from factors(site, name, shape, 0.0 if of_dy else 0.4) if name not in linear else ()
        if not shape and whole and name.startswith("self."):
            yield site.edit(f"np.clip({text}, -{name}, {name})", 1.35)
        if whole and shape and of_dy:
            forms = ("{0} + {1}", "{0} - {1}") if name in linear or not linear else PROJECTIONS
            yield from (site.edit(form.format(text, name), 1.6 if forms is not PROJECTIONS else 1.5) for form in forms)
    if whole and of_dy:
        yield from (site.edit(f"{text} - {text}.mean(axis={axis}, keepdims=True)", 1.4) for axis in (-1, 0))
        products = (path for path in matrix_products(site, result) if path not in site.text)
        yield from (site.edit(f"{site.text} + {path}", 1.3) for path in products)


def factors(site: Site, name: str, shape: tuple[int, ...], later: float) -> Iterator[Edit]:
    """Yield the expression multiplied and divided by forms of an array or a number."""
    for k, form in enumerate(FACTORS if shape else NUMBERS):
        factor, cost = form.format(name, name), later + (1.34 + 0.08 * k if shape else 1.2 + 0.02 * k)
        yield site.edit(f"{site.whole} * {factor}", cost)
        yield site.edit(f"{site.whole} / ({factor})", cost + 0.05)


def other_forms(site: Site) -> Iterator[Edit]:
    """Yield common derivatives made of the arrays in an expression, in its place."""
    linear = site.function.linear
    arrays = [name for name in dict.fromkeys(words(site)) if np.shape(site.values.get(name, 0))]
    for name in arrays:
        if name not in linear:
            yield from (site.edit(form.format(name, name), 1.2) for form in FACTORS)
            shape = np.shape(site.values[name])
            for d in [d for d in arrays if d in linear and np.shape(site.values[d]) == shape]:
                yield site.edit(SOFTMAX.format(d, name), 1.15)
                yield from (site.edit(f"{d} * {form.format(name, name)}", 1.25) for form in FACTORS)


def matrix_products(site: Site, result: tuple[int, ...] | None) -> Iterator[str]:
    """Yield upstream gradients times a matrix: paths from the input that may be missing."""
    for name in site.function.linear:
        rows, last = np.shape(site.values[name])[:-1], np.shape(site.values[name])[-1:]
        for matrix, p in site.values.items() if rows else ():
            if matrix.startswith("self.") and matrix[5] != "_" and np.ndim(p) == 2:
                for text, shape in ((f"{matrix}.T", np.shape(p)[::-1]), (matrix, np.shape(p))):
                    if shape[:1] == last and result in (None, (*rows, shape[1])):
                        yield f"{name} @ {text}"


def same_parts(site: Site, node: ast.Subscript) -> Iterator[Edit]:
    """Yield a part of an array with the same part of another array added, subtracted or multiplied."""
    array = ast.unparse(node.value)
    shape, index = np.shape(site.values.get(array, 0)), site.text[len(array) :]
    for name, value in site.values.items() if shape else ():
        if np.shape(value) == shape and name != array:
            yield from (site.edit(f"({site.text} {op} {name}{index})", cost) for op, cost in COSTS.items())


def words(site: Site) -> list[str]:
    """Return the names and attributes in an expression."""
    return re.findall(r"[\w.]+", site.text)


def is_whole(site: Site) -> bool:
    """Return whether an expression is the whole value assigned or returned, or one side of a sum."""
    parent, field, _ = site.place
    if isinstance(parent, (ast.Assign, ast.AugAssign, ast.Return)):
        return field == "value" and not isinstance(site.node, ast.Tuple)
    if isinstance(parent, ast.Tuple):
        return isinstance(site.statement, ast.Assign) and parent is site.statement.value
    return isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Add, ast.Sub))


def shape_of_result(site: Site) -> tuple[int, ...] | None:
    """Return the shape of an expression that has a name or is assigned to one; None if it is unknown."""
    parent = site.place[0]
    names = [site.text]
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        name = ast.unparse(parent.targets[0])
        names += [name, name.replace("self.d", "self.")]
    return next((np.shape(site.values[name]) for name in names if name in site.values), None)
