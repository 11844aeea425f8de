"""Glance: whether a point deserves a full comparison, found out along one direction at the cost of a few passes.

It only raises suspicion; `compare` then decides. So many more situations can be looked at than could be compared.
"""

import numpy as np

from minidl.testing.derivative import usual_steps
from minidl.testing.points import is_integer
from minidl.testing.probe import Arrays, LayerFailure, Point, Probe, target_of
from minidl.testing.subject import Subject
from minidl.typing import Array

SMALL = 5e-4, 5e-5, 5e-6  # of the usual first step: most kinks lie beyond the first, nearly all beyond the last
STEPS = 0.05, 0.0005  # where rounding hides the derivative at small ones, with extrapolation
OFF = 1e-6  # relative error that arouses suspicion
ALIKE = 10.0  # factor between two sizes of which neither hides the other


def suspicious(subject: Subject, point: Point, rng: np.random.Generator) -> bool:
    """Return whether some gradient at ``point`` does not agree with a difference quotient along a random direction.

    Raises
    ------
    LayerFailure, Misconduct
        What the layer does wrong.
    """
    probe = subject.at(point)
    y, gradients = probe.run(point)
    if not np.isfinite(y).all():
        return False
    integer = is_integer(subject.domain)
    if not integer and np.shape(gradients["dx"]) != point.x.shape:
        return True
    analytic = {target_of(name): gradients[target_of(name)] for name in point.parameters}
    if not all(np.isfinite(value).all() for value in [*analytic.values(), *([] if integer else [gradients["dx"]])]):
        return True
    moves = {name: _direction(value, rng) for name, value in point.parameters.items()}
    sizes = {name: float(np.linalg.norm(analytic[target_of(name)] * move)) for name, move in moves.items()}
    least = max(min((size for size in sizes.values() if size), default=0.0), 1e-3 * max(sizes.values(), default=0.0))
    # A large gradient must not hide a small one.
    moves = {name: move * min(1.0, least / (sizes[name] or least or 1.0)) for name, move in moves.items()}
    looks = [moves] if moves else []
    if not integer:
        along = {"dx": _direction(point.x, rng)}
        size = float(np.linalg.norm(gradients["dx"] * along["dx"]))
        if moves and least / ALIKE <= size <= ALIKE * least:
            looks = [{**moves, **along}]
        else:
            looks.append(along)
    return any(_disagrees(probe, point, gradients, together) for together in looks)


def alike(subject: Subject, point: Point, other: Point, rng: np.random.Generator) -> bool:
    """Return whether two points that differ in the mode only give the same numbers, there and a little beside."""
    if not all(getattr(point, name) is getattr(other, name) for name in ("x", "dy", "parameters", "states")):
        return False
    beside = point.x
    if not is_integer(subject.domain):
        beside = beside + _direction(beside, rng)
    for x in (point.x, beside):
        (y, gradients), (y_other, known) = (subject.run(here.with_(x=x)) for here in (point, other))
        pairs = [(y, y_other), *((gradients[name], known[name]) for name in known)]
        if not all(one is two or np.array_equal(one, two, equal_nan=True) for one, two in pairs):  # ids have no dx
            return False
    return point.arguments is other.arguments


def _direction(value: Array, rng: np.random.Generator) -> Array:
    signed = rng.uniform(-1.0, 1.0, value.shape)
    return np.asarray(usual_steps(value) * (signed + np.copysign(0.5, signed)))


def _disagrees(probe: Probe, point: Point, gradients: Arrays, moves: Arrays) -> bool:
    products = [gradients[name if name == "dx" else target_of(name)] * move for name, move in moves.items()]
    claimed = float(sum(product.sum() for product in products))
    size = float(np.sqrt(sum(np.square(product).sum() for product in products)))

    def at(t: float) -> Array:
        for name, value in point.parameters.items():
            if name in moves:
                probe.values[name][...] = value + t * moves[name]
        return probe.forward(point.x + t * moves["dx"] if "dx" in moves else point.x.copy(), point.training)

    def agrees_simply(step: float) -> bool:
        ahead = at(step)
        numeric = float(((ahead - at(-step)) * point.dy).sum()) / (2 * step)
        noise = 1e-14 * float(np.abs(ahead * point.dy).sum()) / step
        return noise <= OFF * size and abs(claimed - numeric) <= OFF * size

    def agrees(step: float) -> bool:
        ahead, behind = at(step), at(-step)
        coarse = float(((ahead - behind) * point.dy).sum()) / (2 * step)
        fine = float(((at(step / 2) - at(-step / 2)) * point.dy).sum()) / step
        noise = 1e-14 * float(np.abs(ahead * point.dy).sum()) / step
        numeric = fine + (fine - coarse) / 3
        return abs(claimed - numeric) <= OFF * size + noise + 1e-3 * abs(fine - coarse)

    try:
        return not (any(map(agrees_simply, SMALL)) or any(map(agrees, STEPS)))
    except LayerFailure:  # the steps leave the domain
        return True
    finally:
        for name, value in point.parameters.items():
            probe.values[name][...] = value
