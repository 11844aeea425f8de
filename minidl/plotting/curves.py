"""Curves: training by epoch, and an activation with its derivative."""

from contextlib import suppress
from typing import Any

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError, StateError
from minidl.layers import Layer
from minidl.layers.activations import resolve_activation
from minidl.plotting.axes import COLORS, Axes, axes, plot_epochs, tidy


def plot_history(history: Any, name: str = "loss", *, ax: "Axes | None" = None) -> "Axes":
    """Draw ``history.history[name]`` over the epochs, and ``"val_" + name`` if there is one.

    Parameters
    ----------
    history : History
        What `fit` returned.
    name : str
        ``"loss"``, a metric, or ``"learning_rate"``.

    Raises
    ------
    ArgumentError
        If the history has no such name.
    StateError
        If the history has no epochs yet.
    """
    if not isinstance(getattr(history, "history", None), dict):
        raise ArgumentError(f"plot_history: history: expected what fit returned, got {history!r:.100}.")
    curves = history.history
    if not history.epoch:
        raise StateError("plot_history: history: it has no epochs yet. Train first.")
    checks.choice(name, "plot_history: name", [key for key in curves if not key.startswith("val_")])
    parts = {"training": name, "validation": f"val_{name}"}
    ax = axes(ax)
    shown = {label: (history.epochs_of(key), curves[key]) for label, key in parts.items() if key in curves}
    plot_epochs(ax, history.epoch, shown)
    ax.legend(frameon=False)
    ax.set_ylabel(name.replace("_", " "))
    return ax


def plot_activation(
    activation: str | Layer, *, limits: tuple[float, float] = (-5.0, 5.0), ax: "Axes | None" = None
) -> "Axes":
    """Draw ``a = g(z)`` and its derivative ``g'(z)``, both from the layer's own forward and backward.

    Parameters
    ----------
    activation : str or Layer
        A name such as ``"tanh"``, or any elementwise layer without parameters.
    limits : tuple of float
        The range of z.

    Raises
    ------
    ArgumentError
        If the layer has parameters or is not elementwise.
    """
    layer = resolve_activation(activation, "plot_activation: activation")
    if layer is None:
        raise ArgumentError("plot_activation: activation: expected a nonlinear function, got the identity.")
    ends = [checks.number(end, "plot_activation: limits") for end in np.ravel(limits).tolist()]
    if len(ends) != 2 or ends[0] >= ends[1]:
        raise ArgumentError(f"plot_activation: limits: expected (low, high) with low < high, got {limits!r}.")
    z = np.linspace(ends[0], ends[1], 1001)[:, np.newaxis]
    layer = layer.copy()  # it may belong to a model
    with suppress(ArgumentError):  # Softmax needs several values
        layer.declare((1,))
    if layer.output_shape != (1,) or layer.declared:
        raise ArgumentError(f"plot_activation: activation: expected a function of a single value, got {layer!r}.")
    a = layer.forward(z)
    slope = layer.backward(np.ones_like(z))
    ax = axes(ax)
    ax.axhline(0, color="0.8", linewidth=1)
    ax.axvline(0, color="0.8", linewidth=1)
    ax.plot(z, a, color=COLORS[0], linewidth=2, label="a = g(z)")
    ax.plot(z, slope, color=COLORS[1], linewidth=2, linestyle="--", label="g'(z)")
    ax.legend(frameon=False)
    return tidy(ax, xlabel="z", ylabel="a, g'(z)", title=repr(layer))
