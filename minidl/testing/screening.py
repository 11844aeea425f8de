"""Screening: tests along one direction, at the cost of a few passes, whether a point needs a full comparison.

Screening only raises a suspicion; `compare` then decides. This way, many more points can be tested.
"""

import numpy as np

from minidl.testing.derivative import usual_steps
from minidl.testing.probe import Arrays, Gradients, LayerFailure, Point, Probe, target_of
from minidl.typing import Array

SMALL = 5e-4, 5e-5, 5e-6  # of the usual first step: most kinks lie beyond the first, nearly all beyond the last
STEPS = 0.05, 0.0005  # used with extrapolation if rounding hides the derivative at small steps
OFF = 1e-6  # relative error that raises a suspicion


def looks_wrong(
    probe: Probe, point: Point, y: Array, gradients: Gradients, rng: np.random.Generator, rounding: float
) -> bool:
    """Return whether any of ``gradients`` at ``point`` disagrees with a difference quotient along a random direction.

    ``rounding`` is the relative rounding error of the layer.
    """
    if not np.isfinite(y).all():
        return False
    claimed = {name: gradients[target_of(name)] for name in point.parameters}
    if not point.integer:
        claimed["dx"] = gradients["dx"]
        if np.shape(claimed["dx"]) != point.x.shape:
            return True
    if not all(np.isfinite(value).all() for value in claimed.values()):
        return True
    moves = {name: _direction(value, rng) for name, value in point.parameters.items()}
    sizes = {name: float(np.linalg.norm(claimed[name] * move)) for name, move in moves.items()}
    least = max(min((size for size in sizes.values() if size), default=0.0), 1e-3 * max(sizes.values(), default=0.0))
    # A large gradient must not hide a small one.
    moves = {name: move * min(1.0, least / sizes[name]) if sizes[name] else move for name, move in moves.items()}
    looks = [moves] if moves else []
    if not point.integer:
        looks.append({"dx": _direction(point.x, rng)})
    return any(_disagrees(probe, point, claimed, together, rounding) for together in looks)


def _direction(value: Array, rng: np.random.Generator) -> Array:
    signed = rng.uniform(-1.0, 1.0, value.shape)
    return np.asarray(usual_steps(value) * (signed + np.copysign(0.5, signed)))


def _disagrees(probe: Probe, point: Point, gradients: Arrays, moves: Arrays, rounding: float) -> bool:
    products = [gradients[name] * move for name, move in moves.items()]
    claimed = float(sum(product.sum() for product in products))
    size = float(np.sqrt(sum(np.square(product).sum() for product in products)))

    def at(t: float) -> Array:
        for name, value in point.parameters.items():
            if name in moves:
                probe.values[name][...] = value + t * moves[name]
        return probe.forward(point.x + t * moves["dx"] if "dx" in moves else point.x.copy(), point.training)

    def quotient(step: float) -> tuple[float, float]:
        ahead = at(step)
        noise = 50 * rounding * float(np.abs(ahead * point.dy).sum()) / step
        return float(((ahead - at(-step)) * point.dy).sum()) / (2 * step), noise

    def agrees_simply(step: float) -> bool:
        numeric, noise = quotient(step)
        return noise <= OFF * size and abs(claimed - numeric) <= OFF * size

    def agrees(step: float) -> bool:
        (coarse, noise), (fine, _) = quotient(step), quotient(step / 2)
        numeric = fine + (fine - coarse) / 3
        return abs(claimed - numeric) <= OFF * size + noise + 1e-3 * abs(fine - coarse)

    try:
        return not (any(map(agrees_simply, SMALL)) or any(map(agrees, STEPS)))
    except LayerFailure:  # the steps leave the domain
        return True
    finally:
        for name, value in point.parameters.items():
            probe.values[name][...] = value
