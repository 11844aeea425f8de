"""Layers: `Dense`, activations, normalisation, noise, reshaping, and the base class `Layer`."""

from minidl.config import register_builtins
from minidl.layers.activations import ELU, GELU, Activation, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from minidl.layers.base import Layer
from minidl.layers.batch_normalization import BatchNormalization
from minidl.layers.branches import Concatenate
from minidl.layers.columns import Columns
from minidl.layers.dense import Dense
from minidl.layers.dropout import Dropout
from minidl.layers.embedding import Embedding
from minidl.layers.gaussian_noise import GaussianNoise
from minidl.layers.input import Input
from minidl.layers.input_normalization import Normalization
from minidl.layers.layer_normalization import LayerNormalization
from minidl.layers.prelu import PReLU
from minidl.layers.rescaling import Identity, Rescaling
from minidl.layers.reshape import Flatten, Reshape
from minidl.layers.residual import Residual
from minidl.layers.selu import SELU, AlphaDropout

__all__ = [
    "ELU", "GELU", "SELU", "Activation", "AlphaDropout", "BatchNormalization", "Columns",
    "Concatenate", "Dense", "Dropout", "Embedding", "Flatten", "GaussianNoise", "Identity", "Input", "Layer",
    "LayerNormalization", "LeakyReLU", "Normalization", "PReLU", "ReLU", "Rescaling", "Reshape", "Residual", "SiLU",
    "Sigmoid", "Softmax", "Softplus", "Tanh",
]  # fmt: skip

register_builtins(globals())
