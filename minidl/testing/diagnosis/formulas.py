"""Formulas: what the wrong gradient is equal to, in terms of dy, x, y and the parameters."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.testing.diagnosis import quantities
from minidl.testing.diagnosis.evidence import Evidence, Hypothesis, Sample
from minidl.testing.diagnosis.ratios import fit_to_be_a_factor
from minidl.typing import Array


def equals_formula(e: Evidence) -> Iterator[Hypothesis]:
    """dx = dy * q with a known q, or dx = dy itself."""
    s = e.first
    if not s.upstream.size or not np.any(s.analytic):
        return
    if all(v.fits(v.analytic, v.upstream) for v in e.visible):
        yield Hypothesis(f"equals dy{explain_identity(e)}", 0.92)
        return
    name = formula_of(e, analytic=True)
    if name is None:
        return
    expected = formula_of(e, analytic=False)
    more = f", expected dy*{expected}" if expected else ""
    if name == "y*(1-y)" and expected is None and s.dy.ndim > 1 and s.dy.shape[-1] > 1 and couples_features(e):
        more = ": only the diagonal of the Jacobian"
    yield Hypothesis(f"equals dy*{name}{more}", 0.9)


def explain_identity(e: Evidence) -> str:
    def is_a_mask(s: Sample) -> bool:
        on = np.abs(s.numeric) > 1e-9 * s.scale
        return s.fits(s.numeric, np.where(on, s.upstream, 0))

    if e.everywhere(is_a_mask):
        return ": the mask is all ones"
    expected = formula_of(e, analytic=False)
    if expected is None:
        expected = parameter_factor(e)
    return (
        f", expected dy*{expected}: the factor {expected} is missing"
        if expected
        else ": the layer's own derivative is missing"
    )


def parameter_factor(e: Evidence) -> str | None:
    for index, (name, q) in enumerate(quantities.along_axes(e, e.first)):
        if fit_to_be_a_factor(q, e.first) and e.first.fits(e.first.numeric, e.first.upstream * q):
            tables = [list(quantities.along_axes(e, s)) for s in e.visible]
            if all(s.fits(s.numeric, s.upstream * t[index][1]) for s, t in zip(e.visible, tables, strict=True)):
                return name
    return None


def formula_of(e: Evidence, analytic: bool) -> str | None:
    """Return the name of the q for which one of the two gradients is ``dy * q`` or ``dy / q``."""

    def value(s: Sample) -> Array:
        return s.analytic if analytic else s.numeric

    s, *others = e.visible
    upstream = [("(dy > 0)", lambda s: s.upstream > 0), ("(dy < 0)", lambda s: s.upstream < 0)]
    for name, mask in upstream:
        if e.everywhere(lambda s, mask=mask: s.fits(value(s), s.upstream * mask(s))):  # type: ignore[misc]
            return name
    for index, (name, q) in enumerate(quantities.elementwise(e, s)):
        if not np.isfinite(q).all():
            continue
        for inverse in (False, True):
            for sign, prefix in ((1, ""), (-1, "-")):
                if holds(s, value(s), q, inverse, sign) and all(
                    holds(o, value(o), list(quantities.elementwise(e, o))[index][1], inverse, sign) for o in others
                ):
                    return f"{prefix}{'1/' if inverse else ''}{name}"
    return None


def holds(s: Sample, value: Array, q: Array, inverse: bool, sign: int) -> bool:
    return s.fits(value * q, sign * s.upstream, s.dy) if inverse else s.fits(value, sign * s.upstream * q)


def equals_reduction(e: Evidence) -> Iterator[Hypothesis]:
    """db = sum of dy * q over the batch, or dW = x.T @ (dy * q), with a known q."""
    s = e.first
    if e.target == "dx" or s.dy.ndim < 2 or not s.analytic.size or not np.any(s.analytic):
        return
    for form, reduce in reductions(s):
        name = reduced(e, reduce, analytic=True)
        if name is None:
            continue
        expected = reduced(e, reduce, analytic=False)
        more = f", expected {written(form, expected)}" if expected is not None else ""
        if not name:
            more += f": the factor {expected[1:]} is missing" if expected else (
                ": a factor of dy is missing, such as the derivative of a nonlinear part")  # fmt: skip
        yield Hypothesis(f"equals {written(form, name)}{more}", 0.9)
        return


def written(form: str, q: str) -> str:
    """Return a formula with the factor put in."""
    return form.replace("*q", q) if q else form.replace("(dy*q)", "dy").replace("dy*q", "dy")


def through_a_matrix(e: Evidence) -> Iterator[Hypothesis]:
    """dx = dy @ W.T, as behind y = x @ W."""
    s = e.first
    if e.target != "dx" or s.dy.ndim < 2:
        return
    for name, p in s.parameters.items():
        if p.ndim == 2 and p.shape == (s.x.shape[-1], s.dy.shape[-1]):
            if e.everywhere(lambda v, name=name: v.fits(v.analytic, v.dy @ v.parameters[name].T)):  # type: ignore[misc]
                yield Hypothesis(
                    f"equals dy @ {name}.T, right behind y = x @ {name}, but forward does more with {name} or with the result: "
                    "a factor or a term is missing",
                    0.88,
                )
                return


def reductions(s: Sample) -> Iterator[tuple[str, Callable[[Sample, Array], Array]]]:
    """Yield the ways in which dy * q becomes a gradient of the target's shape."""
    shape = s.analytic.shape
    if shape == s.dy.shape[-len(shape) :] and len(shape) < s.dy.ndim:
        axes = tuple(range(s.dy.ndim - len(shape)))
        yield f"sum(dy*q, axis={axes[0] if len(axes) == 1 else axes})", lambda s, q: (s.dy * q).sum(axis=axes)
    if shape == (s.x.shape[-1], s.dy.shape[-1]) and s.x.dtype.kind == "f" and s.x.shape[:-1] == s.dy.shape[:-1]:
        yield "x.T @ (dy*q)", lambda s, q: s.x.reshape(-1, s.x.shape[-1]).T @ (s.dy * q).reshape(-1, s.dy.shape[-1])


def reduced(e: Evidence, reduce: Callable[[Sample, Array], Array], analytic: bool) -> str | None:
    """Return "*q" as text for the q with which a reduction gives one of the two gradients; None if there is none."""
    tables = [[("", 1.0), *quantities.elementwise(e, s, s.dy.shape)] for s in e.visible]
    for index, (name, _) in enumerate(tables[0]):
        for sign, prefix in ((1, ""), (-1, "*(-1)")):
            for s, table in zip(e.visible, tables, strict=True):
                q = table[index][1]
                if not np.isfinite(q).all() or not s.fits(sign * reduce(s, q), s.analytic if analytic else s.numeric):
                    break
            else:
                return f"{prefix}*{name}" if name else prefix
    return None


def couples_features(e: Evidence) -> bool:
    """Return whether dx[i, j] depends on dy[i, k] for k != j."""
    dy = np.zeros_like(e.first.dy)
    dy[:, 0] = 1
    numeric = e.quick_numeric(dy=dy)
    return numeric is not None and bool(np.abs(numeric[:, 1:]).max(initial=0) > 1e-9)


def derivative_elsewhere(e: Evidence) -> Iterator[Hypothesis]:
    """The derivative is right, but taken at another point or for other parameters."""
    if e.context is None:
        return
    s = e.first
    for text, changes in substitutes(e, s):
        if not e.equals_numeric(s.analytic, **changes):
            continue
        yield Hypothesis(f"equals the {text}", 0.85 if text.startswith("derivative") else 0.94)
        return


def at_the_output(e: Evidence) -> Iterator[Hypothesis]:
    """The derivative is taken at y."""
    s = e.first
    if e.context is None or s.y.shape != s.x.shape or s.x.dtype.kind != "f" or e.target != "dx":
        return
    if e.equals_numeric(s.analytic, x=s.y) and not e.equals_numeric(s.dy, x=s.y):
        yield Hypothesis("equals the derivative at y instead of x: taken at the output", 0.95)


def substitutes(e: Evidence, s: Sample) -> Iterator[tuple[str, dict[str, Any]]]:
    assert e.context is not None
    initial = {n: np.asarray(v, float) for n, v in e.context.initial_parameters.items() if n in s.parameters}
    for name, first in initial.items():
        text = "at construction: a stale copy of it"
        if first.size and np.ptp(first) == 0:
            text = f"= {first.flat[0]:g}, its first value: {name} is missing in the formula, or a stale copy is used"
        yield f"gradient for {name} {text}", {"parameters": {**s.parameters, name: first}}
    if len(initial) > 1:
        yield "gradient for the parameters at construction: stale copies", {"parameters": initial}
    if s.y.shape == s.x.shape and s.x.dtype.kind == "f":
        yield "derivative at -x instead of x", {"x": -s.x}
        yield "derivative at |x| instead of x", {"x": np.abs(s.x)}
        yield "derivative at 0 instead of x", {"x": np.zeros_like(s.x)}
    for name, value in s.parameters.items():
        for text, other in other_values(name, value):
            yield f"gradient for {text}", {"parameters": {**s.parameters, name: other}}
        for other_name, other in s.parameters.items():
            if other_name != name and other.shape == value.shape:
                values = {**s.parameters, name: other}
                yield f"gradient with {other_name} in the place of {name}", {"parameters": values}
    for name, default in e.defaults.items():
        yield f"gradient for the default {name}={default}: {name} is hard-coded", {"arguments": {name: default}}
    for name, value in e.arguments.items():
        for other in other_arguments(value):
            yield f"gradient for {name}={other:g} instead of {value:g}", {"arguments": {name: type_of(e, name)(other)}}


def other_values(name: str, value: Array) -> Iterator[tuple[str, Array]]:
    yield f"{name} = 1: {name} is missing", np.ones_like(value)
    yield f"{name} = 0: {name} is missing", np.zeros_like(value)
    yield f"|{name}|: its sign is lost", np.abs(value)
    yield f"{name} where it is positive, else 0", np.maximum(value, 0)
    yield f"-{name}", -value
    yield f"the average of {name}", np.full_like(value, value.mean())
    yield f"{name} squared", value**2
    if value.ndim >= 2 and value.shape[-1] == value.shape[-2]:
        yield f"{name}.T: {name} is transposed once too often or too few", np.swapaxes(value, -1, -2)
    for axis in range(value.ndim):
        if value.shape[axis] > 1:
            yield f"{name} reversed along axis {axis}", np.flip(value, axis)
            yield f"{name} shifted along axis {axis}", np.roll(value, 1, axis)


def other_arguments(value: float) -> Iterator[float]:
    whole = float(value).is_integer()
    for other in (value / 2, value * 2, -value, 1 - value, value**2, value + 1, value - 1, 0.0, 1.0, 2.0, 0.3, 0.01):
        if other != value and (not whole or float(other).is_integer()):
            yield other


def type_of(e: Evidence, name: str) -> Any:
    assert e.context is not None
    return type(e.context.arguments[name])


def becomes_right(e: Evidence) -> Iterator[Hypothesis]:
    """The layer's own backward gives the right gradient when a parameter or dy is turned round."""
    if e.context is None:
        return
    s = e.first
    for name, value in s.parameters.items():
        for text, other in turned(name, value):
            analytic = e.analytic_at(parameters={**s.parameters, name: other})
            if analytic is not None and s.fits(analytic, s.numeric):
                yield Hypothesis(f"becomes right when {name} is {text}", 0.93)
    for axis in range(s.dy.ndim):
        for text, other in (("reversed", np.flip(s.dy, axis)), ("shifted by one", np.roll(s.dy, 1, axis))):
            analytic = e.analytic_at(dy=other)
            if s.dy.shape[axis] > 1 and analytic is not None and s.fits(analytic, s.numeric):
                yield Hypothesis(f"becomes right when dy is {text} along axis {axis}: permuted", 0.9)


def turned(name: str, value: Array) -> Iterator[tuple[str, Array]]:
    for axis in range(value.ndim):
        if value.shape[axis] > 1:
            yield f"reversed along axis {axis}: {name} is flipped", np.flip(value, axis)
            yield f"shifted along axis {axis}", np.roll(value, 1, axis)
    if value.ndim >= 2 and value.shape[-1] == value.shape[-2]:
        yield f"transposed: {name} for {name}.T", np.swapaxes(value, -1, -2)
        yield f"{name} + {name}.T: the term with {name}.T is missing", value + np.swapaxes(value, -1, -2)


def other_target(e: Evidence) -> Iterator[Hypothesis]:
    """The gradient stored is that of another parameter."""
    if e.context is None:
        return
    for name, value in e.context.parameters.items():
        target = f"{name.rpartition('/')[0]}/d{name.rpartition('/')[2]}".lstrip("/")
        if target == e.target or value.shape != e.first.analytic.shape:
            continue
        if e.equals_numeric(e.first.analytic, target):
            yield Hypothesis(f"equals the gradient of the other parameter {name}, {target}: swapped", 0.95)
