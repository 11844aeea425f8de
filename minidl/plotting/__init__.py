"""Plots of data, training and models, drawn with matplotlib (``pip install matplotlib``).

Each function draws into the matplotlib Axes ``ax``, by default those of a new figure, and returns them. All plots are
readable in black and white.
"""

from minidl.plotting.boundary import plot_decision_boundary
from minidl.plotting.curves import plot_activation, plot_history
from minidl.plotting.diagram import Diagram, plot_model
from minidl.plotting.health import LayerHealth, plot_gradient_flow
from minidl.plotting.matrices import plot_confusion_matrix, plot_images, plot_weights

__all__ = [
    "Diagram", "LayerHealth", "plot_activation", "plot_confusion_matrix", "plot_decision_boundary",
    "plot_gradient_flow", "plot_history", "plot_images", "plot_model", "plot_weights",
]  # fmt: skip
