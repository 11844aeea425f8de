"""LossLayer: a loss wrapped as a layer, with targets and weights that are always the same for the same rows.

OwnLossLayer: the loss that a layer adds itself, wrapped in the same way.
"""

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Self

import numpy as np

from minidl.errors import LayerError
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.losses import Loss
from minidl.network import has_own_loss
from minidl.testing.cloning import guarded
from minidl.testing.probe import Point
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape

ROWS = 64  # of the table of targets, which longer batches repeat


def rows_of_probabilities(rng: np.random.Generator, rows: int, outputs: int) -> Array:
    """Return probabilities that sum to one in each row, or independent ones if there is only one output."""
    return rng.dirichlet(np.full(outputs, 2.0), rows) if outputs > 1 else rng.uniform(0.05, 0.95, (rows, 1))


TARGETS: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "real": lambda rng, rows, outputs: 1.3 * rng.standard_normal((rows, outputs)),
    "positive": lambda rng, rows, outputs: 0.1 + rng.gamma(2.0, 0.7, (rows, outputs)),
    "one_hot": lambda rng, rows, outputs: np.eye(outputs)[rng.integers(0, outputs, rows)],
    "probability": rows_of_probabilities,
    "binary": lambda rng, rows, outputs: rng.integers(0, 2, (rows, outputs)).astype(float),
    "soft": lambda rng, rows, outputs: rng.uniform(0, 1, (rows, outputs)),
    "signs": lambda rng, rows, outputs: rng.choice([-1.0, 1.0], (rows, outputs)),
    "labels": lambda rng, rows, outputs: rng.integers(0, outputs, rows),
}


WEIGHTS: dict[str, Callable[[np.random.Generator], Array]] = {
    "none": np.ones_like,  # never called: the loss gets None
    "random": lambda rng: rng.uniform(0.3, 2.0, ROWS) * (np.arange(ROWS) % 7 != 1),  # some rows do not count
    "equal": lambda rng: np.full(ROWS, 2.5),
    "large": lambda rng: 1 + rng.gamma(2.0, 5.0, ROWS),
    "one": lambda rng: (np.arange(ROWS) == 0).astype(float),
    "double": lambda rng: rng.uniform(0.3, 2.0, ROWS),  # float64, whatever the predictions are
}


class LossLayer(Layer):
    """``y = [loss(x, targets)]``, ``dx = dy * loss.backward()``: a loss as a layer.

    Parameters
    ----------
    loss : Loss
    targets, weights : str
        Kinds of the targets and of the sample weights: keys of `TARGETS` and `WEIGHTS`.
    """

    def __init__(self, loss: Loss, targets: str, weights: str = "none") -> None:
        self.loss = loss
        self.targets = targets
        self.weights = weights

    def with_others(self, x: Array, targets: bool) -> None:
        """Call the loss with the targets of other rows, or with weights of another kind."""
        self._others = "targets" if targets else "weights"
        self.forward(x)
        self.loss.backward()
        self._others = ""

    @property
    def certified(self) -> Loss:
        """The object whose source a finding points to."""
        return self.loss

    def build(self, input_shape: Shape) -> Shape:
        return ()

    def inference_twin(self) -> Self:
        twin = super().inference_twin()
        twin.loss = copy.copy(self.loss)
        return twin

    def forward(self, x: Array, training: bool = False) -> Array:
        kind, others = self.weights, self.__dict__.get("_others", "")
        if others == "weights":
            kind = "random" if kind == "none" else "none"
        y_true, weight = targets_for(self.targets, len(x), self.loss.columns(x.shape[-1])), weights_for(kind, len(x))
        if others == "targets":
            y_true = np.roll(y_true, 1, axis=0)
        if y_true.dtype.kind == "f":
            y_true = y_true.astype(x.dtype if x.dtype.kind == "f" else float)
        if weight is not None and kind != "double":
            weight = weight.astype(x.dtype if x.dtype.kind == "f" else float)
        self._y_true = y_true
        if weight is not None:
            self._sample_weight = weight
        value = self.loss.forward(x, guarded(y_true), None if weight is None else guarded(weight))
        if np.ndim(value) != 0:
            raise LayerError(f"{type(self.loss).__name__}: forward: expected one number, got shape {np.shape(value)}.")
        return np.asarray([value])

    def backward(self, dy: Array) -> Array:
        last = self.__dict__.get("_last")
        gradient = self.loss.backward()
        if last is not None and not np.array_equal(last[0], last[1], equal_nan=True):
            name = type(self.loss).__name__
            raise LayerError(f"{name}: backward: expected its earlier results to stay, got the same buffer.")
        if not isinstance(gradient, np.ndarray):
            return gradient  # `contract` reports what is wrong
        self._last = gradient, gradient.copy()
        return np.multiply(gradient, dy[0], dtype=gradient.dtype)


def targets_for(kind: str, rows: int, outputs: int) -> Array:
    """Return targets for the first ``rows`` rows, always the same."""
    return _drawn(TARGETS[kind], 20, ROWS, outputs)[np.arange(rows) % ROWS]


def weights_for(kind: str, rows: int) -> Array | None:
    """Return sample weights for the first ``rows`` rows, always the same."""
    return None if kind == "none" else _drawn(WEIGHTS[kind], 21)[np.arange(rows) % ROWS]


@lru_cache(maxsize=64)
def _drawn(draw: Callable[..., Array], seed: int, *sizes: int) -> Array:
    """Return the targets or weights of `ROWS` rows, drawn once; each call copies from them."""
    return draw(np.random.default_rng(seed), *sizes)


class OwnLossLayer(Layer):
    """``y = [own loss of layer]``, ``dx = dy * layer.backward(0)``.

    Parameters
    ----------
    layer : Layer
        Layer that adds to the loss, itself or through an inner layer.
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    @property
    def certified(self) -> Layer:
        """The layer whose source a finding points to."""
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


class OwnLossSubject(Subject):
    """Subject for the losses that a layer, or an inner layer, adds itself."""

    whole_batch = True

    def __init__(self, subject: Subject) -> None:
        super().__init__(lambda: OwnLossLayer(subject.make()))
        self.name, self.domain, self.fixed_shape = subject.name, subject.domain, subject.fixed_shape


def own_loss_point(point: Point) -> Point:
    """Return the point of an `OwnLossLayer` that corresponds to a point of its layer."""
    parameters, states = (
        {f"layer/{name}": value for name, value in arrays.items()} for arrays in (point.parameters, point.states)
    )
    return Point(point.x, np.ones(1), parameters, states, point.training)


def has_own_losses(subject: Subject) -> bool:
    """Return whether a layer, or an inner layer, adds to the loss."""
    return not subject.whole_batch and any(has_own_loss(part) for _, part in walk({"": subject.example}))
