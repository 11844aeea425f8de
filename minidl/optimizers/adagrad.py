"""Adagrad: divides each gradient by the root of the sum of all its squares."""

from typing import Unpack

import numpy as np

from minidl import checks
from minidl.optimizers.base import Blocks, Optimizer, Rate
from minidl.typing import Array, OptimizerOptions


class Adagrad(Optimizer):
    """``v += g**2``, ``w -= learning_rate * g / sqrt(v + epsilon)``.

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.001.
    initial_accumulator_value : float
        Initial value of ``v``, at least 0.
    epsilon : float
        Added inside the root, above 0.
    weight_decay, clipnorm, global_clipnorm, clipvalue : float, optional
        See `Optimizer`.

    Notes
    -----
    Duchi, Hazan and Singer (2011), Adaptive subgradient methods, section 1. As in Keras and optax, epsilon is
    inside the root and the sum starts from 0.1; torch adds epsilon to the root and starts from 0.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        *,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.initial_accumulator_value = checks.number(
            initial_accumulator_value, "Adagrad: initial_accumulator_value", at_least=0
        )
        self.epsilon = checks.number(epsilon, "Adagrad: epsilon", above=0)

    def initial_state(self, values: Array) -> dict[str, Array]:
        return {"v": np.full_like(values, self.initial_accumulator_value)}

    def update(self, blocks: Blocks, rate: float) -> None:
        axpy, epsilon = self._axpy, self.constant(self.epsilon)
        for w, g, t, v in blocks:
            np.square(g, out=t)
            axpy(t, v, a=1.0)
            np.add(v, epsilon, out=t)
            np.sqrt(t, out=t)
            np.divide(g, t, out=t)
            axpy(t, w, a=-rate)
