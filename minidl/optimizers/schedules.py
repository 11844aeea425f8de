"""The schedules of `minidl.schedules`, and `CosineDecayRestarts`, under their name in Keras."""

from minidl.restarts import CosineDecayRestarts
from minidl.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
)

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "OneCycle",
    "PiecewiseConstantDecay", "PolynomialDecay", "Schedule",
]  # fmt: skip
