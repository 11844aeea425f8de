"""minidl: deep learning on NumPy and SciPy, with hand-written and certified backward passes.

The names and defaults are Keras'; see ``help(minidl.Sequential)``.
"""

__version__ = "0.1.0"

from minidl import (
    callbacks,
    constraints,
    datasets,
    errors,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
)
from minidl.aliases import explain_modules
from minidl.config import register
from minidl.errors import *
from minidl.layers import *
from minidl.losses import Loss
from minidl.metrics import Metric
from minidl.models import load_model
from minidl.optimizers import Optimizer
from minidl.sequential import Sequential

explain_modules()

__all__ = [
    "Loss", "Metric", "Optimizer", "Sequential", "callbacks", "constraints", "datasets", "initializers", "layers",
    "load_model", "losses", "metrics", "models", "optimizers", "register", "regularizers", "utils",
]  # fmt: skip
__all__ += errors.__all__
__all__ += layers.__all__
