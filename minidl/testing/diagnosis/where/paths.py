"""Paths: the value in forward through which backward does not differentiate, or by a wrong factor.

Forward runs with one of its expressions frozen, which then returns the values that it had before. What the derivative
loses is the path through the expression. If backward leaves it out, that is the error.
"""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, attempt
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import Sample, largest, number
from minidl.testing.diagnosis.what.quantities import numbers, with_count
from minidl.testing.diagnosis.where.edits import Edit, Site, expressions, text_of
from minidl.testing.diagnosis.where.source import functions_behind
from minidl.typing import Array

MOST, PAIRED = 80, 16  # expressions that are frozen, and that are combined in pairs
DIRECTIONS = 4  # random directions in which the derivatives are compared
PRECISION = 1e-4
NAME = "__frozen__"
OTHERS = ("np", "self")
# What the number of times that backward counts a path means.
TIMES = {0.0: "is missing", -1.0: "has the wrong sign", 2.0: "is counted twice"}


class Frozen:
    """A function that records a value and returns it, or returns the recorded one instead.

    With an argument, only ``value - argument`` is frozen: then the derivative by the argument is 1.
    """

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.calls = -1  # -1 while it records

    def __call__(self, value: Any, argument: Any = 0.0) -> Any:
        if self.calls < 0:
            self.values.append(np.array(value - argument))
            return value
        self.calls += 1
        return argument + self.values[(self.calls - 1) % len(self.values)]


def wrong_path(e: Evidence) -> Claims:
    """Claim that the derivative through one or two expressions of forward is missing, or has a wrong factor."""
    if e.is_tiny or not e.first.dy.size:
        return
    directions = {s: e.rng.standard_normal((DIRECTIONS, *s.analytic.shape)) for s in e.visible}
    error = {s: np.array([(s.residual * v).sum() for v in directions[s]]) for s in e.visible}
    whole = np.array([(e.first.numeric * v).sum() for v in directions[e.first]])

    def counted(s: Sample, edits: tuple[Edit, ...]) -> Array | None:
        return times(np.array([path_through(e, s, edit, directions[s]) for edit in edits]), error[s])

    found: dict[Edit, Array] = {}
    for edit in list(freezings(e))[:MOST]:
        path = attempt(path_through, e, e.first, edit, directions[e.first])
        if path is not None and is_new(path, [0 * path, whole, *found.values()]):
            found[edit] = path
    for rank, edits in enumerate([*((edit,) for edit in found), *combinations(list(found)[:PAIRED], 2)]):
        if times(np.array([found[edit] for edit in edits]), error[e.first]) is not None:
            known = [k for s in e.visible if (k := attempt(counted, s, edits)) is not None]
            told = [told_of(e, np.array(known)[:, n], edits) for n in range(len(edits) if known else 0)]
            if len(known) == len(e.visible) and all(told):
                text = " and ".join(
                    f"through {shown(edit.site)} {what}" for edit, what in zip(edits, told, strict=True)
                )
                yield Hypothesis(f"the derivative {text}", 1 + bits_of(rank) / 2)
                return


def is_new(path: Array, known: list[Array]) -> bool:
    """Return whether a path is none of those that are known."""
    return all(largest(path - other) > PRECISION * largest(path) for other in known)


def path_through(e: Evidence, s: Sample, edit: Edit, directions: Array) -> Array:
    """Return the part of the derivatives along the directions that goes through a frozen expression."""
    with frozen(edit) as values:
        e.context.forward(**s.changes)
        if not all(value.dtype.kind == "f" for value in values.values) or not values.values:
            raise ValueError("this expression is not reached, or has no derivative")
        values.calls = 0
        return np.array([(s.numeric * v).sum() - e.slope(v, **s.changes) for v in directions])


def times(paths: Array, error: Array) -> Array | None:
    """Return how many times backward counts each path, if that explains the error along all directions."""
    missing, *_ = np.linalg.lstsq(paths.T, error)
    return 1 - missing if largest(missing @ paths - error) <= PRECISION * largest(error) else None


def told_of(e: Evidence, counted: Array, edits: tuple[Edit, ...]) -> str:
    """Return what is wrong with a path that is counted this often in each sample; empty if there is no rule in it."""
    if is_straight(edits[0]):
        return "is taken for 1" if largest(counted) < 1e-3 and len(edits) == 1 else ""
    for factor, told in TIMES.items():
        if largest(counted - factor) < 1e-3:
            return told
    if len(edits) > 1:
        return ""
    names = [[name for name, v in numbers(s) if is_close(v, k)] for s, k in zip(e.visible, counted, strict=True)]
    name = next((name for name in names[0] if all(name in others for others in names)), "")
    if name or (len(counted) > 1 and all(is_close(counted[0], k) for k in counted)):
        return f"is multiplied by {with_count(e.first, name) or number(counted[0])}"
    return ""


def is_close(one: Any, other: Any) -> bool:
    """Return whether two numbers agree to the precision of the derivatives."""
    return bool(abs(one - other) < 1e-3 * abs(other))


def freezings(e: Evidence) -> Iterator[Edit]:
    """Yield edits that freeze an expression of forward, whole values first, or the difference to its argument."""
    found = []
    for function in functions_behind(e.context.layer, ("forward",)):
        steps = [s for s in ast.walk(function.tree) if isinstance(s, (ast.Assign, ast.AugAssign, ast.Return))]
        found += [site for s in steps for site in expressions(function, s, s) if is_value(site)]
    found.sort(key=lambda site: site.place[0] is not site.statement)
    for straight in (False, True):
        for site in found:
            arguments = site.node.args[:1] if straight and isinstance(site.node, ast.Call) else []
            if not straight or arguments:
                yield site.edit(ast.Call(ast.Name(NAME, ast.Load()), [site.node, *arguments], []), 0.0)


def is_straight(edit: Edit) -> bool:
    """Return whether only the difference to the argument is frozen, so that the derivative is 1."""
    return isinstance(edit.new, ast.Call) and len(edit.new.args) > 1


def is_value(site: Site) -> bool:
    """Return whether an expression may be an array."""
    kinds = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp)
    read = isinstance(getattr(site.node, "ctx", ast.Load()), ast.Load)
    return isinstance(site.node, kinds) and read and site.place[1] not in ("func", "slice") and site.text not in OTHERS


@contextmanager
def frozen(edit: Edit) -> Iterator[Frozen]:
    """Pass the value of an expression through a `Frozen`, for a while."""
    function, values = edit.site.function, Frozen()
    with edit.applied():
        code = function.compiled()
    function.function.__globals__[NAME] = values
    try:
        with function.replaced(code):
            yield values
    finally:
        del function.function.__globals__[NAME]


def shown(site: Site) -> str:
    """Return an expression and its place in forward."""
    function, statement = site.function, text_of(site.statement)
    place = f"({function.tree.name}, {function.place(site.statement)[0].rpartition(', ')[2]})"
    if site.place[0] is site.statement:
        return f"`{statement}` {place}"
    same = [other.node for other in expressions(function, site.statement, site.statement) if other.text == site.text]
    which = f" (number {1 + same.index(site.node)})" if len(same) > 1 else ""
    return f"`{site.text}`{which} in `{statement}` {place}"


def never_read(e: Evidence) -> Claims:
    """Claim that backward leaves out an inner layer, or a value that was computed for it."""
    nodes = [(f, node) for f in e.functions if f.values for node in ast.walk(f.tree) if hasattr(node, "ctx")]
    stored = [(f, ast.unparse(node), node) for f, node in nodes if isinstance(node.ctx, ast.Store)]
    read = {(f.tree.name == "forward", ast.unparse(node)) for f, node in nodes if isinstance(node.ctx, ast.Load)}
    for path in e.context.layer.sublayers():
        name = f"self.{path}"
        if (True, name) in read and (False, name) not in read:
            text = f"{name} takes part in forward, and its backward is not called: its derivative is left out"
            yield Hypothesis(text)
    for f, name, node in stored:
        place, array = f.place(node), np.ndim(f.values.get(name, 0.0)) > 0
        if array and isinstance(node, ast.Name) and f.tree.name != "forward" and (False, name) not in read:
            yield Hypothesis(f"{name} is computed and never used: a factor or a term with it is missing", 3.5, *place)
