"""extreme: inputs far out and denormal ones give finite and right values, wherever the true values are finite."""

import itertools
from collections.abc import Iterator

import numpy as np

from minidl.testing.agreement import close, named
from minidl.testing.certificate import PASS
from minidl.testing.derivative import LONG
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.points import normal
from minidl.testing.probe import Gradients, LayerFailure, Point
from minidl.testing.registry import register_check
from minidl.typing import Array

SIZES = {"real": (30.0, 800.0, 1e4, 1e-310), "positive": (30.0, 800.0, 1e4)}
LARGEST = 1e300  # a true value beyond it, float64 need not hold
BIG = 1e150  # beyond this at half the input, the output may rightly overflow


@register_check("extreme", level="standard")
def extreme(examination: Examination) -> Iterator[Finding]:
    """Inputs of size 30, 800, 1e4 and denormal: finite, and right as far as longdouble tells."""
    domain = examination.subject.domain
    if domain not in ("real", "positive"):
        raise Skipped("inputs are confined to a domain")
    for size, spread in itertools.product(SIZES[domain], (True, False)):
        point = examination.point.with_(x=_far(examination, size, spread))
        yield from _far_out(examination, point, size)
        yield from _far_out(examination, point.with_(training=False), size)


def _far(examination: Examination, size: float, spread: bool) -> Array:
    shape, rng = examination.point.x.shape, examination.rng
    x = size * (rng.uniform(0.5, 1.0, shape) if spread else 1 + 0.01 * normal(rng, shape))
    return np.asarray(x if examination.subject.domain == "positive" else x * rng.choice([-1.0, 1.0], shape))


def _far_out(examination: Examination, point: Point, size: float) -> Iterator[Finding]:
    true, usual = _in_longdouble(examination, point), named(*examination.reference)
    verdict = examination.certificate.verdicts.get("numeric")
    for name, value in named(*examination.run(point)).items():
        if value.dtype.kind != "f" or name not in usual:
            continue  # found by `contract`
        within = np.abs(true[name]) < LARGEST if true else np.full(value.shape, not _overflows(examination, point))
        if (~np.isfinite(value) & within).any():
            why = f"not finite at {size:g}: an intermediate value overflows, or 0/0 or 0*inf appears"
            yield examination.finding(f"{name} is not finite for inputs of size {size:g}", name, why)
        if not true or not within.all() or (verdict is not None and verdict.outcome != PASS):
            continue
        # Values far below the usual ones may underflow or cancel; products of two inputs grow with their square.
        least = 1e-6 * max(1.0, size) ** 2 * examination.usual_size(name)
        if not close(value, true[name], 1e-6, least) and not _ill_conditioned(examination, point, name):
            why = "cancellation or underflow: float64 and longdouble disagree in the sixth digit"
            yield examination.finding(f"{name} loses its digits for inputs of size {size:g}", name, why)


def _in_longdouble(examination: Examination, point: Point) -> Gradients:
    """Return output and gradients computed in longdouble; nothing where the layer does not keep that type."""
    probe = examination.subject.at(point, LONG)
    try:
        y = np.asarray(probe.forward(point.x.astype(LONG), point.training))
        return named(y, probe.backward(point.dy.astype(LONG))) if y.dtype == LONG else {}
    except LayerFailure:
        return {}


def _overflows(examination: Examination, point: Point) -> bool:
    half = named(*examination.run(point.with_(x=point.x / 2)))
    return any(not np.abs(value).max(initial=0) <= BIG for value in half.values())


def _ill_conditioned(examination: Examination, point: Point, name: str) -> bool:
    """Return whether a rounding of the input alone moves the result as much."""
    moved = point.with_(x=point.x * (1 + 1e-15 * normal(examination.rng, point.x.shape)))
    return not close(named(*examination.run(moved))[name], named(*examination.run(point))[name], 1e-8)
