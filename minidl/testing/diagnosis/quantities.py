"""Quantities: the named numbers and arrays that a wrong factor turns out to be equal to."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Sample
from minidl.typing import Array, Shape

Named = tuple[str, Any]


def constants(evidence: Evidence, s: Sample) -> Iterator[Named]:
    """Yield numbers: plain ones, the batch size, lengths of axes, constructor arguments and simple functions of them."""
    yield from (("-1", -1.0), ("2", 2.0), ("1/2", 0.5))
    rows = len(s.x) if s.x.ndim else 1
    if rows > 1:
        yield f"1/batch size ({rows})", 1 / rows
        yield f"batch size ({rows})", float(rows)
    for name, a in evidence.arguments.items():
        yield from functions_of_an_argument(name, a)
    for where, shape in (("x", s.x.shape), ("y", s.y.shape)):
        for axis, length in enumerate(shape):
            if axis and length > 1:
                yield f"1/length of axis {axis} of {where} ({length})", 1 / length
                yield f"length of axis {axis} of {where} ({length})", float(length)
                yield f"sqrt(length of axis {axis} of {where} ({length}))", length**0.5
                yield f"1/sqrt(length of axis {axis} of {where} ({length}))", length**-0.5
    for where, shape in (("x", s.x.shape), ("y", s.y.shape)):
        for told, inner in (("steps", shape[1:-1]), ("values", shape[1:])):
            count = int(np.prod(inner))
            if len(inner) > 1 and count > 1:
                yield f"1/number of {told} in a row of {where} ({count})", 1 / count
                yield f"number of {told} in a row of {where} ({count})", float(count)
                yield f"1/(batch size * {told} of {where}) ({rows * count})", 1 / (rows * count)
                yield f"batch size * {told} of {where} ({rows * count})", float(rows * count)
    if s.dy.size > 1:
        yield f"1/number of outputs ({s.dy.size})", 1 / s.dy.size
        yield f"number of outputs ({s.dy.size})", float(s.dy.size)
    if rows > 2:
        yield f"m/(m-1), m = batch size ({rows})", rows / (rows - 1)
        yield f"(m-1)/m, m = batch size ({rows})", (rows - 1) / rows
        yield f"sqrt(m/(m-1)), m = batch size ({rows})", (rows / (rows - 1)) ** 0.5
        yield f"sqrt((m-1)/m), m = batch size ({rows})", ((rows - 1) / rows) ** 0.5
        yield f"1/sqrt(batch size ({rows}))", rows**-0.5
        yield f"1/batch size**2 ({rows})", rows**-2.0
    for value in (3, 4, 10):
        yield str(value), float(value)
        yield f"1/{value}", 1 / value
    yield from (
        ("sqrt(2)", 2**0.5),
        ("1/sqrt(2)", 0.5**0.5),
        ("pi", np.pi),
        ("ln 2", np.log(2)),
        ("1/ln 2", 1 / np.log(2)),
    )


def functions_of_an_argument(name: str, a: float) -> Iterator[Named]:
    if a in (0, 1, -1, 2, 0.5):
        return
    shown = f"{name}={a:g}"
    yield f"1 - {name} ({shown})", 1 - a
    yield f"1/(1 - {name}) ({shown})", 1 / (1 - a)
    yield f"{name} ({shown})", a
    yield f"1/{name} ({shown})", 1 / a
    if a > 0:
        yield f"sqrt({name}) ({shown})", a**0.5
        yield f"1/sqrt({name}) ({shown})", a**-0.5
    yield f"{name}**2 ({shown})", a * a
    yield f"1 + {name} ({shown})", 1 + a


def norms(s: Sample) -> Iterator[Named]:
    """Yield numbers that differ from call to call."""
    for name, array in (("dy", s.dy), ("x", s.x), ("y", s.y), *s.parameters.items()):
        if array.size > 1 and array.dtype.kind == "f":
            yield f"1/norm of {name}", 1 / (np.linalg.norm(array) or 1)
            yield f"norm of {name}", np.linalg.norm(array)
            yield f"mean of {name}", array.mean()
            yield f"sum of {name}", array.sum()
            yield f"1/maximum of |{name}|", 1 / (np.abs(array).max() or 1)


def along_axes(evidence: Evidence, s: Sample) -> Iterator[Named]:
    """Yield one value a row or a feature: statistics of x and y, parameters, state."""
    shape = s.analytic.shape
    for name, p in (*s.parameters.items(), *states(evidence)):
        if p.ndim and p.shape == shape[len(shape) - p.ndim :]:
            yield name, p
            yield f"{name}**2", p**2
            yield f"sign of {name}", np.sign(p)
            yield f"|{name}|", np.abs(p)
            yield f"sqrt(|{name}|)", np.sqrt(np.abs(p))
    yield from ratios_of_epsilon(evidence, s)
    for name, v in (("x", s.x), ("y", s.y)):
        if v.shape != shape or v.dtype.kind != "f" or v.ndim < 2:
            continue
        for axis, which in ((0, "feature"), (-1, "row")):
            for epsilon in epsilons(evidence):
                shown = f" + {epsilon:g}" if epsilon else ""
                variance = v.var(axis=axis, keepdims=True) + epsilon
                yield f"standard deviation of {name} per {which}{shown}", np.sqrt(variance)
                yield f"variance of {name} per {which}{shown}", variance
                square = (v * v).mean(axis=axis, keepdims=True) + epsilon
                yield f"root mean square of {name} per {which}{shown}", np.sqrt(square)
                yield f"mean square of {name} per {which}{shown}", square
                for state, value in states(evidence):
                    if value.shape == shape[-value.ndim :] and axis == 0 and (value >= 0).all():
                        yield f"standard deviation of x / running {state}", np.sqrt(variance / (value + epsilon))
            norm = np.sqrt((v * v).sum(axis=axis, keepdims=True))
            yield f"norm of {name} per {which}", norm
            yield f"norm of {name} per {which}, squared", norm**2
            yield f"norm of {name} per {which} / norm of all", norm / (np.linalg.norm(v) or 1)
            yield f"sum of {name} per {which}", v.sum(axis=axis, keepdims=True)
            yield f"mean of {name} per {which}", v.mean(axis=axis, keepdims=True)
            yield f"maximum of {name} per {which}", v.max(axis=axis, keepdims=True)
            shifted = np.exp(np.minimum(v - v.max(axis=axis, keepdims=True), 50)).sum(axis=axis, keepdims=True)
            yield f"sum of exp({name} - max) per {which}", shifted
            yield f"sum of exp({name}) per {which}", shifted * np.exp(np.minimum(v.max(axis=axis, keepdims=True), 300))


def ratios_of_epsilon(evidence: Evidence, s: Sample) -> Iterator[Named]:
    if s.x.shape != s.analytic.shape or s.x.dtype.kind != "f":
        return
    for epsilon in epsilons(evidence)[1:]:
        for axis in (0, -1):
            variance = s.x.var(axis=axis, keepdims=True)
            with np.errstate(all="ignore"):
                yield f"sqrt(1 + eps/var), eps = {epsilon:g}", np.sqrt(1 + epsilon / variance)
                yield f"1 + eps/var, eps = {epsilon:g}", 1 + epsilon / variance
        for state, value in states(evidence):
            if value.shape == s.x.shape[-value.ndim :] and (value > 0).all():
                yield f"sqrt(1 + eps/{state}), eps = {epsilon:g}", np.sqrt(1 + epsilon / value)


def epsilons(evidence: Evidence) -> list[float]:
    return [0.0, *(a for a in evidence.arguments.values() if 0 < a < 0.2), 1e-5, 1e-7]


def states(evidence: Evidence) -> list[tuple[str, Array]]:
    return (
        []
        if evidence.context is None
        else [(name, np.asarray(v, float)) for name, v in evidence.context.states.items()]
    )


def elementwise(evidence: Evidence, s: Sample, shape: Shape | None = None) -> Iterator[Named]:
    """Yield one value an entry of the gradient, or of an array of ``shape``: usual functions of x and of y."""
    shape = s.analytic.shape if shape is None else shape
    if s.x.shape == shape and s.x.dtype.kind == "f":
        yield "(x > 0)", (s.x > 0) * 1.0
        yield "(x < 0)", (s.x < 0) * 1.0
    for name, v in (("y", s.y), ("x", s.x)):
        if v.shape != shape or v.dtype.kind != "f":
            continue
        with np.errstate(all="ignore"):
            yield from functions_of(name, v)
    if s.x.ndim > 1 and s.x.shape == shape and s.x.dtype.kind == "f":
        shifted = np.exp(s.x - s.x.max(axis=-1, keepdims=True))
        softmax = shifted / shifted.sum(axis=-1, keepdims=True)
        yield "softmax(x)", softmax
        yield "softmax(x)**2", softmax**2
    for name, a in evidence.arguments.items():
        if s.x.shape == shape and s.x.dtype.kind == "f":
            yield f"(1 where x > 0, else {name})", np.where(s.x > 0, 1, a)
            yield f"({name} where x > 0, else 1)", np.where(s.x > 0, a, 1)
            yield f"(1 where |x| < {name})", (np.abs(s.x) < a) * 1.0


def functions_of(name: str, v: Array) -> Iterator[Named]:
    yield f"(1-{name}**2)", 1 - v**2
    yield f"{name}*(1-{name})", v * (1 - v)
    yield f"(1-{name})", 1 - v
    yield name, v
    if name == "y":
        yield "(y > 0)", (v > 0) * 1.0
        yield "(y < 0)", (v < 0) * 1.0
    yield f"(1+{name})", 1 + v
    yield f"(1+{name}**2)", 1 + v**2
    yield f"{name}**2", v**2
    yield f"{name}**3", v**3
    yield f"2*{name}", 2 * v
    yield f"|{name}|", np.abs(v)
    yield f"sign({name})", np.sign(v)
    yield f"(1+|{name}|)", 1 + np.abs(v)
    yield f"(1-|{name}|)", 1 - np.abs(v)
    yield f"(1-|{name}|)**2", (1 - np.abs(v)) ** 2
    yield f"(1-{name}**2)**2", (1 - v**2) ** 2
    yield f"({name}*(1-{name}))**2", (v * (1 - v)) ** 2
    yield f"exp({name})", np.exp(np.minimum(v, 300))
    yield f"exp(-{name})", np.exp(np.minimum(-v, 300))
    yield f"(1-exp(-{name}))", -np.expm1(np.minimum(-v, 300))
    sigmoid = 0.5 * (1 + np.tanh(0.5 * v))
    yield f"sigmoid({name})", sigmoid
    yield f"sigmoid'({name})", sigmoid * (1 - sigmoid)
    yield f"tanh({name})", np.tanh(v)
    yield f"tanh'({name})", 1 - np.tanh(v) ** 2
    yield f"sqrt(|{name}|)", np.sqrt(np.abs(v))
    yield f"1/{name}**2", 1 / np.where(v == 0, 1, v**2)
    yield f"cos({name})", np.cos(v)
    yield f"sin({name})", np.sin(v)
    yield f"log(|{name}|)", np.log(np.abs(np.where(v == 0, 1, v)))
    yield f"exp(-{name}**2/2)", np.exp(-(v**2) / 2)
    yield f"exp(-{name}**2)", np.exp(-(v**2))
