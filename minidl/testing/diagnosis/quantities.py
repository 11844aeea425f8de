"""Quantities: the named arrays that a wrong factor or a missing term turns out to be equal to."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Named
from minidl.testing.diagnosis.sample import Sample
from minidl.typing import Array, Shape

Function = Callable[[Array], Array]


def sigmoid(v: Array) -> Array:
    """1 / (1 + exp(-v)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * v))


def softmax(v: Array) -> Array:
    """exp(v) / sum(exp(v)) over the last axis."""
    e = np.exp(v - v.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


# The usual functions and derivatives; {} is the argument. The simplest come first.
FUNCTIONS: dict[str, Function] = {
    "(1-{}**2)": lambda v: 1 - v**2,
    "{}*(1-{})": lambda v: v * (1 - v),
    "(1-{})": lambda v: 1 - v,
    "{}": lambda v: v,
    "({} > 0)": lambda v: (v > 0) * 1.0,
    "({} < 0)": lambda v: (v < 0) * 1.0,
    "min({}, 0)": lambda v: np.minimum(v, 0),
    "max({}, 0)": lambda v: np.maximum(v, 0),
    "(1-2*{})": lambda v: 1 - 2 * v,
    "(1+{})": lambda v: 1 + v,
    "(1+{}**2)": lambda v: 1 + v**2,
    "{}**2": lambda v: v**2,
    "{}**3": lambda v: v**3,
    "|{}|": np.abs,
    "sign({})": np.sign,
    "(1+|{}|)": lambda v: 1 + np.abs(v),
    "(1-|{}|)": lambda v: 1 - np.abs(v),
    "(1-|{}|)**2": lambda v: (1 - np.abs(v)) ** 2,
    "(1-{}**2)**2": lambda v: (1 - v**2) ** 2,
    "exp({})": lambda v: np.exp(np.minimum(v, 300)),
    "exp(-{})": lambda v: np.exp(np.minimum(-v, 300)),
    "(1-exp({}))": lambda v: -np.expm1(np.minimum(v, 300)),
    "(1-exp(-{}))": lambda v: -np.expm1(np.minimum(-v, 300)),
    "sigmoid({})": sigmoid,
    "sigmoid'({})": lambda v: sigmoid(v) * (1 - sigmoid(v)),
    "{}*sigmoid'({})": lambda v: v * sigmoid(v) * (1 - sigmoid(v)),
    "tanh({})": np.tanh,
    "tanh'({})": lambda v: 1 - np.tanh(v) ** 2,
    "{}*tanh'({})": lambda v: v * (1 - np.tanh(v) ** 2),
    "sqrt(|{}|)": lambda v: np.sqrt(np.abs(v)),
    "log(1+exp({}))": lambda v: np.logaddexp(0, v),
    "cos({})": np.cos,
    "sin({})": np.sin,
    "exp(-{}**2/2)": lambda v: np.exp(-(v**2) / 2),
    "{}*exp(-{}**2/2)": lambda v: v * np.exp(-(v**2) / 2),
}
FEWER = ["{}", "(1-{})", "(1-{}**2)", "{}*(1-{})", "{}**2", "sign({})", "|{}|", "exp({})"]
FEWER += ["({} > 0)", "({} < 0)", "(1-2*{})"]
SCALED = ("sin({})", "cos({})", "tanh'({})", "sigmoid({})", "sigmoid'({})", "exp({})")


def functions_of(name: str, v: Array, which: Iterable[str] | None = None) -> Iterator[Named]:
    """Yield the usual functions of an array, by name."""
    for form in which or FUNCTIONS:
        told = form.replace("({})", "{}") if name[0] == "(" else form
        yield told.format(name, name), np.asarray(FUNCTIONS[form](v), float)


def factors(s: Sample) -> Iterator[Named]:
    """Yield one value a row, a feature or an entry: parameters, what the layer keeps, statistics of x and y."""
    for name, p in (*s.parameters.items(), *s.attributes.items()):
        for told, v in fitting(name, p, s.analytic.shape):
            yield told, v
            yield from functions_of(told, v, ("{}**2", "sign({})", "|{}|", "sqrt(|{}|)", "(1-{})", "exp({})"))
    yield from occurrences(s)
    yield from ratios_of_epsilon(s)
    for name, v in (("x", s.x), ("y", s.y)):
        if v.shape == s.analytic.shape and v.dtype.kind == "f" and v.ndim > 1:
            yield from statistics(s, name, v)


def occurrences(s: Sample) -> Iterator[Named]:
    """Yield how often each id occurs in an x of ids, one value a row of an embedding."""
    if s.x.dtype.kind in "iu" and s.analytic.ndim == 2:
        rows = len(s.analytic)
        if s.x.size and 0 <= s.x.min() <= s.x.max() < rows:
            yield "how often the id occurs", np.maximum(np.bincount(s.x.ravel(), minlength=rows), 1.0)[:, None]


def fitting(name: str, v: Array, shape: Shape) -> Iterator[Named]:
    """Yield the array, and with an axis put in, where it broadcasts to ``shape``."""
    if not v.ndim or v.size < 2:
        return
    if fits_beside(v.shape, shape):
        yield name, v
    for axis in range(1, v.ndim + 1 if v.ndim < len(shape) else 1):
        put_in = np.expand_dims(v, axis)
        if fits_beside(put_in.shape, shape):
            yield f"{name}[{', '.join([':'] * axis)}, None]", put_in
            return


def fits_beside(one: Shape, shape: Shape) -> bool:
    """Return whether arrays of these shapes can be multiplied to one of ``shape``."""
    try:
        return np.broadcast_shapes(one, shape) == shape
    except ValueError:
        return False


def statistics(s: Sample, name: str, v: Array) -> Iterator[Named]:
    """Yield means, deviations, norms and sums for each feature and each row."""
    for axis, which in ((0, "feature"), (-1, "row")):
        for epsilon in epsilons(s):
            shown = f" + {epsilon:g}" if epsilon else ""
            variance = v.var(axis=axis, keepdims=True) + epsilon
            square = (v * v).mean(axis=axis, keepdims=True) + epsilon
            yield f"standard deviation of {name} per {which}{shown}", np.sqrt(variance)
            yield f"variance of {name} per {which}{shown}", variance
            yield f"root mean square of {name} per {which}{shown}", np.sqrt(square)
            yield f"mean square of {name} per {which}{shown}", square
            for state, value in s.attributes.items():
                if axis == 0 and value.ndim and value.shape == v.shape[-value.ndim :] and (value >= 0).all():
                    yield f"standard deviation of x / running {state}", np.sqrt(variance / (value + epsilon))
        norm = np.sqrt((v * v).sum(axis=axis, keepdims=True))
        yield f"norm of {name} per {which}", norm
        yield f"norm of {name} per {which}, squared", norm**2
        yield f"norm of {name} per {which} / norm of all", norm / (np.linalg.norm(v) or 1)
        for told, reduce in (("sum", np.sum), ("mean", np.mean), ("maximum", np.max), ("minimum", np.min)):
            yield f"{told} of {name} per {which}", reduce(v, axis=axis, keepdims=True)
        shifted = np.exp(np.minimum(v - v.max(axis=axis, keepdims=True), 50)).sum(axis=axis, keepdims=True)
        yield f"sum of exp({name} - max) per {which}", shifted
        yield f"sum of exp({name}) per {which}", shifted * np.exp(np.minimum(v.max(axis=axis, keepdims=True), 300))


def ratios_of_epsilon(s: Sample) -> Iterator[Named]:
    """Yield what an epsilon that one of two formulas lacks makes of a standard deviation or a variance."""
    if s.x.shape != s.analytic.shape or s.x.dtype.kind != "f":
        return
    known = [("var", s.x.var(axis=axis, keepdims=True)) for axis in (0, -1)]
    known += [
        ("mean square", (s.x * s.x).mean(axis=-1, keepdims=True)),
        ("sum of squares", (s.x**2).sum(-1, keepdims=True)),
    ]
    known += [(n, v) for n, v in s.attributes.items() if v.ndim and fits_beside(v.shape, s.x.shape) and (v > 0).all()]
    for epsilon in epsilons(s)[1:]:
        for told, v in known:
            yield f"sqrt(1 + eps/{told}), eps = {epsilon:g}", np.sqrt(1 + epsilon / v)
            yield f"1 + eps/{told}, eps = {epsilon:g}", 1 + epsilon / v
            yield f"(1 + eps/{told})**1.5, eps = {epsilon:g}", (1 + epsilon / v) ** 1.5


def epsilons(s: Sample) -> list[float]:
    """Return zero, then the numbers that may be an epsilon."""
    return [0.0, *(a for a in s.arguments.values() if 0 < a < 0.2), 1e-5, 1e-7]


def arrays_of_shape(s: Sample, shape: Shape) -> Iterator[Named]:
    """Yield the arrays of real numbers that broadcast to ``shape``."""
    for name, v in (("y", s.y), ("x", s.x)):
        if v.shape == shape and v.dtype.kind == "f":
            yield name, v
    yield from targets(s, shape)
    for name, p in (*s.parameters.items(), *s.attributes.items()):
        yield from fitting(name, p, shape)


def targets(s: Sample, shape: Shape) -> Iterator[Named]:
    """Yield what a loss compares: differences from the targets, labels as vectors."""
    t = s.attributes.get("y_true")
    if t is not None and t.shape == shape[:1] and len(shape) == 2 and (t == np.round(t)).all() and t.max() < shape[1]:
        t = np.eye(shape[1])[t.astype(int)]
        yield "one_hot(y_true)", t
    if t is not None and t.shape == s.x.shape == shape:
        for told, v in (("y_pred", s.x), ("softmax(y_pred)", softmax(s.x)), ("sigmoid(y_pred)", sigmoid(s.x))):
            yield f"({told} - y_true)", v - t
        yield "y_true/y_pred", t / s.x
        yield "(1-y_true)/(1-y_pred)", (1 - t) / (1 - s.x)
        yield "y_true*y_pred", t * s.x
    for name, a in s.arguments.items():
        if s.x.shape == shape and s.x.dtype.kind == "f" and s.dy.size == 1:
            yield f"(x+{name})", s.x + a


def elementwise(s: Sample, shape: Shape | None = None) -> Iterator[Named]:
    """Yield one value an entry of the gradient, or of an array of ``shape``: usual functions of all that is known."""
    shape = s.analytic.shape if shape is None else shape
    x = s.x if s.x.shape == shape and s.x.dtype.kind == "f" else None
    if x is not None:
        yield from functions_of("x", x, ("({} > 0)", "({} < 0)"))
    for name, v in arrays_of_shape(s, shape):
        yield from functions_of(name, v, None if name in ("x", "y") or s.dy.size == 1 else FEWER)
    if x is None:
        return
    if x.ndim > 1 and x.shape[-1] > 1:
        yield from functions_of("softmax(x)", softmax(x), FEWER)
    for name, p in s.parameters.items():
        if p.size > 1 and fits_beside(p.shape, shape):
            yield from functions_of(f"({name}*x)", p * x, SCALED)
    for name, a in s.arguments.items():
        yield f"(1 where x > 0, else {name})", np.where(x > 0, 1, a)
        yield f"({name} where x > 0, else 1)", np.where(x > 0, a, 1)
        yield f"(1 where |x| < {name})", (np.abs(x) < a) * 1.0
        yield f"(1 where x > {name})", (x > a) * 1.0
        if abs(a) <= 20 and a not in (0, 1):
            for told, scaled in ((f"({name}*x)", a * x), (f"(x/{name})", x / a)):
                yield from functions_of(told, scaled, SCALED)
