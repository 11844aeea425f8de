"""Trial: one more point at which a layer is tested, screened along a direction and compared if that looks wrong.

Many points cost little this way: special inputs, other shapes, batches and arguments.
"""

from collections.abc import Callable, Iterator

import numpy as np

from minidl.errors import MinidlError
from minidl.testing.agreement import finite
from minidl.testing.derivative import usual_steps
from minidl.testing.examination import DOUBT, Examination
from minidl.testing.findings import Finding, Unverified
from minidl.testing.points import Refused, WrongShape, normal
from minidl.testing.probe import Arrays, Gradients, LayerFailure, Point, Probe, target_of
from minidl.typing import Array

SMALL = 5e-4, 5e-5, 5e-6  # of the usual first step: most kinks lie beyond the first, nearly all beyond the last
STEPS = 0.05, 0.0005  # used with extrapolation if rounding hides the derivative at small steps
OFF = 1e-6  # relative error that raises a suspicion
MOST_PARAMETERS = 20_000
Modes = tuple[bool | None, ...]
ASIDE = (1e-4, 1e-3, 1e-2, 1e-2)  # distances from a kink to try, relative to the values


def trial(
    examination: Examination, told: str, make: Callable[[], Point], *, covers: str = "regimes", modes: Modes = (None,)
) -> Iterator[Finding]:
    """Yield a finding if a gradient is wrong at a point or backward raises there; none if the layer rejects the point.

    Parameters
    ----------
    told : str
        What is special about the point.
    make : function
        Creates the point; it may raise `Refused` or a `LayerFailure`.
    covers : str
        Key of the coverage under which the point is recorded.
    modes : tuple of bool or None
        The values of ``training`` to try; None is that of the point.
    """
    point: Point | None = None
    known: Gradients = {}  # the results in the mode before
    for training in modes:
        here = told if training is not False else f"{told}, inference"
        try:
            point = (point or make()).with_(training=training)
            if sum(value.size for value in point.parameters.values()) > MOST_PARAMETERS:
                return
            found = list(_screen(examination, point, here, known))
        except WrongShape as wrong:
            if [n for n in wrong.found if n != 1] == [n for n in wrong.expected if n != 1]:
                yield examination.finding(str(wrong), "y", "an axis of length 1 is squeezed away, or added")
            continue
        except Refused:
            continue
        except LayerFailure as failure:
            if not _is_a_mistake(failure):
                continue
            found = [examination.failed(failure, point, here)]
        examination.certificate.cover(covers, point.x.shape if covers == "shapes" and point else here)
        yield from found


def _is_a_mistake(failure: LayerFailure) -> bool:
    """Return whether an exception is a bug and not a rejected input: backward must take whatever forward took."""
    if failure.method == "backward" or failure.writes:
        return True
    rejected = isinstance(failure.error, (MinidlError, NotImplementedError))
    return isinstance(failure.error, (AttributeError, NameError)) and not rejected


def _screen(examination: Examination, point: Point, told: str, known: Gradients) -> Iterator[Finding]:
    """Yield a finding if a gradient looks wrong along a random direction and `compare` confirms it.

    Results equal to those in the mode before, in ``known``, are correct; they are replaced there.
    """
    probe = examination.subject.reused(point)
    y, gradients = probe.run(point)
    if examination.subject.has_parameters_pass:
        yield from examination.parameters_pass(probe, point, gradients)
    results, kind = {"y": y, **gradients}, (told, point.input_shape)
    same = bool(known) and all(np.array_equal(value, known[name]) for name, value in results.items())
    known.update(results)
    if same or examination.surrogate or kind in examination.undecided:
        return
    if not _looks_wrong(examination, point, y, gradients) or _only_a_kink(examination, point):
        return
    poles = [name for name, value in gradients.items() if not (point.integer or np.isfinite(value).all())]
    jumps, unbounded = _limits(examination, point, y) if poles else (False, False)
    if jumps:
        why = "forward guards such values, as a division by 0, and backward does not"
        yield examination.finding(f"{poles[0]} is not finite where y is ({told})", poles[0], why)
    try:
        yield from () if unbounded else examination.compare(point, told, hard=True)
    except Unverified:
        examination.undecided.add(kind)


def _looks_wrong(examination: Examination, point: Point, y: Array, gradients: Gradients) -> bool:
    subject = examination.subject
    return looks_wrong(subject.reused(point), point, y, gradients, examination.rng, subject.rounding)


def _only_a_kink(examination: Examination, point: Point) -> bool:
    """Return whether a point that costs too much to compare is next to one that looks right.

    Kinks and ties themselves are compared at smaller inputs.
    """
    if point.integer or examination.affordable(point, DOUBT) >= examination.most():
        return False
    for part in ASIDE:
        steps = part * np.maximum(1.0, np.abs(point.x)) * examination.rng.uniform(-1.0, 1.0, point.x.shape)
        aside = point.with_(x=point.x + steps)
        y, gradients = examination.subject.reused(aside).run(aside)
        if finite({"y": y}) and not _looks_wrong(examination, aside, y, gradients):
            return True
    return False


def _limits(examination: Examination, point: Point, y: Array) -> tuple[bool, bool]:
    """Return whether the output jumps at a point, and whether gradients grow without limit towards it."""
    steps = normal(examination.rng, point.x.shape) * max(1.0, float(np.abs(point.x).max(initial=0)))
    around = [examination.results(point.with_(x=point.x + part * steps)) for part in (1e-5, 1e-8)]
    far, near = (float(np.abs(found["y"] - y).max(initial=0)) for found in around)
    sizes = [max(np.abs(np.nan_to_num(v, nan=np.inf)).max(initial=0) for v in found.values()) for found in around]
    jumps = max(0.9 * far, 1e-6 * float(np.abs(y).max(initial=1e-300))) < near < np.inf
    return jumps, not sizes[1] <= 2 * sizes[0]


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
    return any(disagrees(probe, point, claimed, together, rounding) for together in looks)


def _direction(value: Array, rng: np.random.Generator) -> Array:
    signed = rng.uniform(-1.0, 1.0, value.shape)
    return np.asarray(usual_steps(value) * (signed + np.copysign(0.5, signed)))


def disagrees(probe: Probe, point: Point, gradients: Arrays, moves: Arrays, rounding: float) -> bool:
    """Return whether gradients disagree with a difference quotient along ``moves`` of x and parameters together."""
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
