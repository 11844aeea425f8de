"""Schedules: the learning rate as a function of the number of completed steps.

The first step is 0. An optimizer takes any callable ``step -> rate``; these are the usual ones, with Keras' arguments.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from minidl import checks
from minidl.config import Configured, register_builtins
from minidl.errors import ArgumentError


class Schedule(Configured, ABC):
    """Abstract base: ``rate = schedule(step)``.

    Examples
    --------
    >>> schedule = minidl.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
    >>> schedule(0), schedule(100)
    (0.1, 0.05)
    >>> optimizer = minidl.optimizers.SGD(schedule)
    """

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Return the learning rate for step number ``step``, counted from 0."""


class ExponentialDecay(Schedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        Number of steps after which the rate has been multiplied by ``decay_rate``.
    decay_rate : float
        At least 0.
    staircase : bool
        True rounds ``step / decay_steps`` down.
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False
    ) -> None:
        who = type(self).__name__
        self.initial_learning_rate = check_rate(initial_learning_rate, f"{who}: initial_learning_rate")
        self.decay_steps = checks.integer(decay_steps, f"{who}: decay_steps", minimum=1)
        self.decay_rate = checks.number(decay_rate, f"{who}: decay_rate", at_least=0)
        self.staircase = checks.flag(staircase, f"{who}: staircase")

    def decays(self, step: int) -> float:
        """Return ``step / decay_steps``, rounded down if ``staircase``."""
        return step // self.decay_steps if self.staircase else step / self.decay_steps

    def __call__(self, step: int) -> float:
        start, base, exponent = self.initial_learning_rate, self.decay_rate, self.decays(step)
        try:
            return start * base**exponent
        except OverflowError:  # check only the power: the product may be finite
            half = math.exp(min(exponent / 2 * math.log(base), 709.0))  # the largest power that is finite
            return start * half * half


class InverseTimeDecay(ExponentialDecay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``; parameters as for `ExponentialDecay`."""

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate / (1.0 + self.decay_rate * self.decays(step))


class PiecewiseConstantDecay(Schedule):
    """``values[i]`` up to and including step ``boundaries[i]``, the last value after all of them.

    Parameters
    ----------
    boundaries : sequence of int
        Ascending steps.
    values : sequence of float
        The rates; one more than there are boundaries.

    Examples
    --------
    >>> schedule = minidl.optimizers.schedules.PiecewiseConstantDecay([100], [0.1, 0.01])
    >>> schedule(100), schedule(101)
    (0.1, 0.01)
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        who = "PiecewiseConstantDecay"
        for name, given in (("boundaries", boundaries), ("values", values)):
            if not isinstance(given, (list, tuple)):
                raise ArgumentError(f"{who}: {name}: expected a list, got {given!r}.")
        self.boundaries = [checks.integer(step, f"{who}: boundaries", minimum=0) for step in boundaries]
        self.values = [check_rate(value, f"{who}: values") for value in values]
        if len(values) != len(boundaries) + 1:
            expected = f"{len(boundaries) + 1}, one more than boundaries"
            raise ArgumentError(f"{who}: values: expected {expected}, got {len(values)}.")
        if self.boundaries != sorted(set(boundaries)):
            raise ArgumentError(f"{who}: boundaries: expected ascending steps, got {boundaries!r}.")

    def __call__(self, step: int) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]


class PolynomialDecay(Schedule):
    """``(initial_learning_rate - end_learning_rate) * (1 - step / decay_steps)**power + end_learning_rate``.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        Number of steps after which the rate stays at ``end_learning_rate``.
    end_learning_rate : float
    power : float
        Above 0; 1 gives a linear decay.
    cycle : bool
        Whether to restart instead of staying at the end, with ``decay_steps`` twice, three times, ... as long,
        counted from step 0, so the rate jumps back by less each time.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        self.initial_learning_rate = check_rate(initial_learning_rate, "PolynomialDecay: initial_learning_rate")
        self.decay_steps = checks.integer(decay_steps, "PolynomialDecay: decay_steps", minimum=1)
        self.end_learning_rate = check_rate(end_learning_rate, "PolynomialDecay: end_learning_rate")
        self.power = checks.number(power, "PolynomialDecay: power", above=0)
        self.cycle = checks.flag(cycle, "PolynomialDecay: cycle")

    def __call__(self, step: int) -> float:
        steps = self.decay_steps
        if self.cycle:
            steps *= max(1, math.ceil(step / steps))
        height = self.initial_learning_rate - self.end_learning_rate
        return height * math.pow(1.0 - min(step, steps) / steps, self.power) + self.end_learning_rate


class CosineDecay(Schedule):
    """``start * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)``, after an optional linear warm-up.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of step 0.
    decay_steps : int
        Number of steps of the decay, which starts at the end of the warm-up.
    alpha : float
        The fraction of the highest rate that remains at the end.
    warmup_target : float, optional
        The rate at the end of the warm-up, which is ``start``. By default there is no warm-up, and
        ``start`` is ``initial_learning_rate``.
    warmup_steps : int
        Number of steps of the warm-up.

    Notes
    -----
    Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts, equation (5) without restarts.

    Examples
    --------
    >>> schedule = minidl.optimizers.schedules.CosineDecay(0.0, 1000, warmup_target=0.1, warmup_steps=100)
    >>> schedule(0), schedule(50), schedule(100), schedule(1100)
    (0.0, 0.05, 0.1, 0.0)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        *,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = check_rate(initial_learning_rate, "CosineDecay: initial_learning_rate")
        self.decay_steps = checks.integer(decay_steps, "CosineDecay: decay_steps", minimum=1)
        self.alpha = checks.number(alpha, "CosineDecay: alpha", at_least=0)
        self.warmup_target = None if warmup_target is None else check_rate(warmup_target, "CosineDecay: warmup_target")
        self.warmup_steps = checks.integer(warmup_steps, "CosineDecay: warmup_steps", minimum=0)
        if warmup_target is None and warmup_steps > 0:
            raise ArgumentError("CosineDecay: warmup_target: expected the rate that the warm-up reaches, got None.")

    def __call__(self, step: int) -> float:
        start, steps = self.initial_learning_rate, step
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return start + (self.warmup_target - start) * (step / self.warmup_steps)
            start, steps = self.warmup_target, step - self.warmup_steps
        return start * ((1.0 - self.alpha) * half_cosine(steps / self.decay_steps) + self.alpha)


class OneCycle(Schedule):
    """Half a cosine up to ``max_learning_rate``, then half a cosine down to almost nothing.

    Parameters
    ----------
    max_learning_rate : float
    total_steps : int
        At least 2. Afterwards the rate stays at its last value (torch raises an error).
    pct_start : float
        The fraction of steps, between 0 and 1, in which the rate increases.
    div_factor : float
        The first rate is ``max_learning_rate / div_factor``.
    final_div_factor : float
        The last rate is the first one divided by this.

    Notes
    -----
    Smith and Topin (2017), Super-Convergence, in the form of torch's OneCycleLR with two phases. The
    first ends at step ``pct_start * total_steps - 1``. Only the learning rate changes, not the momentum.

    Examples
    --------
    >>> schedule = minidl.optimizers.schedules.OneCycle(0.5, total_steps=100, pct_start=0.21)
    >>> schedule(0), schedule(20)
    (0.02, 0.5)
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        *,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        self.max_learning_rate = check_rate(max_learning_rate, "OneCycle: max_learning_rate")
        self.total_steps = checks.integer(total_steps, "OneCycle: total_steps", minimum=2)
        self.pct_start = checks.number(pct_start, "OneCycle: pct_start", at_least=0, at_most=1)
        self.div_factor = checks.number(div_factor, "OneCycle: div_factor", at_least=1)
        self.final_div_factor = checks.number(final_div_factor, "OneCycle: final_div_factor", at_least=1)

    def __call__(self, step: int) -> float:
        first = self.max_learning_rate / self.div_factor
        last = first / self.final_div_factor
        top, end = self.pct_start * self.total_steps - 1.0, self.total_steps - 1.0
        if step < top:
            return first + (self.max_learning_rate - first) * (1.0 - half_cosine(step / top))
        if step >= end:
            return last
        return last + (self.max_learning_rate - last) * half_cosine((step - top) / (end - top))


def check_rate(value: float, who: str) -> float:
    """Return ``value`` if it is a valid learning rate: finite and not negative."""
    return checks.number(value, who, at_least=0)


def half_cosine(fraction: float) -> float:
    """``(1 + cos(pi * fraction)) / 2``: from 1 at 0 down to 0 at 1, where it stays."""
    return (1.0 + math.cos(math.pi * min(fraction, 1.0))) / 2.0


register_builtins(globals())
