"""Additions: the factors and terms that an expression may lack, and the counts of an array."""

import ast
from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.edits import Edit, Site

# Factors made of an array, and of a number; {} is its name. Costs grow from left to right.
FACTORS = ["{}", "(1 - {} ** 2)", "{} * (1 - {})", "(1 - {})", "({} > 0)", "{} ** 2"]
FACTORS += ["np.sign({})", "np.exp({})", "np.log({})"]
NUMBERS = ("{}", "(1 - {})", "{} ** 2", "np.sqrt({})")


def is_whole(site: Site) -> bool:
    """Return whether an expression is all that is assigned or returned, or one side of a sum."""
    parent, field, _ = site.place
    if isinstance(parent, (ast.Assign, ast.AugAssign, ast.Return)):
        return field == "value" and not isinstance(site.node, ast.Tuple)
    if isinstance(parent, ast.Tuple):
        return isinstance(site.statement, ast.Assign) and parent is site.statement.value
    return isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Add, ast.Sub))


def counts(name: str) -> tuple[str, ...]:
    """Return what may be counted of an array."""
    return f"len({name})", f"{name}.shape[-1]", f"{name}[0].size", f"{name}.size"


def of_counts(site: Site, array: ast.expr) -> Iterator[Edit]:
    """Yield the other counts of an array."""
    for count in counts(ast.unparse(array)):
        if count != site.text:
            yield site.edit(count, 0.95)


def missing_factors(site: Site) -> Iterator[Edit]:
    """Yield products and quotients with whatever is known."""
    if isinstance(site.node, ast.Constant) or site.place[1] in ("test", "iter", "func"):
        return
    known = site.values.get(site.text)
    if not (is_whole(site) if known is None else np.ndim(known)):
        return
    text = f"({site.text})" if isinstance(site.node, ast.BinOp) else site.text
    if known is None:
        yield site.edit(f"-{text}", 1.1)
        for k, count in enumerate(counts(next((n for n in site.values if np.ndim(site.values[n])), "dy"))):
            yield site.edit(f"{text} / {count}", 1.3 + 0.05 * k)
            yield site.edit(f"{text} * {count}", 1.3 + 0.05 * k)
    result = shape_of_result(site)
    for name, value in site.values.items():
        shape = np.shape(value)
        if name == site.text or name in site.function.linear or (result is not None and not fits(shape, result)):
            continue
        for k, form in enumerate(FACTORS if shape else NUMBERS):
            factor, cost = form.format(name, name), 1.4 + 0.08 * k if shape else 1.2 + 0.02 * k
            yield site.edit(f"{text} * {factor}", cost)
            yield site.edit(f"{text} / ({factor})", cost + 0.05)
    for number in ("2", "0.5"):
        yield site.edit(f"{text} * {number}", 2.2)


def missing_terms(site: Site) -> Iterator[Edit]:
    """Yield sums with whatever is known, and the projections that go with a mean or a norm."""
    if not is_whole(site) or isinstance(site.node, ast.Constant):
        return
    text, result, linear = site.text, shape_of_result(site), site.function.linear
    for name, value in site.values.items():
        if not np.ndim(value) or name == text or (result is not None and not fits(np.shape(value), result)):
            continue
        if name in linear or not linear:
            yield site.edit(f"{text} + {name}", 1.6)
            yield site.edit(f"{text} - {name}", 1.6)
        if name not in linear:
            for reduce in ("mean", "sum"):
                yield site.edit(f"({text}) - {name} * ({name} * ({text})).{reduce}(axis=-1, keepdims=True)", 1.9)
    for reduce in ("mean", "sum"):
        for axis in (-1, 0):
            yield site.edit(f"({text}) - ({text}).{reduce}(axis={axis}, keepdims=True)", 1.7)


def shape_of_result(site: Site) -> tuple[int, ...] | None:
    """Return the shape of an expression, as far as it has a name, or is all that is assigned to one."""
    if site.text in site.values:
        return np.shape(site.values[site.text])
    parent = site.place[0]
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        name = ast.unparse(parent.targets[0])
        found = site.values.get(name, site.values.get(name.replace("self.d", "self.")))
        return None if found is None else np.shape(found)
    return None


def fits(one: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Return whether a factor of shape ``one`` leaves ``shape`` as it is."""
    try:
        return np.broadcast_shapes(one, shape) == shape
    except ValueError:
        return False
