"""The layers: `Dense`, the activations, `Dropout`, `Flatten`, `Reshape`, and the base class `Layer`."""

from minidl.config import register_builtins
from minidl.layers.activations import ELU, GELU, Activation, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from minidl.layers.base import Layer
from minidl.layers.branches import Concatenate
from minidl.layers.columns import Columns
from minidl.layers.dense import Dense
from minidl.layers.dropout import Dropout
from minidl.layers.input import Input
from minidl.layers.reshape import Flatten, Reshape
from minidl.layers.residual import Residual

__all__ = [
    "ELU", "GELU", "Activation", "Columns", "Concatenate", "Dense", "Dropout", "Flatten", "Input", "Layer", "LeakyReLU",
    "ReLU", "Reshape", "Residual", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh",
]  # fmt: skip

register_builtins(globals())
