"""CosineDecayRestarts: a learning rate that decays and restarts."""

from minidl import checks
from minidl.config import register_builtins
from minidl.schedules import Schedule, check_rate, half_cosine


class CosineDecayRestarts(Schedule):
    """`CosineDecay` with restarts: each period is ``t_mul`` times as long and starts at ``m_mul`` times the rate.

    Parameters
    ----------
    initial_learning_rate : float
    first_decay_steps : int
        Length of the first period.
    t_mul, m_mul : float
        Factors of the period and of the initial rate at each restart; ``t_mul >= 1``, ``m_mul >= 0``.
    alpha : float
        The fraction of the rate at the start of a period that remains at its end.

    Notes
    -----
    Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts, equation (5).

    Examples
    --------
    >>> schedule = minidl.optimizers.schedules.CosineDecayRestarts(0.1, 100)
    >>> schedule(0), round(schedule(50), 3), schedule(100), round(schedule(200), 3)
    (0.1, 0.05, 0.1, 0.05)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
    ) -> None:
        self.initial_learning_rate = check_rate(initial_learning_rate, "CosineDecayRestarts: initial_learning_rate")
        self.first_decay_steps = checks.integer(first_decay_steps, "CosineDecayRestarts: first_decay_steps", minimum=1)
        self.t_mul = checks.number(t_mul, "CosineDecayRestarts: t_mul", at_least=1)
        self.m_mul = checks.number(m_mul, "CosineDecayRestarts: m_mul", at_least=0)
        self.alpha = checks.number(alpha, "CosineDecayRestarts: alpha", at_least=0)

    def __call__(self, step: int) -> float:
        periods, start, length = 0, 0.0, float(self.first_decay_steps)
        if self.t_mul == 1:
            periods, start = step // self.first_decay_steps, step // self.first_decay_steps * length
        while step >= start + length:
            periods, start, length = periods + 1, start + length, length * self.t_mul
        height = (1.0 - self.alpha) * half_cosine((step - start) / length) + self.alpha
        return self.initial_learning_rate * self.m_mul**periods * height


register_builtins(globals())
