"""Adam and AdamW: step along the average gradient, divided by the root of the average squared gradient."""

import math
from abc import ABC, abstractmethod
from typing import Unpack

import numpy as np

from minidl import checks
from minidl.numeric import rescaling_period
from minidl.optimizers.base import Blocks, Optimizer, Rate
from minidl.typing import Array, ClipOptions, OptimizerOptions


class MomentOptimizer(Optimizer, ABC):
    """Abstract base: ``w -= learning_rate * (a * m + b * g) / (sqrt(v / (1 - beta_2**t)) + epsilon)``.

    In step t = 1, 2, ... the averages are ``m = beta_1 * m + (1 - beta_1) * g`` and
    ``v = beta_2 * v + (1 - beta_2) * g**2``. Subclasses differ in a and b, see `numerator`.

    Notes
    -----
    The state holds ``m`` and ``v`` with deferred decay, see `rescaling_period`: seven passes over a block instead of
    ten, with the same result up to rounding.
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
        who = type(self).__name__
        super().__init__(learning_rate, **options)
        self.beta_1 = checks.number(beta_1, f"{who}: beta_1", at_least=0, below=1)
        self.beta_2 = checks.number(beta_2, f"{who}: beta_2", at_least=0, below=1)
        self.epsilon = checks.number(epsilon, f"{who}: epsilon", above=0)

    scratch = 2
    amsgrad = False

    @abstractmethod
    def numerator(self, t: int) -> tuple[float, float]:
        """Return a and b for step ``t``, which counts from 1."""

    def initial_state(self, values: Array) -> dict[str, Array]:
        return {name: np.zeros_like(values) for name in ("m", "v", "largest")[: 2 + self.amsgrad]}

    def update(self, blocks: Blocks, rate: float) -> None:
        axpy, scale, beta_1, beta_2, t = self._axpy, self._scale, self.beta_1, self.beta_2, self.iterations + 1
        # the largest v can be from any step, so no factor may be deferred
        k = t % (period := 1 if self.amsgrad else rescaling_period(beta_1, beta_2))
        a, b = self.numerator(t)
        a *= (1.0 - beta_1) * beta_1**k
        root = math.sqrt((1.0 - beta_2) * beta_2**k / (1.0 - beta_2**t))
        epsilon, step = self.constant(self.epsilon / root), -rate * (b or a) / root
        grow_m, grow_v = beta_1**-k, beta_2**-k
        for w, g, r, s, m, v, *largest in blocks:
            if k == 0:
                scale(m, beta_1**period, out=m)
                scale(v, beta_2**period, out=v)
            axpy(g, m, a=grow_m)
            np.square(g, out=r)
            axpy(r, v, a=grow_v)
            np.sqrt(np.maximum(v, largest[0], out=largest[0]) if largest else v, out=r)
            np.add(r, epsilon, out=r)
            if b == 0.0:
                np.divide(m, r, out=r)
            else:
                np.multiply(m, a / b, out=s)
                np.add(s, g, out=s)
                np.divide(s, r, out=r)
            axpy(r, w, a=step)


class Adam(MomentOptimizer):
    """``w -= learning_rate * m_hat / (sqrt(v_hat) + epsilon)``.

    In step t = 1, 2, ..., with m and v starting from zero::

        m = beta_1 * m + (1 - beta_1) * g         m_hat = m / (1 - beta_1**t)
        v = beta_2 * v + (1 - beta_2) * g**2      v_hat = v / (1 - beta_2**t)

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.001.
    beta_1, beta_2 : float
        Decay rates of the averages, in [0, 1).
    epsilon : float
        Above 0. As in Algorithm 1, it is added to the root of the corrected ``v_hat``.
    amsgrad : bool
        Whether to compute ``v_hat`` from the largest ``v`` so far.
    weight_decay, clipnorm, global_clipnorm, clipvalue : float, optional
        See `Optimizer`.

    Notes
    -----
    Kingma and Ba (2015), Adam: A Method for Stochastic Optimization, Algorithm 1, as in torch and optax with an
    epsilon of 1e-8. Keras uses the epsilon-hat of the paper's section 2, added to the root of ``v`` before correction.
    ``torch.optim.Adam`` adds its weight decay to the gradient; here it is decoupled, as in `AdamW`. AMSGrad: Reddi,
    Kale and Kumar (2018), On the Convergence of Adam and Beyond, Algorithm 2, with Adam's bias corrections.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        *,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon=epsilon, **options)
        self.amsgrad = checks.flag(amsgrad, f"{type(self).__name__}: amsgrad")

    def numerator(self, t: int) -> tuple[float, float]:
        return 1.0 / (1.0 - self.beta_1**t), 0.0


class AdamW(Adam):
    """`Adam` with decoupled weight decay: first ``w -= learning_rate * weight_decay * w``.

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.001.
    weight_decay : float, optional
        Default: 0.004. It applies to every parameter, biases included.
    beta_1, beta_2 : float
        Decay rates of the averages, in [0, 1).
    epsilon, amsgrad, clipnorm, global_clipnorm, clipvalue
        See `Adam` and `Optimizer`.

    Notes
    -----
    Loshchilov and Hutter (2019), Decoupled Weight Decay Regularization, Algorithm 2, with the decay multiplied by the
    learning rate, as in Keras, torch and optax; their defaults are 0.004, 0.01 and 0.0001.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        *,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[ClipOptions],
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon=epsilon, amsgrad=amsgrad, weight_decay=weight_decay, **options
        )
