"""What type checkers reject: the lines marked `wrong`. Those marked `missing` are right, and rejected all the same."""

from typing import Unpack

import minidl
from minidl import layers
from minidl.typing import Array, LayerOptions


class Base(minidl.Layer):
    def forward(self, x: Array, training: bool = False) -> Array:
        return x

    def backward(self, dy: Array) -> Array:
        return dy


class WithOptions(Base):
    def __init__(self, rate: float, **options: Unpack[LayerOptions]) -> None:
        self.rate = rate


class WithoutOptions(Base):
    def __init__(self, rate: float) -> None:
        self.rate = rate


layers.Dense("3")  # wrong
layers.Dense(3, name=4)  # wrong
layers.Dense(3, nam="hidden")  # wrong
layers.Dense(3, trainable="no")  # wrong
layers.Dropout()  # wrong
layers.Sigmoid(alpha=1.0)  # wrong
layers.ReLU(slope=1)  # wrong
layers.Flatten(3)  # wrong
layers.Dense(3).units.upper()  # wrong
WithOptions("0.1", name="noise")  # wrong
WithOptions(0.1, nam="noise")  # wrong
WithOptions(0.1, name="noise")
WithoutOptions(0.1, name="noise")  # missing: its author left the options out
Base(name="base")
minidl.Sequential([], name="model")
