"""Second half of `shapes`: rows of more axes than one, for layers that act on the last axis alone."""

import math
from collections.abc import Iterator

from minidl.testing.checks.equality import close, named
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding
from minidl.testing.points import Refused
from minidl.testing.probe import LayerFailure, Point, Probe
from minidl.typing import Shape

BATCH = 2
LEADING: tuple[Shape, ...] = ((5,), (7,), (3, 5))  # two lengths, so that one is not that of the row


def leading_axes(examination: Examination) -> Iterator[Finding]:
    """Where forward takes what lies along further axes as further rows, as measured, backward must do so too."""
    subject, shape = examination.subject, examination.point.input_shape
    if not shape or subject.whole_batch or callable(subject.domain):
        return
    for leading in LEADING:
        try:
            point = examination.draw(input_shape=(*leading, shape[-1]), batch=BATCH)
            for training in (True, False):
                yield from _as_rows(examination, point.with_(training=training), leading)
        except (Refused, LayerFailure):
            continue  # the number of axes is the author's choice


def _as_rows(examination: Examination, point: Point, leading: Shape) -> Iterator[Finding]:
    subject, rows = examination.subject, BATCH * math.prod(leading)
    many, one = subject.at(point), subject.probe(point.input_shape[-1:])
    output = one.layer.output_shape or ()
    # By its own account the layer keeps the further axes; not so one that looks at the last length only. Where there
    # is nothing to build, the author has not been asked.
    meant = bool(output) and many.layer.output_shape == (*leading, *output)
    if not meant or not many.values or _shapes(one) != _shapes(many) or many.draws_at(point):
        return
    x = point.x.reshape(rows, -1)
    y = many.forward(point.x.copy(), point.training)
    alone = one.set(point.parameters, point.states).forward(x.copy(), point.training)
    if y.shape != (BATCH, *leading, *output) or not close(alone, y.reshape(alone.shape), 1e-12):
        return
    found = named(*many.run(point))
    expected = named(*one.run(point.with_(x=x, dy=point.dy.reshape(alone.shape))))
    for name, value in expected.items():
        if found[name].size != value.size or not close(found[name].reshape(value.shape), value, 1e-10):
            message = f"{name} for inputs of shape {point.x.shape} is not that of the same rows as {x.shape}"
            why = "forward takes further axes as further rows, backward does not: reshape, or refuse them in build"
            yield examination.finding(message, name, why)
    examination.certificate.cover("shapes", point.x.shape)


def _shapes(probe: Probe) -> dict[str, Shape]:
    return {name: value.shape for name, value in {**probe.values, **probe.states}.items()}
