"""Trace: one forward and backward step of a model, as arrays."""

import copy
from typing import Any, NamedTuple

from minidl.layers import Layer
from minidl.layers.tree import join, running_inside, walk
from minidl.typing import Array, Model


class Step(NamedTuple):
    """The arrays of one layer: ``y = forward(x)``, ``dx = backward(dy)``.

    ``values`` and ``gradients`` hold its parameters by name; ``dy = dL/dy`` where L is the loss of the whole batch.
    """

    layer: Layer
    x: Array
    y: Array
    dy: Array
    dx: Array
    values: dict[str, Array]
    gradients: dict[str, Array]


class Trace(NamedTuple):
    """One pass through a model: the loss, and the `Step` of each layer by path, from the first layer to the last.

    A `Dense` and its activation are two steps, with the paths ``"dense"`` and ``"dense/activation"``. Nested layers
    follow their layer, as in ``"residual/layers_0"``; if a layer is called several times, its last call is recorded.
    """

    loss: float
    steps: dict[str, Step]


def trace(model: Model, x: Any, y: Any) -> Trace:
    """Return every layer's output and gradients for one batch; the model is not changed.

    The layers run in inference mode: dropout does nothing.

    Parameters
    ----------
    model : Sequential
        Built and compiled.
    x : array-like of shape (rows, ...)
    y : array-like of shape (rows,) or (rows, outputs)

    Raises
    ------
    StateError
        If the model is not built, or has no loss.
    ArgumentError, DataError, ShapeError
        If the samples cannot be used for training.

    Notes
    -----
    If training stops at the logits, ``dx`` of the last layer is the exact gradient at the logits, ``(A - Y) / m``; its
    ``dy`` is the gradient at the probabilities, which training never uses.

    Examples
    --------
    >>> model = Sequential([Input((2,)), Dense(1, activation="sigmoid")], seed=0, dtype="float64")
    >>> model.compile("sgd", "binary_crossentropy")
    >>> steps = trace(model, [[0.0, 1.0], [2.0, 3.0]], [0, 1]).steps
    >>> {name: step.y.shape for name, step in steps.items()}
    {'dense': (2, 1), 'dense/activation': (2, 1)}
    """
    twin = model.copy()
    rows, targets, _ = twin.connected("trace").inputs.batch(x, y, None)
    objective, network, loss = twin.trainer.objective, twin.network, copy.copy(twin.loss)
    chain = dict(zip(network.names, network.layers, strict=True))
    calls = {path: (part, _record(part)) for path, part in walk(chain, inside=running_inside)}
    value = loss.forward(network.forward(rows), targets)
    dy = loss.backward()
    if objective.activation is not None:  # training stops at the logits
        last = calls[network.names[-1]][1]
        objective.loss.forward(last["x"], targets)
        last.update(dy=dy, dx=objective.loss.backward())
        dy = last["dx"]
    objective.network.backward(dy)
    value += network.penalty(gradients=True) + network.own_losses()
    steps = {path: _step(part, **arrays) for path, (part, arrays) in calls.items() if len(arrays) == 4}
    return Trace(float(value), steps)


def _step(layer: Layer, x: Array, y: Array, dy: Array, dx: Array) -> Step:
    values, gradients = {}, {}
    for path, part in [("", layer), *walk(layer.sublayers())]:
        for name in part.parameter_names:
            values[join(path, name)], gradients[join(path, name)] = part.views[name], part.views[f"d{name}"]
    return Step(layer, x, y, dy, dx, values, gradients)


def _record(layer: Layer) -> dict[str, Array]:
    """Return a dict that collects the arrays of the layer's last calls, under their names in `Step`."""
    calls: dict[str, Array] = {}
    forward, backward = layer.forward, layer.backward

    def recorded_forward(x: Array, training: bool = False) -> Array:
        calls["x"], calls["y"] = x, forward(x, training)
        return calls["y"]

    def recorded_backward(dy: Array) -> Array:
        calls["dy"], calls["dx"] = dy, backward(dy)
        return calls["dx"]

    vars(layer).update(forward=recorded_forward, backward=recorded_backward)
    return calls
