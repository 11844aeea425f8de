"""Mechanical mutants: every shipped backward with one operator, constant, argument, term or statement changed.

A mutant is a subclass whose method was compiled from the changed syntax tree. Those that compute the same function
are listed in `EQUIVALENT`, each with its reason.
"""

import ast
import copy
import inspect
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

import minidl.layers
import minidl.losses
from minidl.layers import Dense, Layer, Tanh
from minidl.losses import Loss

METHODS = ("backward", "backward_parameters", "slope")
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
COMPARISONS = {
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}


class Mutant(NamedTuple):
    """A class with one change in one method."""

    kind: type
    key: str  # "ReLU.backward: x >= 0 -> x > 0"


def shipped() -> list[type]:
    """Return every public layer and loss that has its own backward."""
    modules = (minidl.layers, minidl.losses)
    kinds = [getattr(module, name) for module in modules for name in module.__all__]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, (Layer, Loss)) and own_methods(kind)]


def own_methods(kind: type) -> dict[str, Any]:
    """Return the methods to mutate, from the class itself or from a base that is not Layer or Loss."""
    found = {}
    for name in METHODS:
        for base in kind.__mro__:
            if base in (Layer, Loss):
                break
            if name in vars(base):
                found[name] = vars(base)[name]
                break
    return {name: method for name, method in found.items() if not getattr(method, "__isabstractmethod__", False)}


def mutants_of(kind: type) -> Iterator[Mutant]:
    """Yield all mutants of a layer or a loss."""
    for name, method in own_methods(kind).items():
        tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
        seen = set()
        for before, after, changed in changes(tree):
            key = f"{kind.__name__}.{name}: {before} -> {after}"
            number = 2
            while key in seen:
                key, number = f"{kind.__name__}.{name}: {before} -> {after} ({number})", number + 1
            seen.add(key)
            yield Mutant(compiled(kind, name, method, changed), key)


def compiled(kind: type, name: str, method: Any, tree: ast.Module) -> type:
    """Return a subclass with the method of the tree."""
    space = dict(vars(sys.modules[method.__module__]))
    mutant = type(kind.__name__, (kind,), {"__module__": "mutants", "__doc__": kind.__doc__})
    # A bare super() needs the cell that only a class statement makes.
    space["super"] = lambda: super(kind, space["instance"])
    exec(compile(ast.fix_missing_locations(tree), f"<mutant of {kind.__name__}.{name}>", "exec"), space)
    function = space[name]

    def method_with_super(self: Any, *arguments: Any) -> Any:
        space["instance"] = self
        return function(self, *arguments)

    setattr(mutant, name, method_with_super)
    return mutant


def changes(tree: ast.Module) -> Iterator[tuple[str, str, ast.Module]]:
    """Yield what stood there, what stands there now, and the whole changed tree, for each single change."""
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    inside = [node for statement in function.body for node in ast.walk(statement)]
    order = {id(node): number for number, node in enumerate(ast.walk(tree))}
    for node in inside:
        for after in replacements(node):
            changed = copy.deepcopy(tree)
            twin = list(ast.walk(changed))[order[id(node)]]
            Replace(twin, after).visit(changed)
            before, now = ast.unparse(node), ast.unparse(after) if after is not None else "removed"
            if before != now:
                yield before, now, changed


class Replace(ast.NodeTransformer):
    """Puts one node in the place of another; None removes a statement."""

    def __init__(self, old: ast.AST, new: ast.AST | None) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        if node is self.old:
            return ast.Pass() if self.new is None else self.new
        return self.generic_visit(node)


def replacements(node: ast.AST) -> Iterator[Any]:
    """Yield the nodes that may stand in the place of ``node``."""
    twin = copy.deepcopy(node)
    if isinstance(twin, ast.BinOp):
        yield from of_operation(twin)
    elif isinstance(twin, ast.UnaryOp):
        yield twin.operand
    elif isinstance(twin, ast.Compare) and len(twin.ops) == 1:
        for operator in COMPARISONS.get(type(twin.ops[0]), []):
            yield ast.Compare(twin.left, [operator()], twin.comparators)
    elif isinstance(twin, ast.Constant) and isinstance(twin.value, (int, float)):
        yield from of_constant(twin.value)
    elif isinstance(twin, ast.Attribute) and twin.attr == "T":
        yield twin.value
    elif isinstance(twin, ast.Call):
        yield from of_call(twin)
    elif isinstance(twin, (ast.If, ast.IfExp)):
        twin.test = ast.UnaryOp(ast.Not(), twin.test)
        yield twin
    elif (
        (isinstance(twin, ast.Expr) and isinstance(twin.value, ast.Call))
        or isinstance(twin, ast.AugAssign)
        or (isinstance(twin, ast.Assign) and any(isinstance(target, ast.Attribute) for target in twin.targets))
    ):
        yield None
    elif isinstance(twin, ast.Return) and isinstance(twin.value, ast.expr) and not isinstance(twin.value, ast.Constant):
        yield ast.Return(ast.UnaryOp(ast.USub(), twin.value))


def of_operation(node: ast.BinOp) -> Iterator[ast.expr]:
    other = ARITHMETIC.get(type(node.op))
    if other is not None:
        yield ast.BinOp(node.left, other(), node.right)
    yield node.left
    yield node.right
    if isinstance(node.op, (ast.MatMult, ast.Sub, ast.Div, ast.Pow)):
        yield ast.BinOp(node.right, node.op, node.left)


def of_constant(value: Any) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
        return
    for other in dict.fromkeys((value + 1, value - 1, 2 * value, -value)):
        if other != value:
            yield ast.Constant(other)


def of_call(node: ast.Call) -> Iterator[ast.expr]:
    if len(node.args) == 1 and not node.keywords:
        yield node.args[0]
    symmetric = isinstance(node.func, ast.Attribute) and node.func.attr in ("maximum", "minimum")
    if len(node.args) >= 2 and not symmetric:
        arguments = [*node.args[:-2], node.args[-1], node.args[-2]]
        yield ast.Call(node.func, arguments, node.keywords)
    if isinstance(node.func, ast.Attribute):
        swap = {"sum": "mean", "mean": "sum", "maximum": "minimum", "minimum": "maximum", "max": "min", "min": "max"}
        if node.func.attr in swap:
            yield ast.Call(ast.Attribute(node.func.value, swap[node.func.attr], ast.Load()), node.args, node.keywords)
    for n, keyword in enumerate(node.keywords):
        if keyword.arg not in ("out", "dtype"):
            yield ast.Call(node.func, node.args, [*node.keywords[:n], *node.keywords[n + 1 :]])


CORNER = "only the derivative at the corner changes, to another subgradient"
AXES = "the inputs have two axes, so that -1 and 1 are the same"
DEFAULT = "this is the default"
PRODUCT = "the factors are exchanged"
ROUNDING = "the mean of the differences from the mean is 0 but for rounding"
ANY_NEGATIVE = "NumPy takes any negative length of reshape for -1"
MEMORY = "only the order in memory of the result changes"
WARNING = "the values are the same, with a warning more"
EQUIVALENT: dict[str, str] = {
    "Huber.slope: min(self.delta, float(np.finfo(d.dtype).max)) -> min(float(np.finfo(d.dtype).max), self.delta)": (
        "the arguments are exchanged"
    ),
    "Huber.slope: float(np.finfo(d.dtype).max) -> np.finfo(d.dtype).max": "the same number",
    "MeanSquaredLogarithmicError.backward: self._p < 0 -> self._p <= 0": CORNER,
    "MeanSquaredLogarithmicError.backward: 0 -> -1 (3)": "np.maximum guards values that np.where does not take",
    "CategoricalFocalCrossentropy.backward: 1 -> -1": AXES,
    "CosineSimilarity.backward: np.zeros_like(along) -> along": (
        "only the derivative for a row of zeros changes, where the function jumps and has none"
    ),
    "Tanh.backward: np.errstate(over='ignore') -> np.errstate()": WARNING,
    "ELU.backward: self._x > 0 -> self._x >= 0": "both pieces have the slope 1 at 0 for the default alpha",
    "ELU.backward: 0 -> 1 (2)": "np.minimum guards values that np.where does not take",
    "Embedding.backward: return np.zeros(self._ids.shape, dy.dtype) -> return -np.zeros(self._ids.shape, dy.dtype)": (
        "0 and -0 are equal"
    ),
    **{f"Embedding.backward_parameters: 1 -> 2 ({number})": ANY_NEGATIVE for number in range(2, 6)},
    "SELU.backward: self._x > 0 -> self._x >= 0": CORNER,
    "SELU.backward: 0 -> 1 (2)": "np.minimum guards values that np.where does not take",
    "PReLU.backward_parameters: 1 -> 2": ANY_NEGATIVE,
    "BatchNormalization.backward: np.multiply(self._d[rows], slope, out=dx[rows]) -> "
    "np.multiply(slope, self._d[rows], out=dx[rows])": PRODUCT,
    "BatchNormalization.backward: sums * share - self._error * slope -> sums * share + self._error * slope": ROUNDING,
    "BatchNormalization.backward: sums * share - self._error * slope -> sums * share": ROUNDING,
    "LayerNormalization.backward: np.multiply(dy2[rows], gamma, out=dx[rows]) -> "
    "np.multiply(gamma, dy2[rows], out=dx[rows])": PRODUCT,
    "LayerNormalization.backward: np.multiply(n[rows], (products.dot(gamma) * share)[:, None], out=products) -> "
    "np.multiply((products.dot(gamma) * share)[:, None], n[rows], out=products)": PRODUCT,
    "LayerNormalization.backward: 1 -> 2": ANY_NEGATIVE,
    "LayerNormalization.backward: 1 -> 2 (5)": ANY_NEGATIVE,
    "LayerNormalization.backward: 1 -> -1 (2)": AXES,
    "LayerNormalization.backward: 1 -> -1 (4)": AXES,
    "Softmax.backward: -1 -> 1": AXES,
    "Softmax.backward: 1 -> -1": AXES,
    "CategoricalCrossentropy.backward: np.add.reduce(y, axis=0) -> np.add.reduce(y)": DEFAULT,
    "CategoricalCrossentropy.backward: 1 -> 2": ANY_NEGATIVE,
    "CategoricalCrossentropy.backward: 1 -> 2 (2)": ANY_NEGATIVE,
    "CategoricalCrossentropy.backward: self.share((e * (sums / (1 + others)) - y).T).astype(dtype, order='C') -> "
    "self.share((e * (sums / (1 + others)) - y).T).astype(dtype)": MEMORY,
    "Hinge.backward: self._margin > 0 -> self._margin >= 0": CORNER,
    "Quantile.slope: d > 0 -> d >= 0": CORNER,
    "Quantile.slope: d < 0 -> d <= 0": CORNER,
    "SparseCategoricalCrossentropy.backward: (e * (self._share / (ONE + excess))).T.astype(dtype, order='C') -> "
    "(e * (self._share / (ONE + excess))).T.astype(dtype)": MEMORY,
    "SparseCategoricalCrossentropy.backward: 1 -> 2": ANY_NEGATIVE,
}


def examples(kind: type) -> list[dict[str, Any]]:
    """Return the constructor arguments with which a shipped class is certified: all its branches are reached."""
    return EXAMPLES.get(kind.__name__, [{}])


EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "Columns": [{"columns": (2, 0)}],
    "Concatenate": [{"branches": (Dense(1), [Dense(3), Dense(2)], [], [Dense(2), Tanh(), Dense(1)])}],
    "AlphaDropout": [{"rate": 0.3}],
    "Dense": [{"units": 5}, {"units": 4, "activation": "tanh"}],
    "Residual": [{"layers": (Dense(3), Dense(2)), "projection": Dense(2)}, {"layers": (Dense(2), Dense(3), Dense(4))}],
    "Dropout": [{"rate": 0.4}],
    "Embedding": [{"input_dim": 7, "output_dim": 3}],
    "Normalization": [{"axis": None, "mean": 0.5, "variance": 4.0, "invert": invert} for invert in (False, True)],
    "GaussianNoise": [{"stddev": 0.3}],
    "PReLU": [{}, {"shared_axes": (1,)}],
    "Rescaling": [{"scale": 0.3}],
    "Reshape": [{"target_shape": (2, -1)}],
    "BinaryCrossentropy": [{"label_smoothing": 0.1}, {"from_logits": True}],
    "CategoricalCrossentropy": [{"label_smoothing": 0.1}, {"from_logits": True}],
    "SparseCategoricalCrossentropy": [{}, {"from_logits": True}],
}


def killed(mutant: Mutant, level: str = "standard") -> bool:
    """Return whether the kit objects to a mutant, with some arguments."""
    from minidl.testing import certify, certify_loss

    for arguments in examples(mutant.kind):
        call = certify_loss if issubclass(mutant.kind, Loss) else certify
        if call(mutant.kind.from_config(arguments), level=level, on_fail="return").outcome == "FAIL":
            return True
    return False
