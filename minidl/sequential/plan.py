"""Plan: one training pass of a compiled model, worked out once.

It knows which layers run, that a Sigmoid or Softmax before its own cross-entropy is left out (training
stops at the logits, dZ = A - Y), where backward may stop, and what is frozen.
"""

import copy
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.layers import Layer, Sigmoid, Softmax
from minidl.layers.base import walk
from minidl.losses import Loss
from minidl.sequential.contract import Watched, WatchedLoss
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential.model import Sequential

BLOCK = 8192  # values: with more, BLAS starts threads for a dot product and gets slower
ENDS = {"sigmoid": Sigmoid, "softmax": Softmax}


class Plan:
    """The pass of ``model`` through its layers and its loss.

    Attributes
    ----------
    trunk : list of Layer
        The layers that run, from the lowest up.
    final : Layer or None
        The activation that is left out; `finish` applies it.
    loss : Loss
        What follows the trunk: on logits if ``final`` is left out.
    frozen : list of slice
        The parts of the flat vectors that the last pass found frozen; their gradients are zero.
    """

    def __init__(self, model: "Sequential") -> None:
        trunk, loss = list(model._chain), model.loss
        self.final: Layer | None = None
        if loss.link is not None and not loss.from_logits and type(trunk[-1]) is ENDS[loss.link]:
            self.final, loss = trunk.pop(), loss.on_logits()
        self.trunk, self.loss = trunk, loss
        self.everything, self.owner = model._everything, weakref.ref(model)
        self.parameters = model.parameters
        trained = [any(layer.parameter_names for _, layer in walk({"": part})) for part in trunk]
        self.lowest = trained.index(True) if any(trained) else len(trunk)
        self.penalties: list[tuple[Layer, str, Any]] = [
            (layer, name, layer.declared[name].regularizer)
            for _, layer in self.everything
            for name in layer.parameter_names
            if layer.declared[name].regularizer is not None
        ]
        self.states = [
            layer.views[name]
            for _, layer in self.everything
            for name in layer.declared
            if name not in layer.parameter_names
        ]
        paths = {id(layer): f"{path}/" for path, layer in self.everything}
        self.stateful = {
            index: paths[id(part)]
            for index, part in enumerate(trunk)
            if any(set(layer.declared) - set(layer.parameter_names) for _, layer in walk({"": part}))
        }
        self._passes: list[Any] = [Watched(layer) for layer in trunk]  # the first pass is watched
        self._judge: Any = WatchedLoss(loss)
        gradients = self.parameters.gradients
        self._blocks = [gradients[i : i + BLOCK] for i in range(0, gradients.size, BLOCK)]
        self.frozen: list[slice] = []
        model.optimizer.segments = list(self.parameters.slices.values())

    def backpropagate(self, x: Array, y: Array, weight: Array | None) -> tuple[float, Array]:
        """Set all gradients for a checked batch; return the loss, penalties included, and the trunk's output."""
        passes, lowest = self._passes, self.lowest
        still = self._standing_still() if self.stateful else ()
        for index, layer in enumerate(passes):
            x = layer.forward(x, index not in still)
        loss = self._judge.forward(x, y, weight)
        if lowest < len(passes):
            dy = self._judge.backward()
            for layer in passes[:lowest:-1]:
                dy = layer.backward(dy)
            passes[lowest].backward_parameters(dy)
        if self.penalties:
            loss += self.penalty(gradients=True)
        self.frozen = self._frozen_parts()
        for part in self.frozen:
            self.parameters.gradients[part] = 0
        self._passes, self._judge = self.trunk, self.loss
        return loss, x

    def penalty(self, gradients: bool = False) -> float:
        """Return the sum of the regularizers' penalties; add their gradients where asked."""
        total = 0.0
        for layer, name, regularizer in self.penalties:
            total += regularizer.penalty(layer.views[name])
            if gradients:
                layer.views["d" + name] += regularizer.gradient(layer.views[name])
        return total

    @np.errstate(all="ignore")
    def finish(self, z: Array) -> Array:
        """Return the model's output for the trunk's output."""
        return z if self.final is None else self.final.detached().forward(z)

    def for_inference(self) -> tuple[list[Layer], Loss]:
        """Return the trunk and the loss as twins without caches, for use beside a training pass."""
        return [layer.detached() for layer in self.trunk], copy.copy(self.loss)

    def square_of_gradients(self) -> float:
        """Return the sum of the squared gradients, not finite if any gradient is not (or is beyond 1e19)."""
        return float(sum([block.dot(block) for block in self._blocks]))

    def _frozen_parts(self) -> list[slice]:
        paths = self._frozen_paths()
        if not paths:
            return []
        return [part for name, part in self.parameters.slices.items() if name.startswith(paths)]

    def _frozen_paths(self) -> tuple[str, ...]:
        if not self.owner().trainable:  # type: ignore[union-attr]
            return ("",)
        return tuple([f"{path}/" for path, layer in self.everything if not layer.trainable])

    def _standing_still(self) -> set[int]:
        """Return the indices of the frozen layers with state: they run as in inference."""
        paths = self._frozen_paths()
        return {index for index, path in self.stateful.items() if path.startswith(paths)} if paths else set()
