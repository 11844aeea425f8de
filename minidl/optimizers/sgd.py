"""SGD: stochastic gradient descent, optionally with momentum."""

from typing import Unpack

import numpy as np

from minidl import checks
from minidl.numeric import rescaling_period
from minidl.optimizers.base import Blocks, Optimizer, Rate
from minidl.typing import Array, OptimizerOptions


class SGD(Optimizer):
    """``v = momentum * v - learning_rate * g``, ``w += v``: gradient descent, plain or with momentum.

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.01.
    momentum : float
        In [0, 1); 0 is plain gradient descent.
    nesterov : bool
        True looks ahead: ``w += momentum * v - learning_rate * g``.
    weight_decay, clipnorm, global_clipnorm, clipvalue : float, optional
        See `Optimizer`.

    Notes
    -----
    Course notes, gradient descent; Sutskever et al. (2013), On the importance of initialization and momentum in deep
    learning. As in Keras the rate is part of the velocity; torch has ``v = momentum * v + g``,
    ``w -= learning_rate * v``, which is the same while the rate is constant.

    The state ``velocity`` is v without the decay of up to 99 steps, see ``rescaling_period``.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = checks.number(momentum, "SGD: momentum", at_least=0, below=1)
        self.nesterov = checks.flag(nesterov, "SGD: nesterov")

    scratch = 0

    def initial_state(self, values: Array) -> dict[str, Array]:
        return {"velocity": np.zeros_like(values)} if self.momentum else {}

    def update(self, blocks: Blocks, rate: float) -> None:
        axpy, scale = self._axpy, self._scale
        if not self.momentum:
            for w, g in blocks:
                axpy(g, w, a=-rate)
            return
        period = rescaling_period(self.momentum)
        k = (self.iterations + 1) % period
        decay, ahead = self.momentum**k, self.momentum ** (k + 1)
        for w, g, v in blocks:
            if k == 0:
                scale(v, self.momentum**period, out=v)
            axpy(g, v, a=-rate / decay)
            if self.nesterov:
                axpy(v, w, a=ahead)
                axpy(g, w, a=-rate)
            else:
                axpy(v, w, a=decay)
