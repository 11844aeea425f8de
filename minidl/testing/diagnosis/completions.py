"""Completions: a derivative, a path or half of a sum that was left out, and what forward keeps of it already."""

import ast
from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.additions import is_whole, shape_of_result
from minidl.testing.diagnosis.edits import Edit, Site

# Derivatives of usual functions; {} is the argument.
DERIVATIVES = {
    "sin": "np.cos({})",
    "cos": "-np.sin({})",
    "tanh": "(1 - np.tanh({}) ** 2)",
    "exp": "np.exp({})",
    "log": "(1 / {})",
    "log1p": "(1 / (1 + {}))",
    "sqrt": "(0.5 / np.sqrt({}))",
    "abs": "np.sign({})",
    "arctan": "(1 / (1 + {} ** 2))",
    "sigmoid": "sigmoid(-{})",
}


def missing_derivatives(site: Site, node: ast.Call) -> Iterator[Edit]:
    """Yield the product of a function with its derivative: the inner factor of a power, or of a product."""
    name = ast.unparse(node.func)
    form = DERIVATIVES.get(name.rpartition(".")[2])
    if form and len(node.args) == 1 and not node.keywords and name.rpartition(".")[0] in ("np", "numpy", ""):
        factor = form.replace("{}", f"({ast.unparse(node.args[0])})").replace("sigmoid(", f"{name}(")
        yield site.edit(f"{site.text} * {factor}", 1.15)


def missing_paths(site: Site) -> Iterator[Edit]:
    """Yield sums with what is carried back through a matrix: a path from the input that does not count."""
    if not is_whole(site) or not (isinstance(site.place[0], ast.Return) or shape_of_result(site)):
        return
    values, linear = site.values, site.function.linear
    for name in linear:
        rows, last = np.shape(values[name])[:-1], np.shape(values[name])[-1:]
        for matrix, p in values.items() if rows else ():
            if not matrix.startswith("self.") or matrix.startswith("self._") or np.ndim(p) != 2:
                continue
            for text, shape in ((f"{matrix}.T", np.shape(p)[::-1]), (matrix, np.shape(p))):
                result = shape_of_result(site)
                if shape[:1] == last and f"{name} @ {text}" not in site.text and result in (None, (*rows, shape[1])):
                    yield site.edit(f"{site.text} + {name} @ {text}", 1.5)


def other_axes(site: Site, node: ast.Call) -> Iterator[Edit]:
    """Yield a reduction along an axis less, plus, or instead of, that along another: one half of the pairs."""
    axis = next((k.value for k in node.keywords if k.arg == "axis"), None)
    array = site.values.get(ast.unparse(node.func.value)) if isinstance(node.func, ast.Attribute) else None
    if array is None or not isinstance(axis, ast.Constant) or not isinstance(axis.value, int):
        return
    own, shape = axis.value % max(np.ndim(array), 1), np.shape(array)
    for other in range(len(shape)):
        if other != own and shape[other] == shape[own]:
            keywords = [ast.keyword(k.arg, ast.Constant(other) if k.arg == "axis" else k.value) for k in node.keywords]
            half = ast.unparse(ast.Call(node.func, node.args, keywords))
            yield site.edit(half, 1.0)
            yield site.edit(f"({site.text} - {half})", 1.1)
            yield site.edit(f"({site.text} + {half})", 1.1)


def cached_instead(site: Site) -> Iterator[Edit]:
    """Yield what forward keeps in the place of a value that backward works out again, in another way."""
    node = site.node
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return
    name = node.targets[0].id
    shape = np.shape(site.values.get(name, 0.0))
    if not shape or name in site.function.linear:
        return
    for cached, value in site.values.items():
        if cached.startswith("self._") and np.shape(value) == shape and cached != ast.unparse(node.value):
            cost = 0.85 if cached == f"self._{name}" else 0.95
            yield site.edit(ast.Assign(node.targets, ast.parse(cached, mode="eval").body), cost)
