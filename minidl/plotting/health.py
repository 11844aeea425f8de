"""LayerHealth: the size of the activations and gradients of each layer while a model trains.

It also warns about dead and saturated units, which have stopped learning.
"""

from typing import Any

import numpy as np

from minidl import checks
from minidl.callbacks import Callback
from minidl.errors import ArgumentError, StateError, warn
from minidl.explain import Step, trace
from minidl.layers import Sigmoid, Tanh
from minidl.layers.activations import ActivationLayer
from minidl.plotting.axes import Axes, axes, legend, plot_epochs
from minidl.typing import Array

FLAT = 0.01  # a Sigmoid or Tanh with a smaller fraction of its maximum slope is saturated
STEEPEST: dict[type, float] = {Sigmoid: 0.25, Tanh: 1.0}


class LayerHealth(Callback):
    """Runs a fixed batch through a copy of the model after each epoch, and records each layer's outputs and gradients.

    Parameters
    ----------
    x : array-like of shape (rows, ...)
        A few dozen samples.
    y : array-like of shape (rows,) or (rows, outputs)
    warn_above : float
        Warn, once per layer, when more than this fraction of its units is dead or saturated.

    Attributes
    ----------
    epoch : list of int
        Recorded epochs. The keys of the other attributes are the paths of the steps, such as ``"dense"`` and
        ``"dense/activation"``.
    activations, gradients : dict of str to list of float
        The root mean square of each layer's output ``y``, and of ``dy = dL/dy``, one value per epoch. An output
        layer has none if training stops at the logits and never computes its gradient.
    dead, saturated : dict of str to list of float
        For each hidden activation, the fraction of units whose derivative is 0 for every sample (dead), or below a
        hundredth of the maximum for every sample (saturated; `Sigmoid` and `Tanh`).

    Raises
    ------
    ArgumentError
        If ``warn_above`` is not between 0 and 1.
    """

    state_attributes = ("epoch", "activations", "gradients", "dead", "saturated", "warned")

    def __init__(self, x: Any, y: Any, *, warn_above: float = 0.5) -> None:
        self.x, self.y = x, y
        self.warn_above = checks.number(warn_above, "LayerHealth: warn_above", at_least=0, at_most=1)
        self.epoch: list[int] = []
        self.activations: dict[str, list[float]] = {}
        self.gradients: dict[str, list[float]] = {}
        self.dead: dict[str, list[float]] = {}
        self.saturated: dict[str, list[float]] = {}
        self.warned: list[str] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        trace(self.model, self.x, self.y)  # unusable samples are refused before training

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        steps = trace(self.model, self.x, self.y).steps
        stops_at_logits = self.model.trainer.objective.activation is not None
        for name, step in steps.items():
            output = name == list(steps)[-1]
            self.activations.setdefault(name, []).append(_size(step.y))
            if not (stops_at_logits and output):  # training stops before the last step
                self.gradients.setdefault(name, []).append(_size(step.dy))
            if isinstance(step.layer, ActivationLayer) and not output:  # a saturated output is just a confident one
                self._examine(name, step)

    def _examine(self, name: str, step: Step) -> None:
        slope = np.abs(step.layer.backward(np.ones_like(step.y))).max(axis=0)
        kinds = {"dead": slope == 0}
        if type(step.layer) in STEEPEST:
            kinds["saturated"] = slope < FLAT * STEEPEST[type(step.layer)]
        for kind, units in kinds.items():
            part = float(np.mean(units))
            getattr(self, kind).setdefault(name, []).append(part)
            if part > self.warn_above and name not in self.warned:
                self.warned.append(name)
                warn(f"LayerHealth: {part:.0%} of the units of {step.layer.label} are {kind}.")


def _size(array: Array) -> float:
    return float(np.sqrt(np.mean(np.square(array, dtype=float))))


def plot_gradient_flow(health: LayerHealth, what: str = "gradients", *, ax: "Axes | None" = None) -> "Axes":
    """Draw the size of each layer's gradients (or activations) over the epochs, on a logarithmic scale.

    Parameters
    ----------
    health : LayerHealth
        After training.
    what : {"gradients", "activations"}

    Raises
    ------
    StateError
        If no epoch has been recorded yet.
    """
    checks.choice(what, "plot_gradient_flow: what", ("gradients", "activations"))
    if not isinstance(health, LayerHealth):
        raise ArgumentError(f"plot_gradient_flow: health: expected a LayerHealth, got {health!r}.")
    if not health.epoch:
        raise StateError("plot_gradient_flow: health: it has no epochs yet. Pass it to fit as a callback first.")
    ax = axes(ax)
    curves = {}
    for name, sizes in getattr(health, what).items():
        label = f"{name} (exactly 0)" if sizes[-1] == 0 else name
        curves[label] = np.where(np.array(sizes) > 0, sizes, np.nan)
    plot_epochs(ax, health.epoch, curves)
    legend(ax)
    ax.set(yscale="log", ylabel=f"root mean square of the {what}")
    return ax
