"""Trace: one forward and backward step of a model, as arrays."""

import copy
from typing import Any, NamedTuple

from minidl.layers import Layer
from minidl.layers.tree import join, walk
from minidl.typing import Array, Model


class Step(NamedTuple):
    """What one layer did: ``y = forward(x)``, ``dx = backward(dy)``.

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
    """One pass through a model: the loss, and the `Step` of each layer by its path, from the lowest up.

    Paths are such as ``"dense"`` and ``"dense/activation"``: there `Dense` and its activation are two steps.
    """

    loss: float
    steps: dict[str, Step]


def trace(model: Model, x: Any, y: Any) -> Trace:
    """Return every layer's output and gradients for one batch; the model stays as it is.

    The layers run as in use, not as in training: dropout does nothing.

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
        For rows that cannot be trained on.

    Notes
    -----
    Where training stops at the logits, ``dx`` of the last layer is that exact gradient, ``(A - Y) / m``; its ``dy`` is
    the gradient at the probabilities, which training never uses.

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
    inputs = [rows]
    for layer in network.layers:
        inputs.append(layer.forward(inputs[-1], False))
    value = loss.forward(inputs[-1], targets)
    gradients = [loss.backward()]
    for layer in reversed(network.layers):
        if layer is objective.activation:  # training stops at the logits
            objective.loss.forward(inputs[-2], targets)
            gradients.insert(0, objective.loss.backward())
        else:
            gradients.insert(0, layer.backward(gradients[0]))
    value += network.penalty(gradients=True) + network.own_losses()
    steps = {}
    for index, (name, layer) in enumerate(zip(network.names, network.layers, strict=True)):
        own = {path: part.views for path, part in walk({"": layer}) if part.declared}
        steps[name] = Step(
            layer, inputs[index], inputs[index + 1], gradients[index + 1], gradients[index],
            {join(path, key): views[key] for path, views in own.items() for key in views if f"d{key}" in views},
            {join(path, key): views[f"d{key}"] for path, views in own.items() for key in views if f"d{key}" in views},
        )  # fmt: skip
    return Trace(float(value), steps)
