"""minidl: deep learning on NumPy and SciPy, with hand-written and certified backward passes.

The names and defaults are Keras'; see ``help(minidl.Sequential)``.
"""

__version__ = "0.1.0"

from minidl import (
    callbacks,
    constraints,
    datasets,
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
from minidl.errors import (
    ArgumentError,
    CacheError,
    DataError,
    LayerError,
    MinidlError,
    ModelFileError,
    NonFiniteError,
    ShapeError,
    StateError,
)
from minidl.layers import (
    ELU,
    GELU,
    SELU,
    Activation,
    AlphaDropout,
    BatchNormalization,
    Columns,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    Identity,
    Input,
    Layer,
    LayerNormalization,
    LeakyReLU,
    Normalization,
    PReLU,
    ReLU,
    Rescaling,
    Reshape,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from minidl.losses import Loss
from minidl.metrics import Metric
from minidl.models import load_model
from minidl.optimizers import Optimizer
from minidl.sequential import Sequential

explain_modules()

__all__ = [
    "ELU", "GELU", "SELU", "Activation", "AlphaDropout", "ArgumentError", "BatchNormalization", "CacheError",
    "Columns", "Concatenate", "DataError", "Dense", "Dropout", "Embedding", "Flatten", "GaussianNoise", "Identity",
    "Input", "Layer", "LayerError", "LayerNormalization", "LeakyReLU", "Loss", "Metric", "MinidlError",
    "ModelFileError", "NonFiniteError", "Normalization", "Optimizer", "PReLU", "ReLU", "Rescaling",
    "Reshape", "Residual", "Sequential", "ShapeError", "SiLU", "Sigmoid", "Softmax", "Softplus", "StateError", "Tanh",
    "callbacks", "constraints", "datasets", "initializers", "layers", "load_model", "losses", "metrics", "models",
    "optimizers", "register", "regularizers", "utils",
]  # fmt: skip
