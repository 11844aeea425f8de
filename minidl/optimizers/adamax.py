"""Adamax: Adam with the largest gradient in place of the average square."""

from typing import Unpack

import numpy as np

from minidl import checks
from minidl.optimizers.base import Blocks, Optimizer, Rate
from minidl.typing import Array, OptimizerOptions


class Adamax(Optimizer):
    """``w -= learning_rate * m / ((1 - beta_1**t) * (u + epsilon))``.

    In step t = 1, 2, ..., with m and u starting from zero::

        m = beta_1 * m + (1 - beta_1) * g         u = max(beta_2 * u, |g|)

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.001.
    beta_1, beta_2 : float
        Decay rates of ``m`` and ``u``, in [0, 1).
    epsilon : float
        Above 0.
    weight_decay, clipnorm, global_clipnorm, clipvalue : float, optional
        See `Optimizer`.

    Notes
    -----
    Kingma and Ba (2015), Adam: A Method for Stochastic Optimization, Algorithm 2, with the epsilon of Keras.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        *,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = checks.number(beta_1, "Adamax: beta_1", at_least=0, below=1)
        self.beta_2 = checks.number(beta_2, "Adamax: beta_2", at_least=0, below=1)
        self.epsilon = checks.number(epsilon, "Adamax: epsilon", above=0)

    def initial_state(self, values: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(values), "u": np.zeros_like(values)}

    def update(self, blocks: Blocks, rate: float) -> None:
        axpy, scale, beta_1, beta_2 = self._axpy, self._scale, self.constant(self.beta_1), self.constant(self.beta_2)
        epsilon, step = self.constant(self.epsilon), -rate / (1.0 - self.beta_1 ** (self.iterations + 1))
        for w, g, t, m, u in blocks:
            scale(m, beta_1, out=m)
            axpy(g, m, a=1.0 - self.beta_1)
            scale(u, beta_2, out=u)
            np.abs(g, out=t)
            np.maximum(u, t, out=u)
            np.add(u, epsilon, out=t)
            np.divide(m, t, out=t)
            axpy(t, w, a=step)
