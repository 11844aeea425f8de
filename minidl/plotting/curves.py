"""Curves: of training, epoch by epoch, and of an activation and its derivative."""

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl import checks
from minidl.callbacks import History
from minidl.errors import ArgumentError
from minidl.layers import Layer
from minidl.layers.activations import resolve_activation
from minidl.plotting.axes import COLORS, axes, line, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_history(history: History, name: str = "loss", *, ax: "Axes | None" = None) -> "Axes":
    """Draw ``history.history[name]`` over the epochs, with ``"val_" + name`` where there is one.

    Parameters
    ----------
    history : History
        What `fit` returned.
    name : str
        ``"loss"``, a metric, or ``"learning_rate"``.
    ax : matplotlib Axes, optional
        By default those of a new figure.

    Raises
    ------
    ArgumentError
        If the history holds no such name.
    """
    if not isinstance(history, History):
        raise ArgumentError(f"plot_history: history: expected what fit returned, got {history!r}.")
    curves = history.history
    checks.choice(name, "plot_history: name", [key for key in curves if not key.startswith("val_")])
    ax = axes(ax)
    epochs = np.array(history.epoch) + 1
    ax.plot(epochs, curves[name], color=COLORS[0], label="training")
    if f"val_{name}" in curves:
        ax.plot(epochs, curves[f"val_{name}"], color=COLORS[1], linestyle="--", label="validation")
        ax.legend(frameon=False)
    ax.locator_params(axis="x", integer=True)
    return tidy(ax, xlabel="epoch", ylabel=name.replace("_", " "))


def plot_activation(
    activation: str | Layer, *, limits: tuple[float, float] = (-5.0, 5.0), ax: "Axes | None" = None
) -> "Axes":
    """Draw ``a = g(z)`` and its derivative ``g'(z)``, both from the layer's own forward and backward.

    Parameters
    ----------
    activation : str or Layer
        ``"tanh"``, or any layer without parameters that acts on each value alone.
    limits : tuple of float
        The range of z.
    ax : matplotlib Axes, optional
        By default those of a new figure.

    Raises
    ------
    ArgumentError
        If it is no such layer.
    """
    layer = resolve_activation(activation, "plot_activation: activation")
    if layer is None:
        raise ArgumentError("plot_activation: activation: expected a nonlinear function, got the identity.")
    low, high = (checks.number(limit, "plot_activation: limits") for limit in limits)
    z = np.linspace(low, high, 1001)[:, np.newaxis]
    a = _forward(layer, z)
    slope = layer.backward(np.ones_like(z))
    ax = axes(ax)
    ax.axhline(0, color="0.8", linewidth=1)
    ax.axvline(0, color="0.8", linewidth=1)
    ax.plot(z, a, color=COLORS[0], linewidth=2, label="a = g(z)")
    ax.plot(z, slope, color=COLORS[1], linewidth=2, linestyle="--", label="g'(z)")
    ax.legend(frameon=False)
    return tidy(ax, xlabel="z", title=repr(layer))


def _forward(layer: Layer, z: Any) -> Any:
    try:
        layer.declare((1,))
        if not layer.declared:
            return layer.forward(z)
    except ArgumentError:
        pass  # such as Softmax, which needs several values
    raise ArgumentError(f"plot_activation: activation: expected a function of a single value, got {layer!r}.")


def plot_lines(ax: "Axes", x: Any, curves: dict[str, Any]) -> None:
    """Draw each of ``curves`` over ``x`` in a style of its own, with a legend."""
    for index, (label, values) in enumerate(curves.items()):
        ax.plot(x, values, label=label, markevery=max(1, len(x) // 8), **line(index))
    ax.legend(frameon=False)
