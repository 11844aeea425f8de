"""certify_model: certifies every layer of a model at its real input and upstream gradient, and names the wrong one."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.layers.base import Layer
from minidl.parameters import Parameters
from minidl.sequential import Sequential
from minidl.testing.certificate import Certificate, CertificationError
from minidl.testing.certification import examine
from minidl.testing.examination import Examination
from minidl.testing.findings import FAIL
from minidl.testing.points import draw_dy
from minidl.testing.probe import Point, Probe
from minidl.testing.subject import Subject
from minidl.typing import Array

ROWS = 8
CHECKS = ("contract", "linear-in-u", "here")


def certify_model(
    model: Sequential, x: Any, y: Any, *, level: str = "standard", seed: int = 0, on_fail: str = "raise"
) -> Certificate:
    """Certify each layer of a compiled model on the first rows of real data.

    Parameters
    ----------
    model : Sequential
        Compiled with a loss. It is left unchanged.
    x, y : array-like
        Data; a few rows are enough. The other arguments are those of `certify`.

    Raises
    ------
    CertificationError
        If a layer is wrong; the report names it. If the data tell too little about a layer, as in saturation, the
        certificate says so and is false.
    ArgumentError
        If ``model`` is not a model.

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
    for label, layer, given, dy in _passes(twin, *batch[:2]):
        certificate = _certify_at(layer, given, dy, level, seed)
        total.absorb(certificate, label)
        total.sensitivity.update({f"{label}/{name}": value for name, value in certificate.sensitivity.items()})
    if total.outcome == FAIL and on_fail == "raise":
        raise CertificationError(total)
    return total


def _passes(model: Sequential, x: Array, y: Array) -> Iterator[tuple[str, Layer, Array, Array]]:
    """Run one training pass by hand; yield each layer's name, the layer, its input and its upstream gradient."""
    network, inputs = model.built("certify_model"), [x]
    for layer in network.layers:
        inputs.append(layer.forward(inputs[-1], True))
    assert model.loss is not None
    model.loss.forward(inputs.pop(), y)
    upstream = [model.loss.backward()]
    for layer in reversed(network.layers):
        upstream.append(layer.backward(upstream[-1]))
    yield from zip(network.names, network.layers, inputs, upstream[-2::-1], strict=True)


def _certify_at(layer: Layer, x: Array, dy: Array, level: str, seed: int) -> Certificate:
    """Certify one layer alone at its input, upstream gradient and current parameters."""
    subject, rng = Subject(layer), np.random.default_rng(seed)
    integer = x.dtype.kind in "iu"
    if integer:
        subject.domain = ("integer", int(x.max()) + 1)
    probe = Probe(layer, rng, Parameters({}))
    parameters, states = ({n: v.astype(float) for n, v in arrays.items()} for arrays in (probe.values, probe.states))
    dy = dy.astype(float)
    if not dy.any() or not np.isfinite(dy).all():  # no gradient arrives from above, so any upstream gradient will do
        dy = draw_dy(rng, dy.shape)
    point = Point(x if integer else x.astype(float), dy, parameters, states)
    return examine(Examination(subject, level, seed), point, checks=CHECKS)
