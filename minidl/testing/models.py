"""certify_model: every layer of a model at its real input and upstream gradient, so that the wrong one is named."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minidl.errors import ArgumentError
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.sequential import Sequential
from minidl.testing.certificate import FAIL, Certificate, CertificationError
from minidl.testing.certification import Request, examine
from minidl.testing.own_loss import own_loss_point, own_loss_subjects
from minidl.testing.points import draw_dy
from minidl.testing.probe import Arrays, Point
from minidl.testing.subject import Subject
from minidl.typing import Array

ROWS = 8
CHECKS = ("contract", "linear-in-u", "here")


class Call(NamedTuple):
    """What one layer of a model was given in one pass."""

    name: str
    layer: Layer
    x: Array
    dy: Array


def certify_model(
    model: Sequential, x: Any, y: Any, *, level: str = "standard", seed: int = 0, on_fail: str = "raise"
) -> Certificate:
    """Certify each layer of a compiled model on the first rows of real data.

    Parameters
    ----------
    model : Sequential
        Compiled with a loss. It stays untouched.
    x, y : array-like
        Data; a few rows are enough. The other arguments are those of `certify`.

    Raises
    ------
    CertificationError
        If a layer is wrong; the report names it. Where the data tell too little about a layer, as in saturation, the
        certificate says so and is false.
    ArgumentError
        For anything that is no model.

    Examples
    --------
    >>> from minidl.testing import certify_model
    >>> model = Sequential([Input((2,)), Dense(3, activation="tanh"), Dense(1)], seed=0)
    >>> model.compile(loss="mse")
    >>> certify_model(model, np.ones((4, 2)), np.zeros((4, 1))).outcome
    'PASS'
    """
    if not isinstance(model, Sequential):
        raise ArgumentError(
            f"certify_model: expected a Sequential model, got {model!r}. For one layer there is certify."
        )
    twin = model.copy()
    rows = np.asarray(x)[:ROWS]
    if twin.network is None:
        twin.build((None, *rows.shape[1:]))
    batch = twin.connected("certify_model").inputs.batch(rows, np.asarray(y)[:ROWS], None, who="certify_model: ")
    total = Certificate(repr(model), seed, level, "certify_model")
    for call in calls(twin, *batch[:2]):
        label = call.name
        certificate = certify_call(call, level, seed)
        total.absorb(certificate, label)
        total.sensitivity.update({f"{label}/{name}": value for name, value in certificate.sensitivity.items()})
    if total.outcome == FAIL and on_fail == "raise":
        raise CertificationError(total)
    return total


def calls(model: Sequential, x: Array, y: Array) -> Iterator[Call]:
    """Run one training pass by hand and return what each layer was given in it."""
    network, inputs = model.built("certify_model"), []
    layers = network.layers
    for layer in layers:
        inputs.append(x)
        x = layer.forward(x, True)
    assert model.loss is not None
    model.loss.forward(x, y)
    dy = model.loss.backward()
    found = []
    for name, layer, given in reversed(list(zip(network.names, layers, inputs, strict=True))):
        found.append(Call(name, layer, given, dy))
        dy = layer.backward(dy)
    yield from reversed(found)


def certify_call(call: Call, level: str = "quick", seed: int = 0) -> Certificate:
    """Certify one layer alone at what it was given, its parameters as they are."""
    subject = Subject(call.layer)
    if call.x.dtype.kind in "iu":
        subject.domain = ("integer", int(call.x.max()) + 1)
    parameters: Arrays = {}
    states: Arrays = {}
    for path, layer in walk({"layer": call.layer}):
        for name, declaration in layer.declared.items():
            key = f"{path}/{name}".removeprefix("layer/")
            (parameters if declaration.trained else states)[key] = layer.views[name].astype(float)
    exact = call.x if call.x.dtype.kind in "iu" else call.x.astype(float)
    dy = call.dy.astype(float)
    if not dy.any() or not np.isfinite(dy).all():  # nothing comes from above: any upstream gradient will do
        dy = draw_dy(np.random.default_rng(seed), dy.shape)
    point = Point(exact, dy, parameters, states)
    certificate = examine(subject, Request(level=level, seed=seed, checks=CHECKS), point)
    for own in own_loss_subjects(subject):
        certificate.absorb(
            examine(own, Request(level=level, seed=seed, checks=CHECKS), own_loss_point(point)), "own loss"
        )
    return certificate
