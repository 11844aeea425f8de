"""Messages about a training step that produced NaN or infinity."""

import math
from typing import Any

import numpy as np

from minidl.network import Network
from minidl.training.objective import Objective
from minidl.typing import Array

Where = tuple[str, int, int]  # call, epoch and batch


def non_finite(objective: Objective, optimizer: Any, x: Array, loss: float, where: Where) -> str:
    """Return the message that names the first non-finite array."""
    network = objective.network
    layer = first_layer(network, x)
    first = f"the output of {layer}" if layer else "the loss itself"
    own = next((part for part in network.with_own_loss if layer is None and not math.isfinite(part.own_loss())), None)
    if own is not None:
        first = f"the own loss of {own.label}"
    elif layer is None and math.isfinite(loss):
        first = first_gradient(objective)
    return (
        f"{call_of(where)}expected a finite loss and finite gradients, got loss {loss:g}; "
        f"the first array that is not finite is {first}. "
        f"The weights are those of the last finite step. Lower the learning rate "
        f"({optimizer.learning_rate:g} now), scale the data, or clip the gradients."
    )


def first_gradient(objective: Objective) -> str:
    """Return a description of the first non-finite gradient of the last pass, going backward from the loss."""
    network, dy = objective.network, objective.loss.backward()
    if not np.isfinite(dy).all():
        return f"what {type(objective.loss).__name__}.backward returns"
    for index in range(len(network.layers) - 1, network.lowest - 1, -1):
        layer, path = network.layers[index], network.names[index]
        if index == network.lowest:
            layer.backward_parameters(dy)
        else:
            dy = layer.backward(dy)
        for name in reversed(list(network.parameters)):
            if name.startswith(f"{path}/") and not np.isfinite(network.parameters.gradient(name)).all():
                holder, _, name = name.rpartition("/")
                return f"the gradient d{name} of layer {holder!r}"
        if not np.isfinite(dy).all():
            return f"the dx that backward of {layer.label} returns"
    return "the gradient of a regularizer"


def first_layer(network: Network, x: Array) -> str | None:
    """Return a description of the first layer with non-finite output, or None."""
    for training in (False, True):
        y = x
        for layer in network.inference_twin().layers:
            y = layer.forward(y, training)
            if not np.isfinite(y).all():
                return layer.label + (" in training" if training else "")
    return None


def overflow(optimizer: Any, values: Array, where: Where) -> str:
    """Return the message for an update that overflows."""
    return (
        f"{call_of(where)}the update overflowed {values.dtype} (learning rate {optimizer.learning_rate:g}). "
        "The weights are those before it. Lower the learning rate or clip the gradients."
    )


def call_of(where: Where) -> str:
    """Return the prefix of messages about a step, such as ``fit: epoch 1, batch 0: ``."""
    call, epoch, batch = where
    return f"fit: epoch {epoch + 1}, batch {batch}: " if call == "fit" else f"{call}: "
