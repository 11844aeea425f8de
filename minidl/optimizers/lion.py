"""Lion: steps of equal size along the sign of an average."""

from typing import Unpack

import numpy as np

from minidl import checks
from minidl.numeric import axpy_for
from minidl.optimizers.base import Blocks, Optimizer, Rate
from minidl.typing import Array, OptimizerOptions


class Lion(Optimizer):
    """``w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)``, then ``m = beta_2 * m + (1 - beta_2) * g``.

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.001. Use a third to a tenth of the rate for `Adam`.
    beta_1, beta_2 : float
        Decay rates, in [0, 1).
    weight_decay, clipnorm, global_clipnorm, clipvalue : float, optional
        See `Optimizer`.

    Notes
    -----
    Chen et al. (2023), Symbolic Discovery of Optimization Algorithms, Algorithm 2; the same in Keras and optax. The
    paper's weight decay is 3 to 10 times that of `AdamW`, to make up for the smaller rate.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = checks.number(beta_1, "Lion: beta_1", at_least=0, below=1)
        self.beta_2 = checks.number(beta_2, "Lion: beta_2", at_least=0, below=1)

    def initial_state(self, values: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(values)}

    scratch = 2

    def update(self, blocks: Blocks, rate: float) -> None:
        axpy, scale, beta_1, beta_2 = self._axpy, self._scale, self.constant(self.beta_1), self.constant(self.beta_2)
        least, add_to_scratch = np.finfo(beta_1.dtype).smallest_subnormal, axpy_for(beta_1.dtype, "Lion")
        for w, g, t, s, m in blocks:
            np.multiply(m, beta_1, out=t)
            add_to_scratch(g, t, a=1.0 - self.beta_1)
            # t / |t| is the sign of t; np.sign takes several times as long, because it branches
            np.abs(t, out=s)
            np.add(s, least, out=s)  # for t = 0; any other |t| from 5e-38 up is unchanged
            np.divide(t, s, out=t)
            axpy(t, w, a=-rate)
            scale(m, beta_2, out=m)
            axpy(g, m, a=1.0 - self.beta_2)
