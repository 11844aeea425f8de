"""Adam and AdamW: steps along the average gradient, in units of the root of the average square."""

from minidl.optimizers.base import Rate
from minidl.optimizers.moments import MomentOptimizer


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
        From 0 to below 1: how much of the averages stays in each step.
    epsilon : float
        Above 0. It is that of Algorithm 1, added to the root of the corrected ``v_hat``.
    weight_decay, clipnorm, global_clipnorm, clipvalue : float, optional
        See `Optimizer`.

    Notes
    -----
    Kingma and Ba (2015), Adam: A Method for Stochastic Optimization, Algorithm 1, as torch and optax do it with an
    epsilon of 1e-8. Keras takes the epsilon-hat of the paper's section 2, added to the root of ``v`` before correction.
    ``torch.optim.Adam`` adds its weight decay to the gradient; here it is decoupled, as in `AdamW`.
    """

    def numerator(self, t: int) -> tuple[float, float]:
        return 1.0 / (1.0 - self.beta_1**t), 0.0


class AdamW(MomentOptimizer):
    """`Adam` with decoupled weight decay: first ``w -= learning_rate * weight_decay * w``.

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.001.
    weight_decay : float, optional
        Default: 0.004. It acts on every parameter, biases included.
    beta_1, beta_2 : float
        From 0 to below 1: how much of the averages stays in each step.
    epsilon, clipnorm, global_clipnorm, clipvalue : float, optional
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
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            global_clipnorm=global_clipnorm,
            clipvalue=clipvalue,
        )

    def numerator(self, t: int) -> tuple[float, float]:
        return 1.0 / (1.0 - self.beta_1**t), 0.0
