"""Quantities: the named numbers and arrays to which a wrong factor or a missing term may be equal."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Named
from minidl.testing.diagnosis.sample import Sample
from minidl.typing import Array, Shape

Function = Callable[[Array], Array]


def counts(s: Sample) -> Iterator[tuple[str, int]]:
    """Yield the counts by which a sum may be wrongly divided: batch size, axis lengths, number of outputs."""
    yield "batch size", len(s.x) if s.x.ndim else 1
    for where, shape in (("x", s.x.shape), ("y", s.y.shape), *((n, (0, *p.shape)) for n, p in s.parameters.items())):
        for axis, length in enumerate(shape[1:], start=0 if where in s.parameters else 1):
            yield f"length of axis {axis} of {where}", length
    yield "number of outputs", s.dy.size


def numbers(s: Sample) -> Iterator[Named]:
    """Yield plain numbers, counts, constructor arguments, and simple functions of them."""
    for told, plain in (("-1", -1.0), ("2", 2.0), ("1/2", 0.5)):
        yield told, np.asarray(plain)
    (rows, m), *lengths = [(told, n) for told, n in counts(s) if n > 1] or [("", 1)]
    yield from powers(rows, m)
    for name, a in s.arguments.items():
        if a not in (0, 1, -1):
            yield from powers(name, abs(a), f" ({name}={a:g})")
        if 0 < a < 1:
            yield f"1 - {name} ({name}={a:g})", np.asarray(1 - a)
            yield f"1/(1 - {name}) ({name}={a:g})", np.asarray(1 / (1 - a))
    for told, n in lengths:
        yield from powers(told, n)


def powers(told: str, n: float, more: str = "") -> Iterator[Named]:
    """Yield n, 1/n and their square roots, by name."""
    forms = {f"1/{told}": 1 / n, told: float(n), f"sqrt({told})": n**0.5, f"1/sqrt({told})": n**-0.5}
    yield from ((form + more, np.asarray(value)) for form, value in forms.items())


def with_count(s: Sample, name: str) -> str:
    """Return a name with the value of its count: "1/batch size (3)" for "1/batch size"."""
    told, n = max(((told, n) for told, n in counts(s) if told in name), key=lambda item: len(item[0]), default=("", 0))
    return f"{name} ({n})" if told else name


def sigmoid(v: Array) -> Array:
    """Return 1 / (1 + exp(-v)), computed without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * v))


def softmax(v: Array) -> Array:
    """Return exp(v) / sum(exp(v)) over the last axis."""
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
    "{}**2": lambda v: v**2,
    "|{}|": np.abs,
    "sign({})": np.sign,
    "(1-|{}|)": lambda v: 1 - np.abs(v),
    "(1-|{}|)**2": lambda v: (1 - np.abs(v)) ** 2,
    "exp({})": lambda v: np.exp(np.minimum(v, 300)),
    "sigmoid({})": sigmoid,
    "sigmoid'({})": lambda v: sigmoid(v) * (1 - sigmoid(v)),
    "{}*sigmoid'({})": lambda v: v * sigmoid(v) * (1 - sigmoid(v)),
    "tanh'({})": lambda v: 1 - np.tanh(v) ** 2,
}
FEWER = ["{}", "(1-{})", "(1-{}**2)", "{}*(1-{})", "{}**2", "sign({})", "|{}|", "exp({})", "(1-2*{})"]
FORMS = ("{}", "(1-{})", "{}*(1-{})", "(1-{}**2)", "({} > 0)")


def functions_of(name: str, v: Array, which: Iterable[str] | None = None) -> Iterator[Named]:
    """Yield the usual functions of an array, by name."""
    for form in which or FUNCTIONS:
        told = form.replace("({})", "{}") if name[0] == "(" else form
        yield told.format(name, name), np.asarray(FUNCTIONS[form](v), float)


def fitting(name: str, v: Array, shape: Shape) -> Iterator[Named]:
    """Yield the array as it is and with an axis inserted, where it broadcasts to ``shape``."""
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
    """Return whether the product of an array of shape ``one`` and one of ``shape`` has ``shape``."""
    try:
        return np.broadcast_shapes(one, shape) == shape
    except ValueError:
        return False


def arrays_of_shape(s: Sample, shape: Shape) -> Iterator[Named]:
    """Yield the real arrays that broadcast to ``shape``."""
    for name, v in (("y", s.y), ("x", s.x)):
        if v.shape == shape and v.dtype.kind == "f":
            yield name, v
    yield from targets(s, shape)
    for name, p in (*s.parameters.items(), *s.attributes.items()):
        yield from fitting(name, p, shape)


def targets(s: Sample, shape: Shape) -> Iterator[Named]:
    """Yield the differences between the predictions and the targets of a loss."""
    t = s.attributes.get("y_true")
    if t is not None and t.shape == shape[:1] and len(shape) == 2 and (t == np.round(t)).all() and t.max() < shape[1]:
        t = np.eye(shape[1])[t.astype(int)]  # one-hot encoded labels
    if t is not None and t.shape == s.x.shape == shape:
        for told, v in (("y_pred", s.x), ("softmax(y_pred)", softmax(s.x)), ("sigmoid(y_pred)", sigmoid(s.x))):
            yield f"({told} - y_true)", v - t


def elementwise(s: Sample, shape: Shape | None = None) -> Iterator[Named]:
    """Yield arrays with one value per entry of the gradient, or of ``shape``: the usual functions of known arrays."""
    shape = s.analytic.shape if shape is None else shape
    x = s.x if s.x.shape == shape and s.x.dtype.kind == "f" else None
    if x is not None:
        yield from functions_of("x", x, ("({} > 0)", "({} < 0)"))
    for name, v in arrays_of_shape(s, shape):
        yield from functions_of(name, v, None if name in ("x", "y") or s.dy.size == 1 else FEWER)
    if x is None:
        return
    if x.ndim > 1 and x.shape[-1] > 1:
        yield from functions_of("softmax(x)", softmax(x), FORMS)
    for name, a in s.arguments.items():
        yield f"(1 where x > 0, else {name})", np.where(x > 0, 1, a)
        yield f"(1 where |x| < {name})", (np.abs(x) < a) * 1.0
