"""The gradient checkers of torch, JAX and Chainer compared with the kit, on the planted bugs of tests/planted.

All checkers get the same objects, in float64, and one object serves all calls, as users would keep it. "once" runs a
checker with its own tolerances at one point, in training. "x20" runs it at 20 points with random batch size, shape,
scale, parameters, constructor arguments, targets and weights, in both modes, with the tightest tolerance at which it
blames no correct layer. At each point one layer serves four calls, which differ in inputs, rows, parameters, targets
and mode. Any exception counts as an objection; a point counts only if the correct layer accepts it. Libraries that are
not installed are left out. Times are processor seconds.
"""

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import common
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from checking import TOLERANCES, BuiltLayer, Checker, checker, checkers

from minidl.layers import Layer
from minidl.losses import Loss
from minidl.testing.loss_layer import TARGETS
from minidl.testing.losses import input_domain, kinds_of_targets
from minidl.testing.points import draw_x
from tests.planted import BUGS, CATEGORIES, CORRECT, Planted, power

POINTS = 20
ROWS = 50  # at most; batches of 1 to 7 are as frequent as those of 8 to 50
CALLS = 2  # with the same layer, so that stale state shows
QUICK = 8  # the quick version takes every eighth bug and correct layer


class OfLoss(Layer):
    """``y = [loss(x, targets)]``: a loss as a layer, whose targets and weights change only when ``turn`` changes."""

    def __init__(self, loss: Loss, targets: str, weighted: bool, turn: int = 0) -> None:
        self.loss, self.targets, self.weighted, self.turn = loss, targets, weighted, turn

    def build(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return ()

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        rng = np.random.default_rng(self.turn)
        y_true = TARGETS[self.targets](rng, len(x), x.shape[-1])
        weight = rng.uniform(0.3, 2.0, len(x)) if self.weighted else None
        return np.asarray([self.loss.forward(x, y_true, weight)])

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.loss.backward() * dy[0]


class Point(NamedTuple):
    """A point at which a layer is checked, without the values of its parameters."""

    arguments: dict[str, Any] | None  # if None, the default ones
    targets: str  # for losses
    weighted: bool
    x: np.ndarray


def layer_at(planted: Planted, kind: Any, point: Point) -> Layer:
    """Return a layer of class ``kind``, either the planted one or the correct one."""
    made = kind(*planted.arguments) if point.arguments is None else kind(**point.arguments)
    return OfLoss(made, point.targets, point.weighted) if planted.is_loss else made


def draw(planted: Planted, rng: np.random.Generator, size: float | None = None) -> Point:
    """Return the default point, or a random one whose number of rows grows with ``size``, from 0 to 1."""
    right = planted.right(*planted.arguments)
    kinds = kinds_of_targets(right) if planted.is_loss else [""]
    domain = input_domain(right, kinds[0]) if planted.is_loss else getattr(right, "input_domain", None)
    if domain == "integer":
        domain = ("integer", planted.arguments[0])
    shape, rows = planted.input_shape, 3
    if size is None:
        return Point(None, kinds[0], False, draw_x(domain, rng, (rows, *shape)))
    if rng.random() < 0.5:
        shape = tuple(int(rng.integers(max(1, length - 2), length + 4)) for length in shape)
    elif rng.random() < 0.4:
        shape = (*shape[:-1], 4 * shape[-1])
    x = draw_x(domain, rng, (int(ROWS**size), *shape), float(rng.choice([0.3, 1, 3])))
    arguments = None if x.dtype.kind == "i" or rng.random() < 0.5 else varied(right.get_config(), rng)
    return Point(arguments, str(rng.choice(kinds)), bool(rng.integers(2)), x)


def varied(config: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return constructor arguments with different flags and numbers."""
    for name, value in config.items():
        if isinstance(value, bool):
            config[name] = bool(rng.integers(2))
        elif isinstance(value, int):
            config[name] = int(rng.choice([1, 2, value + 1, value + 3]))
        elif isinstance(value, float):
            config[name] = float(rng.uniform(0.05, 0.95) if 0 < value < 1 else value * rng.uniform(0.4, 2))
    return config


def takes(planted: Planted, point: Point, training: bool) -> bool:
    """Return whether the correct layer gives finite numbers at a point."""
    try:
        built = BuiltLayer(layer_at(planted, planted.right, point), point.x.shape[1:])
        y = built.layer.forward(point.x.copy(), training)
        built.layer.backward(np.ones_like(y))
    except Exception:
        return False
    return bool(np.isfinite(y).all())


def objects(
    check: Checker, planted: Planted, point: Point, rng: np.random.Generator, modes: list[bool], tolerance: float | None
) -> bool:
    """Return whether a checker objects at a point, with one layer for all modes, inputs and targets."""
    try:
        built = BuiltLayer(layer_at(planted, planted.kind, point), point.x.shape[1:])
        for call, built.training in enumerate(modes):
            if planted.is_loss:
                built.layer.turn = call
            rows = np.roll(point.x, call, axis=0)[: max(1, len(point.x) - (call == 2))]  # the third has one row fewer
            values = [0.7 * rng.standard_normal(view.shape) for view in built.values]
            check(built, rows.copy(), values, tolerance)
    except Exception:
        return True
    return False


def once(check: Checker, planted: Planted) -> bool:
    """Return whether a checker with its own tolerances objects at the default point, in training."""
    rng = np.random.default_rng(0)
    return objects(check, planted, draw(planted, rng), rng, [True], None)


def often(check: Checker, planted: Planted, tolerance: float) -> bool:
    """Return whether a checker objects at any of `POINTS` random points accepted by the correct layer."""
    rng = np.random.default_rng(0)
    tried = 0
    for _ in range(10 * POINTS):
        point = draw(planted, rng, (tried + rng.random()) / POINTS)
        modes = [training for training in (True, False) if takes(planted, point, training)]
        if objects(check, planted, point, rng, CALLS * modes, tolerance):
            return True
        tried += bool(modes)
        if tried == POINTS:
            break
    return False


def timed(ask: Callable[[], bool]) -> tuple[bool, float]:
    """Return whether a checker objects, and the seconds that it takes."""
    start = time.process_time()
    return ask(), time.process_time() - start


def examine(planted: Planted) -> dict[str, tuple[bool, float]]:
    """Return, by checker, whether it objects and how many seconds it takes."""
    found = {}
    for name in checkers():
        check, tolerance = checker(name), TOLERANCES[name]
        found[f"{name} once"] = timed(partial(once, check, planted))
        found[f"{name} x20, {tolerance:.0e}"] = timed(partial(often, check, planted, tolerance))
    return found | {"certify": timed(lambda: power.examine(planted).detected)}


def tables_of(bugs: list[Planted], right: list[Planted], results: dict[str, dict[str, tuple[bool, float]]]) -> Any:
    """Return the tables of what each checker found, with its false alarms, and of what it missed ("once" left out)."""
    rows, missed = [], []

    def counts(part: list[Planted]) -> list[str]:
        return [common.share(sum(found[p.name][0] for p in part), len(part)) for found in results.values()]

    for category in [*CATEGORIES.values(), "all"]:
        rows.append([category, *counts([planted for planted in bugs if category in (planted.category, "all")])])
    rows.append(["false alarms on the right layers", *counts(right)])
    for title, of in (("right", right), ("wrong", bugs)):
        seconds = [statistics.median(found[planted.name][1] for planted in of) for found in results.values()]
        rows.append([f"a {title} layer takes, median", *map(common.duration, seconds)])
    for title, found in results.items():
        if title.endswith("once"):
            continue
        for category in CATEGORIES.values():
            names = [planted.name for planted in bugs if planted.category == category and not found[planted.name][0]]
            missed += [[title, category, ", ".join(names)]] if names else []
    header = ["category", *results]
    return {
        "bugs that are found": common.table(header, rows),
        "bugs that are missed": common.table(["checker", "category", "missed"], missed),
    }


def main() -> None:
    arguments = common.options(__doc__, threads=1)
    step = QUICK if arguments.quick else 1
    bugs, right = BUGS[::step], CORRECT[::step]
    warnings.simplefilter("ignore")
    with np.errstate(all="ignore"):
        examined = {planted.name: examine(planted) for planted in [*bugs, *right]}
    results = {name: {planted: found[name] for planted, found in examined.items()} for name in examined[bugs[0].name]}
    common.report("checkers", arguments, tables_of(bugs, right, results), results)


if __name__ == "__main__":
    main()
