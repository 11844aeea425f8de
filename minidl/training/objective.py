"""Objective: a network and the loss behind it, the only place where a training pass happens.

A Sigmoid or Softmax before its own cross-entropy is left out: training stops at the logits, dZ = A - Y.
"""

import copy
from typing import Any, Self

import numpy as np

from minidl.contract import CheckedLoss
from minidl.errors import ArgumentError
from minidl.layers import Dense, Layer, Sigmoid, Softmax
from minidl.layers.activations import ActivationLayer
from minidl.losses import Loss
from minidl.network import Network
from minidl.typing import Array

LINKS: dict[str, type] = {"sigmoid": Sigmoid, "softmax": Softmax}
ENDS: dict[type, str] = {Sigmoid: "sigmoid", Softmax: "softmax", Dense: "linear"}


class Objective:
    """The loss of a network's outputs, and its gradients.

    Parameters
    ----------
    network : Network
    loss : Loss

    Attributes
    ----------
    network : Network
        The layers that run in training: all but the activation that is left out.
    loss : Loss
        On logits if an activation is left out.
    activation : Layer or None
        The activation that is left out; `outputs` applies it.

    Raises
    ------
    ArgumentError
        If the loss expects probabilities or logits and the network ends in the other.
    """

    def __init__(self, network: Network, loss: Loss) -> None:
        check_end(network.layers, network.output_shape, loss)
        self.activation: Layer | None = None
        last = network.layers[-1]
        if loss.link is not None and not loss.from_logits and type(last) is LINKS[loss.link]:
            self.activation, network, loss = last, network.without_last(), loss.on_logits()
        self.network, self.loss = network, loss

    def loss_and_gradients(self, x: Array, y: Array, weight: Array | None) -> tuple[float, Array]:
        """Set all gradients for a checked batch; return the loss, penalties included, and the logits or outputs."""
        network = self.network
        z = network.forward(x, True)
        loss = self.loss.forward(z, y, weight)
        network.backward_parameters(self.loss.backward())
        if network.penalties:
            loss += network.penalty(gradients=True)
        for part in network.frozen_parts():
            network.parameters.gradients[part] = 0
        return loss, z

    @np.errstate(all="ignore")
    def outputs(self, z: Array) -> Array:
        """Return the model's outputs, given what `loss_and_gradients` returned."""
        return z if self.activation is None else self.activation.forward(z)

    def inference_twin(self) -> Self:
        """Return a twin that keeps no cache, for use beside a training pass."""
        return self._with(self.network.inference_twin(), copy.copy(self.loss))

    def checked(self) -> Self:
        """Return the same objective with every call of a layer or the loss compared with its contract."""
        return self._with(self.network.checked(), CheckedLoss(self.loss))

    def _with(self, network: Network, loss: Any) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(vars(self), network=network, loss=loss)
        return twin


def check_end(layers: tuple[Layer, ...], output_shape: tuple[int, ...] | None, loss: Loss) -> None:
    """Raise an `ArgumentError` if ``loss`` expects probabilities or logits and the last layer gives the other."""
    link, name = loss.link, loss.get_name()
    if link is None or not layers:
        return
    last = type(layers[-1])
    end = ENDS.get(last, "activation" if issubclass(last, ActivationLayer) else None)
    if loss.from_logits and end in ("sigmoid", "softmax"):
        raise ArgumentError(
            f"compile: loss: expected a model that ends in logits for {name}(from_logits=True), "
            f"got one that ends in {last.__name__}. Leave out one of the two."
        )
    if not loss.from_logits and end not in (None, link):
        raise ArgumentError(
            f"compile: loss: expected a model that ends in {link.capitalize()} for {name}, got one that ends in "
            f"{last.__name__}. Add {link.capitalize()}() or use another loss."
        )
    if link == "softmax" and output_shape is not None and output_shape[-1:] == (1,):
        raise ArgumentError(
            f"compile: loss: expected a model with at least 2 outputs for {name}, got 1: the loss would always be 0. "
            "Give it an output for each class, or use binary_crossentropy."
        )
