"""The layers: `Dense`, the activations, `Dropout`, `Flatten`, `Reshape`, and the base class `Layer`."""

from minidl.config import register_builtins
from minidl.layers.activations import ELU, GELU, Activation, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from minidl.layers.base import Layer
from minidl.layers.dense import Dense
from minidl.layers.dropout import Dropout
from minidl.layers.input import Input
from minidl.layers.reshape import Flatten, Reshape

__all__ = [
    "ELU", "GELU", "Activation", "Dense", "Dropout", "Flatten", "Input", "Layer", "LeakyReLU", "ReLU", "Reshape",
    "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh",
]  # fmt: skip

register_builtins(globals())
