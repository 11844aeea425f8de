"""Nadam: Adam with Nesterov momentum."""

import math

from minidl.optimizers.adam import MomentOptimizer


class Nadam(MomentOptimizer):
    """``w -= learning_rate * n / (sqrt(v_hat) + epsilon)``: `Adam` whose average gradient looks one step ahead.

    With ``mu[t] = beta_1 * (1 - 0.96**(0.004 * t) / 2)`` and ``P[t] = mu[1] * ... * mu[t]``::

        n = mu[t + 1] / (1 - P[t + 1]) * m + (1 - mu[t]) / (1 - P[t]) * g

    Parameters
    ----------
    learning_rate : float or callable
        Default: 0.001.
    beta_1, beta_2 : float
        Decay rates of the averages, in [0, 1).
    epsilon, weight_decay, clipnorm, global_clipnorm, clipvalue : float, optional
        See `Adam` and `Optimizer`.

    Notes
    -----
    Dozat (2016), Incorporating Nesterov Momentum into Adam, with the schedule for mu that it suggests, as in torch with
    an epsilon of 1e-8. Keras omits the factor 0.004, and optax the schedule.
    """

    _product: tuple[int, float] = (0, 1.0)  # the last t, and P[t]

    def mu(self, t: int) -> float:
        """Return the momentum of step ``t``."""
        return self.beta_1 * (1.0 - 0.5 * math.pow(0.96, 0.004 * t))

    def numerator(self, t: int) -> tuple[float, float]:
        last, product = self._product
        if last > t:
            last, product = 0, 1.0
        for step in range(last + 1, t + 1):  # one pass, unless the state has just been restored
            product *= self.mu(step)
            if product < 1e-300:  # after some thousand steps: 1 - product is 1 from here on
                break
        self._product = t, product
        ahead = self.mu(t + 1)
        return ahead / (1.0 - product * ahead), (1.0 - self.mu(t)) / (1.0 - product)
