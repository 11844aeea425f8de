"""square, shapes, arguments: the layer is correct for other row shapes and other constructor arguments too."""

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from minidl.layers.base import Layer
from minidl.testing.agreement import close
from minidl.testing.checks.trial import trial
from minidl.testing.constants import Constants, constants_of
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.points import Refused
from minidl.testing.probe import LayerFailure, Point
from minidl.testing.registry import register_check
from minidl.typing import Shape

FIXED = {"seed", "random_state", "dim", "ndim", "name", "dtype", "trainable"}
AXES = {"axis", "axes"}
LENGTHS = {
    "quick": (),
    "standard": (*range(1, 11), 12, 13, 16, 17, 20, 24, 31, 32, 33, 40, 50, 64, 65, 100, 128, 129, 256, 400),
    "thorough": (*range(1, 70), 99, 100, 101, 127, 128, 129, 200, 255, 256, 257, 500, 512, 600),
}
FEW = (1, 2, 3, 5, 8, 9, 16, 400)
LEADING: tuple[Shape, ...] = ((5,), (7,), (3, 5))  # extra axes of two lengths, so that one differs from the row's
LONGEST = 400
SHORT = 100  # rows up to here are tried in both modes
MOST = {"standard": 40, "thorough": 120}
PAIRS = 2  # combinations of values for each pair of arguments
TINY = 0.01  # smaller numbers, such as an epsilon, guard against 0


@register_check("square", after=("numeric",))
def square(examination: Examination) -> Iterator[Finding]:
    """If batch, inputs and outputs have equal lengths, a mix-up of axes shows only in the values."""
    shape, output = examination.point.input_shape, examination.reference["y"].shape[1:]
    tries: list[tuple[Shape, int]] = []
    for length in dict.fromkeys([output[-1] if output else 1, shape[-1] if shape else 1]):
        for other in ((*shape[:-1], length), (length,) * len(shape)):
            tries += [(other, length), (other, 3)]
    tries = [(other, batch) for other, batch in dict.fromkeys(tries) if batch <= 12]
    yield from _shapes(examination, tries[: 2 if examination.level == "quick" else len(tries)], both=0)


@register_check("shapes", after=("numeric", "mode", "batch"), level="standard")
def shapes(examination: Examination) -> Iterator[Finding]:
    """Test rows of other lengths and with more axes, if the layer accepts them."""
    shape, constants = examination.point.input_shape, constants_of(examination.subject.example)
    if not shape:
        raise Skipped("a row is one number")
    tries = [((*shape[:-1], length), 3) for length in (*LENGTHS[examination.level], *constants.lengths(LONGEST))]
    for axis, length in itertools.product(range(len(shape) - 1), (*FEW, *constants.lengths(40))):
        tries.append(((*shape[:axis], length, *shape[axis + 1 :]), 3))
    for length in (1, 2, 5):
        tries += [((*shape[:-1], length), 1), ((length,) * len(shape), length)]
    tries.append(((1,) * len(shape), 3))
    tries = [(row, batch) for row, batch in tries if max(row) <= examination.subject.longest]
    yield from _shapes(examination, tries, both=SHORT)
    for leading, training in itertools.product(LEADING, examination.subject.modes):
        make = partial(_rows_of_rows, examination, (*leading, shape[-1]), training)
        yield from trial(examination, "another shape", make, covers="shapes")


def _rows_of_rows(examination: Examination, shape: Shape, training: bool) -> Point:
    """Return a point whose rows have more axes, along which forward measurably treats entries as further rows."""
    subject = examination.subject
    if subject.whole_batch or subject.fixed_shape or callable(subject.domain):
        raise Refused("rows have one shape")
    point = examination.draw(input_shape=shape, batch=2, training=training)
    many, one = subject.at(point), subject.probe(shape[-1:])
    if (examination.certificate.input_shape and not many.values) or many.draws_at(point):
        raise Refused("nothing is built for these axes")
    if {n: v.shape for n, v in {**many.values, **many.states}.items()} != {
        n: v.shape for n, v in {**one.values, **one.states}.items()
    }:
        raise Refused("each place along the further axes has its own parameters")
    y = many.forward(point.x.copy(), training)
    alone = one.set(point.parameters, point.states).forward(point.x.reshape(-1, shape[-1]), training)
    if y.size != alone.size or not close(alone, y.reshape(alone.shape), examination.at_least_rounding(1e-12)):
        raise Refused("further axes are no further rows")
    if type(many.layer).build is Layer.build:
        try:
            subject.run(point)
        except LayerFailure:
            raise Refused("nothing is built for these axes") from None
    return point


def _shapes(examination: Examination, tries: list[tuple[Shape, int]], both: int) -> Iterator[Finding]:
    """Yield a finding for a row shape that the layer accepts but gets wrong; short rows are tested in both modes."""
    if examination.subject.fixed_shape:
        raise Skipped("the class declares that rows have one shape")
    for shape, batch in dict.fromkeys(tries):
        if (shape, batch) == (examination.point.input_shape, 3):
            continue
        make = partial(examination.draw, input_shape=shape, batch=batch)
        modes = examination.subject.modes if max(shape, default=1) <= both else (True,)
        yield from trial(examination, "another shape", make, covers="shapes", modes=modes)


@register_check("arguments", after=("numeric", "mode", "copies"), level="standard")
def arguments(examination: Examination) -> Iterator[Finding]:
    """Vary the constructor arguments: a constant used in place of an argument goes unnoticed at the default."""
    own = examination.subject.arguments
    for changed in variations(examination):
        told = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        yield from _stored(examination, changed)
        drawn = list(examination.drawn(arguments=changed))
        tries = [partial(point.with_) for first in drawn for point in examination.batches(9, 1, point=first)]
        # A value that replaces None may be of the wrong type.
        if not drawn and all(own.get(name) is not None for name in changed):
            tries = [partial(examination.draw, arguments=changed)]
        for make in tries:
            for finding in trial(examination, told, make):
                finding.why = f"right at the arguments given only, wrong for {told}: {finding.why}"
                yield finding
        examination.certificate.cover("arguments", told)


def _stored(examination: Examination, changed: dict[str, Any]) -> Iterator[Finding]:
    """The constructor stores its arguments, or rejects them."""
    try:
        config = examination.subject.make(changed).get_config()
    except Exception:
        return
    for name, value in changed.items():
        plain = isinstance(value, (bool, int, float, str)) and type(config.get(name)) is type(value)
        if plain and config[name] != value:
            message = f"the argument {name} changes in the constructor: {value!r} becomes {config[name]!r}"
            yield examination.finding(message, why="the constructor has to store each argument as it is", line="y")


def variations(examination: Examination) -> list[dict[str, Any]]:
    """Return the argument changes to try: single arguments in turn, then pairs, then the remaining single ones."""
    subject, constants = examination.subject, constants_of(examination.subject.example)
    declared = getattr(subject.cls, "certify_arguments", {})
    others: dict[str, list[Any]] = {}
    for name in dict.fromkeys([*declared, *subject.arguments]):
        value = subject.arguments.get(name)
        found = [] if name in FIXED else _others(name, value, constants)
        values = [*declared.get(name, ()), *(v for v in found if _makes_sense(name, value, v, subject.arguments))]
        if values:
            others[name] = values
    rounds = itertools.zip_longest(*[[{name: value} for value in values] for name, values in others.items()])
    alone = [change for changes in rounds for change in changes if change is not None]
    pairs = [
        {one: others[one][turn % len(others[one])], two: others[two][turn // 2 % len(others[two])]}
        for turn in range(PAIRS)
        for one, two in itertools.combinations(others, 2)
    ]
    first, most = 2 * len(others), MOST[examination.level]
    return [*alone[:first], *pairs[: most // 2], *alone[first:]][:most]


def _makes_sense(name: str, value: Any, other: Any, arguments: dict[str, Any]) -> bool:
    """Return whether a number keeps its order among the other arguments: low stays below high, an epsilon above 0."""
    if isinstance(other, bool) or not isinstance(other, (int, float)) or not isinstance(value, (int, float)):
        return True
    if isinstance(other, float) and 0 < value < TINY and not 1e-9 < other < 1:
        return False
    peers = [peer for key, peer in arguments.items() if key != name and type(peer) is type(value)]
    if isinstance(value, float):
        return all((value < peer) == (other < peer) and (value == peer or other != peer) for peer in peers)
    return all(value == peer or (value - peer) * (other - peer) >= 0 for peer in peers)


def _others(name: str, value: Any, constants: Constants) -> list[Any]:
    found: list[Any] = []
    if isinstance(value, (bool, np.bool_)):
        found = [not value]
    elif name in AXES:
        found = [-1, 1, 2, -2] if isinstance(value, int) else []
    elif isinstance(value, (int, np.integer)):
        found = [*constants.lengths(40), value + 1, value - 1, 1, 2, 3, 8, value + 20, 0]
        found = [other for other in found if other >= 0]
    elif isinstance(value, (float, np.floating)):
        # Values between 0 and 1 stay there: a rate, slope or quantile may be meaningless outside.
        part = 0 < value < 1
        found = [0.37 * value or 0.3, 2.3 * value + 0.1, 0.0, 1e-12, 1.0, 10.0, 0.7]
        found += [0.5 + 0.5 * value, 0.97, 0.999] if part else [30.0]
        found += [factor * number for number in constants.numbers for factor in (1.0, 1.3, 0.8)]
        found = [other for other in found if not part or other <= 1 or value < 0.1]
    elif isinstance(value, str):
        found = list(constants.words)
    elif value is None:
        found = [0.6, 2, True, *constants.words]
    elif isinstance(value, tuple) and value and all(isinstance(item, int) for item in value):
        found = [tuple(item + 1 for item in value), (1,) * len(value), (value[0] + 1, *value[1:]), (1, *value[1:])]
    return [other for other in dict.fromkeys(found) if other != value or other is not value]
