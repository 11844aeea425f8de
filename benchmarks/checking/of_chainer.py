"""``chainer.gradient_check.check_backward``: compares backward with a central difference along one random direction.

Chainer's last release, 7.8.1, predates NumPy 2: it needs setuptools < 80 and a table that NumPy has removed.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from checking.built_layer import BuiltLayer

np.sctypes = {  # type: ignore[attr-defined]  # noqa: NPY201
    "int": [np.int8, np.int16, np.int32, np.int64],
    "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
    "float": [np.float16, np.float32, np.float64],
    "complex": [np.complex64, np.complex128],
    "others": [bool, object, bytes, str, np.void],
}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import chainer
    from chainer.gradient_check import check_backward

STEP = 1e-6  # used with a tolerance, because the default step of 1e-3 crosses kinks


class Wrapped(chainer.FunctionNode):
    """``y = layer.forward(x)`` and ``dx = layer.backward(dy)`` for Chainer, with the parameters as further inputs."""

    def __init__(self, layer: BuiltLayer, ids: np.ndarray | None) -> None:
        super().__init__()
        self.layer, self.ids = layer, ids

    def forward(self, inputs: tuple[np.ndarray, ...]) -> tuple[np.ndarray]:
        x, values = (inputs[0], inputs[1:]) if self.ids is None else (self.ids, inputs)
        y = self.layer.forward(x, values)
        self.pullback = self.layer.pullback(x, values)
        return (y,)

    def backward(self, indexes: tuple[int, ...], upstream: tuple[Any, ...]) -> tuple[Any, ...]:
        found = self.pullback(upstream[0].array)[0 if self.ids is None else 1 :]
        return tuple(None if found[index] is None else chainer.Variable(found[index]) for index in indexes)


def accepts(layer: BuiltLayer, x: np.ndarray, values: Sequence[np.ndarray], tolerance: float | None) -> None:
    """Raise if check_backward objects."""
    settings = {} if tolerance is None else {"eps": STEP, "atol": tolerance, "rtol": tolerance}
    ids = None if x.dtype.kind == "f" else x
    inputs = (x, *values) if ids is None else tuple(values)
    dy = np.random.default_rng(0).standard_normal(layer.forward(x, values).shape)
    check_backward(lambda *variables: Wrapped(layer, ids).apply(variables)[0], inputs, dy, dtype=np.float64, **settings)
