"""Objective: a network with its loss, the only place where training passes run.

A Sigmoid or Softmax before its matching cross-entropy is omitted: training stops at the logits, dZ = A - Y.
"""

import copy
from typing import Any, Self

from minidl.contract import CheckedLoss, note_layer
from minidl.layers import Layer
from minidl.losses import Loss
from minidl.network import Network
from minidl.training.link import LINKS, check_end
from minidl.typing import Array


class Objective:
    """The loss of a network's outputs, and its gradients.

    Parameters
    ----------
    network : Network
    loss : Loss

    Attributes
    ----------
    network : Network
        The layers that run in training: all but an omitted activation.
    loss : Loss
        The loss, on logits if an activation is omitted.
    activation : Layer or None
        The omitted activation, which `outputs` applies.

    Raises
    ------
    ArgumentError
        If the loss expects probabilities and the network returns logits, or vice versa.
    """

    def __init__(self, network: Network, loss: Loss) -> None:
        check_end(network.layers, network.output_shape, loss)
        self.activation: Layer | None = None
        last = network.layers[-1]
        if loss.link is not None:  # copied here, as its settings are fixed; those of other losses may change
            if not loss.from_logits and type(last) is LINKS[loss.link]:
                self.activation, network = last, network.without_last()
            loss = loss.copy_with(from_logits=loss.from_logits or self.activation is not None, trusts_targets=True)
        self.network, self.loss = network, loss

    def loss_and_gradients(self, x: Array, y: Array, weight: Array | None) -> tuple[float, Array]:
        """Set all gradients for a checked batch; return the loss (with penalties) and the logits or outputs."""
        network = self.network
        try:
            z = network.forward(x, True)
            loss = self.loss.forward(z, y, weight)
            network.backward_parameters(self.loss.backward())
        except Exception as error:
            note_layer(error)
            raise
        if network.penalties or network.with_own_loss:
            loss += network.penalty(gradients=True) + network.own_losses()
        for part in network.frozen:
            network.parameters.gradients[part] = 0
        return loss, z

    def outputs(self, z: Array) -> Array:
        """Return the model's outputs, given the logits or outputs that `loss_and_gradients` returned."""
        return z if self.activation is None else self.activation.forward(z)

    def inference_twin(self) -> Self:
        """Return a twin that shares no caches, for use during a training pass."""
        return self._with(self.network.inference_twin(), copy.copy(self.loss))

    def checked(self) -> Self:
        """Return the objective with every call of a layer or the loss checked against its contract."""
        return self._with(self.network.checked(), CheckedLoss(self.loss))

    def _with(self, network: Network, loss: Any) -> Self:
        twin = object.__new__(type(self))
        twin.__dict__.update(vars(self), network=network, loss=loss)
        return twin
