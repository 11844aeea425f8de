"""square, shapes, arguments: the same layer for other rows, and made with other arguments."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.errors import MinidlError
from minidl.testing.checks.axes import leading_axes
from minidl.testing.constants import Mentioned, mentioned
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, from_failure
from minidl.testing.points import Refused, rows_of
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
LONGEST = 400
MOST_PARAMETERS = 20_000
SHORT = 100  # rows up to here are tried in both modes
MOST = {"standard": 40, "thorough": 120}
PAIRS = 2  # combinations of values for each two arguments

REFUSALS = (MinidlError, ValueError, TypeError)


@register_check("square", after=("numeric",))
def square(examination: Examination) -> Iterator[Finding]:
    """Where batch, inputs and outputs have the same length, an axis taken for another one shows only in the numbers."""
    shape, output = examination.point.input_shape, examination.reference[0].shape[1:]
    tries: list[tuple[Shape, int]] = []
    for length in dict.fromkeys([output[-1] if output else 1, shape[-1] if shape else 1]):
        for other in ((*shape[:-1], length), (length,) * len(shape)):
            tries += [(other, length), (other, 3)]
    tries = [(other, batch) for other, batch in dict.fromkeys(tries) if batch <= 12 and (other, batch) != (shape, 3)]
    for other, batch in tries[: 1 if examination.level == "quick" else len(tries)]:
        yield from other_shape(examination, other, batch, (True,))


@register_check("shapes", after=("numeric", "mode", "batch"), level="standard")
def shapes(examination: Examination) -> Iterator[Finding]:
    """Rows of other lengths, as far as the layer accepts them; the number of axes is the author's choice."""
    shape = examination.point.input_shape
    if not shape:
        return
    code = mentioned(examination.subject.example)
    lengths = dict.fromkeys([*LENGTHS[examination.level], *code.whole(LONGEST)])
    few = dict.fromkeys([*FEW, *code.whole(40)])
    tries: dict[tuple[Shape, int], None] = {}
    tries.update(dict.fromkeys(((*shape[:-1], length), 3) for length in lengths))
    for axis in range(len(shape) - 1):
        tries.update(dict.fromkeys(((*shape[:axis], length, *shape[axis + 1 :]), 3) for length in few))
    for length in (1, 2, 5):
        tries.update({((*shape[:-1], length), 1): None, ((length,) * len(shape), length): None})
    tries[(1,) * len(shape), 3] = None
    for other, batch in tries:
        if (other, batch) != (shape, 3):
            yield from other_shape(examination, other, batch, (True, False) if max(other) <= SHORT else (True,))
    yield from leading_axes(examination)


def other_shape(examination: Examination, shape: Shape, batch: int, modes: tuple[bool, ...]) -> Iterator[Finding]:
    """Yield a finding if the layer takes rows of ``shape``, by its own account, and gets them wrong."""
    try:
        point = examination.draw(input_shape=shape, batch=batch)
        probe = examination.subject.at(point)
        if probe.parameters.values.size > MOST_PARAMETERS:
            return
        y = probe.forward(point.x.copy(), point.training)
        output = probe.layer.output_shape or ()
        if y.shape != (batch, *output) and not examination.subject.whole_batch:
            yield from _squeezed(examination, y.shape, (batch, *output))
            return  # the layer did not mean to take such rows
        if np.shape(probe.backward(point.dy.copy())["dx"]) == y.shape != point.x.shape:
            return  # NumPy's broadcasting let them pass: x + f(x) with a single feature
        for training in modes:
            finding = examination.glance(point.with_(training=training), "another shape")
            if finding is not None:
                yield finding
    except (Refused, LayerFailure):
        return
    examination.certificate.cover("shapes", point.x.shape)


def _squeezed(examination: Examination, found: Shape, expected: Shape) -> Iterator[Finding]:
    """Yield a finding if two shapes of y differ in axes of length 1 only."""
    if [length for length in found if length != 1] == [length for length in expected if length != 1]:
        why = "an axis of length 1 is squeezed away, or added"
        yield examination.finding(f"y has shape {found}, expected {expected}", "y", why)


@register_check("arguments", after=("numeric", "mode", "copies"), level="standard")
def arguments(examination: Examination) -> Iterator[Finding]:
    """Constructor arguments varied: a constant in place of an argument hides at its default."""
    for changed in variations(examination):
        told = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        yield from _stored(examination, changed)
        try:
            finding = _with(examination, changed)
        except Refused as refused:
            finding = _broken(examination, changed, refused)
            if finding is None:
                continue
        examination.certificate.cover("arguments", told)
        if finding is not None:
            finding.why = f"right at the arguments given only, wrong for {told}: {finding.why}"
            yield finding


def made_with(examination: Examination, changed: dict[str, Any]) -> Point:
    """Return a point of the layer made with other arguments.

    Raises
    ------
    Refused
        If the layer refuses them, or they are not meant for rows so short, as the 8 largest of 5 values.
    """
    point = examination.draw(arguments=changed)
    found, expected = _shapes_of_y(examination, point)
    if found != expected:
        raise Refused("not meant for rows so short")
    return point


def _shapes_of_y(examination: Examination, point: Point) -> tuple[Shape, Shape]:
    """Return the shape that y has, and the one that `build` said."""
    probe = examination.subject.at(point)
    found, output = probe.forward(point.x.copy()).shape, probe.layer.output_shape
    return found, (len(point.x), *output) if output else found


def _with(examination: Examination, changed: dict[str, Any]) -> Finding | None:
    """Return the finding if a gradient is wrong with these arguments, in either mode, for few or many rows."""
    point = examination.draw(arguments=changed)
    found, expected = _shapes_of_y(examination, point)
    if found != expected:
        finding = next(_squeezed(examination, found, expected), None)
        if finding is not None:
            return finding
        raise Refused("not meant for rows so short")
    for training in (True, False):
        here = point.with_(training=training)
        for batch in (len(point.x), 9, 1):
            try:
                there = here if batch == len(point.x) else rows_of(examination.subject, examination.rng, here, batch)
                finding = examination.glance(there, "right at the arguments given")
            except LayerFailure as failure:
                raise Refused(str(failure)) from failure
            if finding is not None:
                return finding
    return None


def _stored(examination: Examination, changed: dict[str, Any]) -> Iterator[Finding]:
    """The constructor stores what it is given, or refuses it."""
    try:
        config = examination.subject.make(changed).get_config()
    except Exception:
        return
    for name, value in changed.items():
        if (
            isinstance(value, (bool, int, float, str))
            and type(config.get(name)) is type(value)
            and config[name] != value
        ):
            message = f"the argument {name} changes in the constructor: {value!r} becomes {config[name]!r}"
            yield examination.finding(message, why="the constructor has to store each argument as it is", line="y")


def _broken(examination: Examination, changed: dict[str, Any], refused: Refused) -> Finding | None:
    """Return the finding if the layer raises what is no refusal: in backward, or oddly for a flag turned over."""
    failure = refused.__cause__ or refused.__context__
    if not isinstance(failure, LayerFailure) or isinstance(failure.error, NotImplementedError):
        return None
    flag = all(isinstance(value, bool) for value in changed.values())
    if failure.method == "backward" or (flag and not isinstance(failure.error, REFUSALS)):
        return from_failure(examination.check, failure)
    return None


def variations(examination: Examination) -> list[dict[str, Any]]:
    """Return the changes of arguments to try, the arguments by turns: one alone, then two together, then one again."""
    declared = getattr(examination.subject.cls, "certify_arguments", {})
    code = mentioned(examination.subject.example)
    others = {name: list(values) for name, values in declared.items()}
    for name, value in examination.subject.arguments.items():
        if name not in declared and name not in FIXED:
            others[name] = [other for other in _others(name, value, code) if other != value or other is not value]
    others = {name: values for name, values in others.items() if values}
    rounds = itertools.zip_longest(*[[{name: value} for value in values] for name, values in others.items()])
    alone = [change for changes in rounds for change in changes if change is not None]
    pairs = [
        {one: others[one][turn % len(others[one])], two: others[two][turn // 2 % len(others[two])]}
        for turn in range(PAIRS)
        for one, two in itertools.combinations(others, 2)
    ]
    first = 2 * len(others)
    most = MOST[examination.level]
    return [*alone[:first], *pairs[: most // 2], *alone[first:]][:most]


def _others(name: str, value: Any, code: Mentioned) -> list[Any]:
    if isinstance(value, (bool, np.bool_)):
        return [not value]
    if name in AXES:
        return [other for other in (-1, 1, 2, -2) if isinstance(value, int) and other != value]
    if isinstance(value, (int, np.integer)):
        whole = [*(number for number in code.whole(40)), value + 1, value - 1, 1, 2, 3, 8, value + 20]
        return [other for other in dict.fromkeys(whole) if 0 < other != value]
    if isinstance(value, (float, np.floating)):
        # What lies between 0 and 1 stays there: a rate, a slope, a quantile may mean nothing beyond.
        part = 0 < value < 1
        others = [0.37 * value or 0.3, 2.3 * value + 0.1, 0.0, 1e-12, 1.0, 10.0, 0.7]
        others += [0.5 + 0.5 * value, 0.97, 0.999] if part else [30.0]
        others += [factor * number for number in code.numbers for factor in (1.0, 1.3, 0.8)]
        return [other for other in dict.fromkeys(others) if other != value and (not part or other <= 1 or value < 0.1)]
    if isinstance(value, str):
        return [word for word in code.words if word != value]
    if value is None:
        return [0.6, 2, True, *code.words]
    if isinstance(value, tuple) and value and all(isinstance(item, int) for item in value):
        return [tuple(item + 1 for item in value), tuple(1 for _ in value), (value[0] + 1, *value[1:]), (1, *value[1:])]
    return []
