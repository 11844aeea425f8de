"""Numbers: the constants that a gradient may wrongly be multiplied by."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Named
from minidl.testing.diagnosis.sample import Sample


def counts(s: Sample) -> Iterator[tuple[str, int]]:
    """Yield what a sum may wrongly be divided by: the batch size, lengths of axes, numbers of steps and values."""
    yield "batch size", s.rows
    for where, shape in (("x", s.x.shape), ("y", s.y.shape), *((n, (0, *p.shape)) for n, p in s.parameters.items())):
        for axis, length in enumerate(shape[1:], start=0 if where in s.parameters else 1):
            yield f"length of axis {axis} of {where}", length
        steps, values = int(np.prod(shape[1:-1])), int(np.prod(shape[1:]))
        if len(shape) > 2 and where in "xy":
            yield f"number of steps in a row of {where}", steps
            yield f"number of values in a row of {where}", values
            yield f"batch size * steps of {where}", s.rows * steps
            yield f"number of values of {where}", s.rows * values
    yield "number of outputs", s.dy.size


def numbers(s: Sample) -> Iterator[Named]:
    """Yield plain numbers, counts, constructor arguments, and simple functions of them."""
    for told, plain in (("-1", -1.0), ("2", 2.0), ("1/2", 0.5)):
        yield told, np.asarray(plain)
    (rows, m), *lengths = [(told, n) for told, n in counts(s) if n > 1] or [("", 0)]
    if m:
        yield from powers(rows, m)
    for name, a in s.arguments.items():
        yield from list(functions_of_an_argument(name, a))[:6]
    for told, n in lengths:
        yield from powers(told, n)
    for name, a in s.arguments.items():
        yield from functions_of_an_argument(name, a)
    if m > 2:
        yield from powers(f"(m-1)/m, m = {rows}", (m - 1) / m, f"m/(m-1), m = {rows}")
        yield from powers(f"m-1, m = {rows}", m - 1)
        yield f"1/{rows}**2", np.asarray(m**-2.0)
    for told, plain in (("3", 3), ("4", 4), ("10", 10), ("pi", np.pi), ("ln 2", np.log(2)), ("sqrt(2)", 2**0.5)):
        yield from powers(told, plain)


def powers(told: str, n: float, inverse: str = "") -> Iterator[Named]:
    """Yield n, 1/n and their square roots."""
    inverse = inverse or f"1/{told}"
    yield inverse, np.asarray(1 / n)
    yield told, np.asarray(float(n))
    yield f"sqrt({told})", np.asarray(n**0.5)
    yield f"1/sqrt({told})", np.asarray(n**-0.5)


def with_count(s: Sample, name: str) -> str:
    """Return "1/batch size" as "1/batch size (3)"."""
    told, n = max(((told, n) for told, n in counts(s) if told in name), key=lambda item: len(item[0]), default=("", 0))
    return f"{name} ({n})" if told else name


def functions_of_an_argument(name: str, a: float) -> Iterator[Named]:
    """Yield what a formula makes of a rate, a slope or a temperature."""
    if a in (0, 1, -1):
        return
    shown = f"({name}={a:g})"
    root = abs(a) ** 0.5
    forms = {name: a, f"1/{name}": 1 / a, f"sqrt({name})": root, f"1/sqrt({name})": 1 / root}
    if 0 < a < 1:
        forms |= {f"1 - {name}": 1 - a, f"1/(1 - {name})": 1 / (1 - a)}
    forms |= {f"{name}**2": a * a, f"1/{name}**2": a**-2, f"1 + {name}": 1 + a, f"2*{name}": 2 * a}
    for told, value in forms.items():
        yield f"{told} {shown}", np.asarray(value)


def norms(s: Sample) -> Iterator[Named]:
    """Yield numbers that differ from call to call."""
    for name, v in (("dy", s.dy), ("x", s.x), ("y", s.y), *s.parameters.items(), *s.attributes.items()):
        forms = {name: float(v)} if not v.ndim else {}
        if v.size > 1 and v.dtype.kind == "f":
            norm = float(np.linalg.norm(v))
            forms = {f"norm of {name}": norm, f"norm of {name}, squared": norm**2, f"mean of {name}": v.mean()}
            forms |= {f"sum of {name}": v.sum(), f"maximum of |{name}|": np.abs(v).max()}
            forms |= {f"standard deviation of {name}": v.std(), f"variance of {name}": v.var()}
            forms |= {f"sum of |{name}|": np.abs(v).sum(), f"mean square of {name}": (v * v).mean()}
        for told, value in forms.items():
            yield f"1/{told}", np.asarray(1 / (value or 1))
            yield told, np.asarray(value)
