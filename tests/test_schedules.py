"""Every schedule gives the rates of its formula, and those of torch or optax where they have it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from minidl import restarts, schedules
from minidl.config import Configured
from minidl.errors import ArgumentError
from minidl.optimizers import schedules as under_optimizers
from minidl.optimizers.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
)

PEERS = json.loads((Path(__file__).parent / "optimizer_trajectories.json").read_text())["schedules"]


def cosine_with_restart(step):
    height, fraction = (0.05, (step - 20) / 40) if step >= 20 else (0.1, step / 20)
    return height * (1 + math.cos(math.pi * fraction)) / 2


def cosine_with_warmup(step):
    if step < 5:
        return 0.01 + (0.1 - 0.01) * step / 5
    return 0.1 * (0.9 * (1 + math.cos(math.pi * min(step - 5, 10) / 10)) / 2 + 0.1)


# name -> (schedule, its formula)
TABLE = {
    "exponential": (ExponentialDecay(0.1, 10, 0.5), lambda step: 0.1 * 0.5 ** (step / 10)),
    "exponential, staircase": (
        ExponentialDecay(0.1, 10, 0.5, staircase=True),
        lambda step: 0.1 * 0.5 ** math.floor(step / 10),
    ),
    "inverse time": (InverseTimeDecay(0.1, 10, 0.5), lambda step: 0.1 / (1 + 0.5 * step / 10)),
    "inverse time, staircase": (
        InverseTimeDecay(0.1, 10, 0.5, staircase=True),
        lambda step: 0.1 / (1 + 0.5 * math.floor(step / 10)),
    ),
    "piecewise": (
        PiecewiseConstantDecay([10, 20], [0.3, 0.2, 0.1]),
        lambda step: 0.3 if step <= 10 else 0.2 if step <= 20 else 0.1,
    ),
    "piecewise, constant": (PiecewiseConstantDecay([], [0.3]), lambda step: 0.3),
    "polynomial": (
        PolynomialDecay(0.1, 30, 0.01, power=2.0),
        lambda step: (0.1 - 0.01) * (1 - min(step, 30) / 30) ** 2 + 0.01,
    ),
    "polynomial, cycle": (
        PolynomialDecay(0.1, 10, cycle=True),
        lambda step: (0.1 - 1e-4) * (1 - step / (10 * max(1, math.ceil(step / 10)))) + 1e-4,
    ),
    "cosine": (
        CosineDecay(0.1, 30, alpha=0.1),
        lambda step: 0.1 * (0.9 * (1 + math.cos(math.pi * min(step, 30) / 30)) / 2 + 0.1),
    ),
    "cosine, warm-up to a tenth": (CosineDecay(0.01, 10, 0.1, warmup_target=0.1, warmup_steps=5), cosine_with_warmup),
    "cosine, warm-up": (CosineDecay(0.01, 20, warmup_target=0.1, warmup_steps=10), None),
    "cosine, restarts": (CosineDecayRestarts(0.1, 20, t_mul=2.0, m_mul=0.5), cosine_with_restart),
    "one cycle": (OneCycle(0.1, 41), None),
}


def test_every_schedule_is_in_the_table():
    both = [*vars(schedules).values(), *vars(restarts).values()]
    public = {value for value in both if isinstance(value, type) and issubclass(value, Schedule)}
    assert public - {Schedule} == {type(schedule) for schedule, _ in TABLE.values()}


def test_the_schedules_are_those_under_optimizers():
    assert set(under_optimizers.__all__) == {"Schedule"} | {type(schedule).__name__ for schedule, _ in TABLE.values()}
    assert all(issubclass(getattr(under_optimizers, name), Schedule) for name in under_optimizers.__all__)


@pytest.mark.parametrize("name", [name for name, (_, formula) in TABLE.items() if formula])
def test_the_rate_is_that_of_the_formula(name):
    schedule, formula = TABLE[name]
    assert [schedule(step) for step in range(60)] == pytest.approx([formula(step) for step in range(60)], rel=1e-13)


@pytest.mark.parametrize("name", PEERS)
def test_the_rate_is_that_of_torch_or_optax(name):
    schedule, _ = TABLE[name]
    assert [schedule(step) for step in range(41)] == pytest.approx(PEERS[name], rel=1e-12, abs=1e-17)


def test_every_schedule_has_a_formula_or_a_peer():
    assert [name for name, (_, formula) in TABLE.items() if formula is None and name not in PEERS] == []


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in TABLE.values()], ids=TABLE)
def test_the_rate_stays_finite_and_not_negative_for_ever(schedule):
    for step in (0, 1, 10**3, 10**6, 10**9):
        rate = schedule(step)
        assert type(rate) is float
        assert 0 <= rate <= 0.3


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in TABLE.values()], ids=TABLE)
def test_the_config_makes_an_equal_schedule(schedule):
    twin = type(schedule).from_config(schedule.get_config())
    assert repr(twin) == repr(schedule)
    assert [twin(step) for step in range(30)] == [schedule(step) for step in range(30)]


def test_one_cycle_stays_at_its_end():
    schedule = OneCycle(0.1, 10)
    assert schedule(9) == schedule(10) == schedule(1000) == 0.1 / 25 / 1e4


@pytest.mark.parametrize(("pct_start", "highest"), [(0.0, 0), (0.01, 0), (1.0, 9)])
def test_one_cycle_may_only_climb_or_only_fall(pct_start, highest):
    schedule = OneCycle(0.1, 10, pct_start=pct_start)
    rates = [schedule(step) for step in range(9)]
    assert rates == sorted(rates, reverse=highest == 0)
    assert all(math.isfinite(rate) for rate in rates)


def test_a_schedule_of_ones_own_is_one_method():
    class Halving(Schedule):
        def __call__(self, step):
            return 0.5**step

    assert isinstance(Halving(), Configured)
    assert repr(Halving()) == "Halving()"
    assert Halving()(2) == 0.25


BAD = [
    (lambda: ExponentialDecay(-0.1, 10, 0.5), "ExponentialDecay: initial_learning_rate: expected a finite number >= 0"),
    (lambda: ExponentialDecay(math.nan, 10, 0.5), "ExponentialDecay: initial_learning_rate"),
    (lambda: ExponentialDecay(0.1, 0, 0.5), "ExponentialDecay: decay_steps: expected an integer of at least 1, got 0."),
    (lambda: ExponentialDecay(0.1, 2.5, 0.5), "ExponentialDecay: decay_steps"),
    (lambda: ExponentialDecay(0.1, 10, -1), "ExponentialDecay: decay_rate"),
    (lambda: ExponentialDecay(0.1, 10, 0.5, staircase=1), "ExponentialDecay: staircase"),
    (lambda: InverseTimeDecay("x", 10, 0.5), "InverseTimeDecay: initial_learning_rate"),
    (lambda: InverseTimeDecay(0.1, -1, 0.5), "InverseTimeDecay: decay_steps"),
    (lambda: InverseTimeDecay(0.1, 10, math.inf), "InverseTimeDecay: decay_rate"),
    (lambda: InverseTimeDecay(0.1, 10, 0.5, staircase="no"), "InverseTimeDecay: staircase"),
    (
        lambda: PiecewiseConstantDecay([10], [0.1]),
        "PiecewiseConstantDecay: values: expected 2, one more than boundaries",
    ),
    (lambda: PiecewiseConstantDecay([10, 10], [0.1] * 3), "PiecewiseConstantDecay: boundaries: expected ascending"),
    (lambda: PiecewiseConstantDecay([0.5], [0.1, 0.2]), "PiecewiseConstantDecay: boundaries: expected an integer"),
    (
        lambda: PiecewiseConstantDecay([10], [0.1, -0.2]),
        "PiecewiseConstantDecay: values: expected a finite number >= 0",
    ),
    (lambda: PiecewiseConstantDecay(10, [0.1, 0.2]), "PiecewiseConstantDecay: boundaries: expected a list, got 10."),
    (lambda: PiecewiseConstantDecay([10], 0.1), "PiecewiseConstantDecay: values: expected a list, got 0.1."),
    (lambda: PolynomialDecay(0.1, 10, -1e-4), "PolynomialDecay: end_learning_rate"),
    (lambda: PolynomialDecay(None, 10), "PolynomialDecay: initial_learning_rate"),
    (lambda: PolynomialDecay(0.1, True), "PolynomialDecay: decay_steps"),
    (lambda: PolynomialDecay(0.1, 10, power=0), "PolynomialDecay: power"),
    (lambda: PolynomialDecay(0.1, 10, cycle=None), "PolynomialDecay: cycle"),
    (lambda: CosineDecay(-1, 10), "CosineDecay: initial_learning_rate"),
    (lambda: CosineDecay(0.1, 0), "CosineDecay: decay_steps"),
    (lambda: CosineDecay(0.1, 10, -0.1), "CosineDecay: alpha"),
    (lambda: CosineDecay(0.1, 10, warmup_target=math.inf), "CosineDecay: warmup_target"),
    (lambda: CosineDecay(0.1, 10, warmup_target=0.1, warmup_steps=-1), "CosineDecay: warmup_steps"),
    (lambda: CosineDecay(0.1, 10, warmup_steps=5), "CosineDecay: warmup_target: expected the rate that the warm-up"),
    (lambda: OneCycle(-0.1, 10), "OneCycle: max_learning_rate"),
    (lambda: OneCycle(0.1, 1), "OneCycle: total_steps: expected an integer of at least 2, got 1."),
    (lambda: OneCycle(0.1, 10, pct_start=1.5), "OneCycle: pct_start"),
    (lambda: OneCycle(0.1, 10, div_factor=0), "OneCycle: div_factor"),
    (lambda: OneCycle(0.1, 10, final_div_factor=0.5), "OneCycle: final_div_factor"),
]


@pytest.mark.parametrize(("make", "words"), BAD)
def test_bad_arguments_are_refused_at_once(make, words):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert str(caught.value).startswith(words)


def test_a_decay_may_take_a_single_step():
    for schedule in (CosineDecay(0.1, 1), PolynomialDecay(0.1, 1, 0.0)):
        assert [schedule(0), schedule(1), schedule(2)] == [0.1, 0.0, 0.0]


KERAS = json.loads((Path(__file__).parent / "keras_values.json").read_text())


@pytest.mark.parametrize("case", KERAS["schedules"], ids=lambda case: f"{case['class']}-{case['arguments']}")
def test_the_rates_are_those_of_keras(case):
    schedule = getattr(under_optimizers, case["class"])(**case["arguments"])
    np.testing.assert_allclose([schedule(step) for step in range(41)], case["rates"], rtol=1e-5, atol=1e-8)


def test_restarts_of_one_length_cost_no_more_for_later_steps():
    schedule = CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.5)
    assert schedule(10**9 + 5) == 0.0
    assert schedule(15) == pytest.approx(0.025)
