"""Own losses: what a layer adds to the loss, certified as the output of a layer of one number."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.network import has_own_loss
from minidl.testing.probe import Point
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape


class OwnLossLayer(Layer):
    """``y = [own loss of layer]``, ``dx = dy * layer.backward(0)``.

    Parameters
    ----------
    layer : Layer
        It, or one inside it, has a loss of its own.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    @property
    def certified(self) -> Layer:
        """The layer whose source a finding points at."""
        return self.layer

    def build(self, input_shape: Shape) -> Shape:
        self.layer.declare(input_shape)
        return ()

    def forward(self, x: Array, training: bool = False) -> Array:
        self._zeros = np.zeros_like(self.layer.forward(x, training))
        total = sum(part.own_loss() for _, part in walk({"": self.layer}) if has_own_loss(part))
        return np.asarray([total], x.dtype if x.dtype.kind == "f" else None)

    def backward(self, dy: Array) -> Any:
        dx: Any = self.layer.backward(self._zeros)
        for _, part in walk({"": self.layer}):
            for name in part.parameter_names:
                part.views[f"d{name}"] *= dy[0]
        return np.multiply(dx, dy[0], dtype=dx.dtype) if isinstance(dx, np.ndarray) else dx

    def with_others(self, x: Array, targets: bool) -> None:
        """Call the layer for other samples."""
        self.backward(np.ones_like(self.forward(x[::-1].copy())))


class OwnLossSubject(Subject):
    """The own losses of a layer under test, and of those inside it."""

    whole_batch = True

    def __init__(self, subject: Subject) -> None:
        super().__init__(lambda: OwnLossLayer(subject.make()))
        self.name, self.domain, self.fixed_shape = subject.name, subject.domain, subject.fixed_shape


def own_loss_point(point: Point) -> Point:
    """Return the point of `OwnLossLayer` for a point of its layer."""
    parameters, states = (
        {f"layer/{name}": value for name, value in arrays.items()} for arrays in (point.parameters, point.states)
    )
    return Point(point.x, np.ones(1), parameters, states, point.training)


def own_loss_subjects(subject: Subject) -> Iterator[Subject]:
    """Yield the subject for the own losses of a layer, if there are any."""
    if any(has_own_loss(part) for _, part in walk({"": subject.example})):
        yield OwnLossSubject(subject)
