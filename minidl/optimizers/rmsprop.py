"""RMSprop: divides each gradient by the root of the moving average of its square."""

from typing import Unpack

import numpy as np

from minidl import checks
from minidl.optimizers.base import Blocks, Optimizer, Rate
from minidl.typing import Array, OptimizerOptions


class RMSprop(Optimizer):
    """``v = rho * v + (1 - rho) * g**2``, ``w -= learning_rate * g / sqrt(v + epsilon)``.

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.001.
    rho : float
        Decay rate of the average, in [0, 1).
    momentum : float
        If above 0: ``u = momentum * u + learning_rate * g / sqrt(v + epsilon)``, ``w -= u``.
    epsilon : float
        Added inside the root, above 0.
    centered : bool
        True uses the variance instead of the mean square: ``v - a**2`` with ``a = rho * a + (1 - rho) * g``, limited
        to at least 0.
    weight_decay, clipnorm, global_clipnorm, clipvalue : float, optional
        See `Optimizer`.

    Notes
    -----
    Hinton (2012), Neural Networks for Machine Learning, lecture 6e. As in Keras and optax, epsilon is inside the
    root, and the rate inside the momentum; torch adds epsilon to the root, and multiplies the momentum by the rate.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        *,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = checks.number(rho, "RMSprop: rho", at_least=0, below=1)
        self.momentum = checks.number(momentum, "RMSprop: momentum", at_least=0, below=1)
        self.epsilon = checks.number(epsilon, "RMSprop: epsilon", above=0)
        self.centered = checks.flag(centered, "RMSprop: centered")

    def initial_state(self, values: Array) -> dict[str, Array]:
        names = ["v"] + ["u"] * (self.momentum > 0) + ["a"] * self.centered
        return {name: np.zeros_like(values) for name in names}

    def update(self, blocks: Blocks, rate: float) -> None:
        axpy, scale, rho, epsilon = self._axpy, self._scale, self.constant(self.rho), self.constant(self.epsilon)
        for w, g, t, v, *more in blocks:
            np.square(g, out=t)
            scale(v, rho, out=v)
            axpy(t, v, a=1.0 - self.rho)
            if self.centered:
                a = more[-1]
                scale(a, rho, out=a)
                axpy(g, a, a=1.0 - self.rho)
                np.square(a, out=t)
                np.subtract(v, t, out=t)
                np.maximum(t, 0.0, out=t)
                np.add(t, epsilon, out=t)
            else:
                np.add(v, epsilon, out=t)
            np.sqrt(t, out=t)
            np.divide(g, t, out=t)
            if self.momentum:
                u = more[0]
                scale(u, self.momentum, out=u)
                axpy(t, u, a=rate)
                axpy(u, w, a=-1.0)
            else:
                axpy(t, w, a=-rate)
