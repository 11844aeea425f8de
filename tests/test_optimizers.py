"""Every optimizer does what its docstring says, refuses invalid arguments, and resumes from its state bit for bit."""

import contextlib
import copy
import functools
import inspect
import itertools
import json
import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minidl import optimizers
from minidl.config import resolve
from minidl.errors import ArgumentError, ShapeError, StateError
from minidl.numeric import rescaling_period
from minidl.optimizers import LBFGS, SGD, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, Optimizer, RMSprop, base
from minidl.optimizers.schedules import CosineDecay, ExponentialDecay
from minidl.solvers import Solver

KERAS = json.loads((Path(__file__).parent / "keras_values.json").read_text())
TRAJECTORIES = json.loads((Path(__file__).parent / "optimizer_trajectories.json").read_text())


# The formulas of the papers, written out: w, one gradient a step, what the docstring calls the arguments.


def sgd(w, gradients, rate=0.1, momentum=0.0, nesterov=False):
    v = np.zeros_like(w)
    for g in gradients:
        v = momentum * v - rate * g
        w = w + (momentum * v - rate * g if nesterov else v)
    return w


def rmsprop(w, gradients, rate=0.1, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    v, a, u = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        a = rho * a + (1 - rho) * g
        u = momentum * u + rate * g / np.sqrt((np.maximum(v - a**2, 0) if centered else v) + epsilon)
        w = w - u
    return w


def adagrad(w, gradients, rate=0.1, start=0.1, epsilon=1e-7):
    v = np.full_like(w, start)
    for g in gradients:
        v = v + g**2
        w = w - rate * g / np.sqrt(v + epsilon)
    return w


def adamax(w, gradients, rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, u = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, np.abs(g))
        w = w - rate * m / ((1 - beta_1**t) * (u + epsilon))
    return w


def adam(w, gradients, rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7, decay=0.0, largest=False):
    m, v, v_max = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        w = w - rate * decay * w
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t)
        v_max = np.maximum(v_max, v)
        v_hat = (v_max if largest else v) / (1 - beta_2**t)
        w = w - rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return w


def nadam(w, gradients, rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m, v = np.zeros_like(w), np.zeros_like(w)

    def mu(t):
        return beta_1 * (1 - 0.5 * 0.96 ** (0.004 * t))

    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        P = math.prod(mu(i) for i in range(1, t + 1))
        m_bar = mu(t + 1) * m / (1 - P * mu(t + 1)) + (1 - mu(t)) * g / (1 - P)
        w = w - rate * m_bar / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return w


def lion(w, gradients, rate=0.1, beta_1=0.9, beta_2=0.99):
    m = np.zeros_like(w)
    for g in gradients:
        w = w - rate * np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g
    return w


# name -> (optimizer, its formula)
TABLE = {
    "SGD": (lambda: SGD(0.1), sgd),
    "SGD, momentum": (lambda: SGD(0.1, 0.9), lambda w, g: sgd(w, g, momentum=0.9)),
    "SGD, little momentum": (lambda: SGD(0.1, 1e-3), lambda w, g: sgd(w, g, momentum=1e-3)),
    "SGD, Nesterov": (lambda: SGD(0.1, 0.9, nesterov=True), lambda w, g: sgd(w, g, momentum=0.9, nesterov=True)),
    "RMSprop": (lambda: RMSprop(0.1), rmsprop),
    "RMSprop, momentum": (lambda: RMSprop(0.1, 0.8, 0.9), lambda w, g: rmsprop(w, g, rho=0.8, momentum=0.9)),
    "RMSprop, centered": (lambda: RMSprop(0.1, centered=True), lambda w, g: rmsprop(w, g, centered=True)),
    "RMSprop, all": (
        lambda: RMSprop(0.1, 0.5, 0.5, epsilon=1e-3, centered=True),
        lambda w, g: rmsprop(w, g, rho=0.5, momentum=0.5, epsilon=1e-3, centered=True),
    ),
    "Adagrad": (lambda: Adagrad(0.1), adagrad),
    "Adagrad, from 0": (lambda: Adagrad(0.1, 0.0), lambda w, g: adagrad(w, g, start=0.0)),
    "Adam": (lambda: Adam(0.1), adam),
    "Adam, short memory": (lambda: Adam(0.1, 0.5, 0.3), lambda w, g: adam(w, g, beta_1=0.5, beta_2=0.3)),
    "Adam, no memory": (lambda: Adam(0.1, 0.0, 0.0), lambda w, g: adam(w, g, beta_1=0.0, beta_2=0.0)),
    "Adam, large epsilon": (lambda: Adam(0.1, epsilon=0.5), lambda w, g: adam(w, g, epsilon=0.5)),
    "Adam, largest": (lambda: Adam(0.1, beta_2=0.9, amsgrad=True), lambda w, g: adam(w, g, beta_2=0.9, largest=True)),
    "Adamax": (lambda: Adamax(0.1), adamax),
    "Adamax, short memory": (lambda: Adamax(0.1, 0.5, 0.3), lambda w, g: adamax(w, g, beta_1=0.5, beta_2=0.3)),
    "AdamW": (lambda: AdamW(0.1), lambda w, g: adam(w, g, decay=0.004)),
    "Nadam": (lambda: Nadam(0.1), nadam),
    "Nadam, short memory": (lambda: Nadam(0.1, 0.5, 0.3), lambda w, g: nadam(w, g, beta_1=0.5, beta_2=0.3)),
    "Lion": (lambda: Lion(0.1), lion),
    "Lion, short memory": (lambda: Lion(0.1, 0.3, 0.5), lambda w, g: lion(w, g, beta_1=0.3, beta_2=0.5)),
}
MAKERS = {name: make for name, (make, _) in TABLE.items()}
every_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
# The classes, but for LBFGS, which takes no single steps.
CLASSES = [SGD, RMSprop, Adagrad, Adam, Adamax, AdamW, Nadam, Lion]
every_class = pytest.mark.parametrize("cls", CLASSES)


def random_gradients(steps, size, seed=0, dtype="float64"):
    return np.random.default_rng(seed).standard_normal((steps, size)).astype(dtype)


def walk(optimizer, values, gradients):
    for g in gradients:
        optimizer.step(values, g)
    return values


def test_every_public_optimizer_is_in_the_table():
    public = {name for name in optimizers.__all__ if isinstance(getattr(optimizers, name), type)}
    assert public - {"Optimizer", "LBFGS"} == {cls.__name__ for cls in CLASSES}
    assert {type(make()) for make in MAKERS.values()} == set(CLASSES)


# The right numbers


@pytest.mark.parametrize("steps", [1, 2, 3, 99, 100, 101, 250])
@pytest.mark.parametrize(("make", "formula"), TABLE.values(), ids=TABLE)
def test_steps_follow_the_formula(make, formula, steps):
    start, gradients = np.array([1.0, -2.0, 0.5]), random_gradients(steps, 3)
    expected = formula(start, gradients)
    np.testing.assert_allclose(walk(make(), start.copy(), gradients), expected, rtol=0, atol=1e-12 * steps)


@pytest.mark.parametrize(("make", "formula"), TABLE.values(), ids=TABLE)
def test_float32_steps_are_those_of_float64_to_rounding(make, formula):
    start, gradients = random_gradients(1, 50, seed=1)[0], random_gradients(120, 50, dtype="float32")
    values = walk(make(), start.astype("float32"), gradients)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, formula(start, gradients.astype("float64")), rtol=1e-4, atol=1e-4)


def rosenbrock_gradient(w):
    g = np.zeros_like(w)
    g[:-1] = -2.0 * (1.0 - w[:-1]) - 40.0 * w[:-1] * (w[1:] - w[:-1] ** 2)
    g[1:] += 20.0 * (w[1:] - w[:-1] ** 2)
    return g


# As in benchmarks/optimizer_trajectories.py, which made the numbers with torch and optax.
PEERS = {
    "SGD": lambda: SGD(0.003),
    "SGD, momentum": lambda: SGD(0.002, 0.9),
    "SGD, Nesterov": lambda: SGD(0.002, 0.9, nesterov=True),
    "SGD, momentum, decay": lambda: SGD(0.001, 0.9, weight_decay=0.1),
    "RMSprop": lambda: RMSprop(0.002),
    "RMSprop, momentum": lambda: RMSprop(0.01, momentum=0.9),
    "RMSprop, centered": lambda: RMSprop(0.001, epsilon=1e-3, centered=True),
    "Adagrad": lambda: Adagrad(0.1),
    "Adam": lambda: Adam(0.05),
    "Adam, short memory": lambda: Adam(0.02, 0.5, 0.8, epsilon=1e-3),
    "Adam, global clipnorm": lambda: Adam(0.05, global_clipnorm=1.0),
    "Adam, cosine decay": lambda: Adam(CosineDecay(0.1, 80, alpha=0.1)),
    "AdamW": lambda: AdamW(0.05, 0.1),
    "Nadam": lambda: Nadam(0.02),
    "Nadam, decay": lambda: Nadam(0.02, weight_decay=0.1),
    "Lion": lambda: Lion(0.01),
    "Lion, decay": lambda: Lion(0.01, weight_decay=0.1),
}


@pytest.mark.parametrize("name", TRAJECTORIES["walks"])
def test_a_hundred_steps_are_those_of_torch_or_optax(name):
    optimizer, w = PEERS[name](), np.array(TRAJECTORIES["start"])
    found = []
    for step in range(1, 101):
        optimizer.step(w, rosenbrock_gradient(w))
        if step in TRAJECTORIES["steps"]:
            found.append(w.copy())
    np.testing.assert_allclose(found, TRAJECTORIES["walks"][name], rtol=1e-9, atol=0)


@pytest.mark.parametrize("case", KERAS["optimizers"], ids=lambda case: f"{case['class']}-{case['arguments']}")
def test_a_hundred_steps_are_those_of_keras(case):
    if "use_ema" in case["arguments"]:
        pytest.skip("averages of the weights are not there yet")
    optimizer, w, found = getattr(optimizers, case["class"])(**case["arguments"]), np.array(KERAS["start"]), []
    for step in range(1, 101):
        optimizer.step(w, rosenbrock_gradient(w))
        if step in KERAS["steps"]:
            found.append(w.copy())
    np.testing.assert_allclose(found, case["walk"], rtol=1e-6, atol=0)  # Keras rounds its rates to float32


def test_every_class_is_compared_with_a_peer():
    assert PEERS.keys() == TRAJECTORIES["walks"].keys()
    asked = {type(make()).__name__ for make in PEERS.values()} | {case["class"] for case in KERAS["optimizers"]}
    assert asked == {cls.__name__ for cls in CLASSES}


# Properties that all share


@every_optimizer
def test_blocks_change_no_bit(make, monkeypatch):
    gradients = random_gradients(5, 1000, dtype="float32")
    whole = walk(make(), np.ones(1000, "float32"), gradients)
    for size in (64, 192, 512):  # multiples of what BLAS does at once; the last few values are rounded apart there
        monkeypatch.setattr(base, "SERIAL", size)
        np.testing.assert_array_equal(walk(make(), np.ones(1000, "float32"), gradients), whole)


@every_optimizer
def test_blocks_of_any_size_leave_nothing_out(make, monkeypatch):
    gradients = random_gradients(5, 100)
    whole = walk(make(), np.ones(100), gradients)
    for size in (1, 7, 99):
        monkeypatch.setattr(base, "SERIAL", size)
        np.testing.assert_allclose(walk(make(), np.ones(100), gradients), whole, rtol=1e-13)


@every_optimizer
def test_two_runs_agree_in_every_bit(make):
    gradients = random_gradients(5, 20_000, dtype="float32")
    first, second = (walk(make(), np.ones(20_000, "float32"), gradients) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@every_optimizer
@pytest.mark.parametrize("stop", [0, 1, 50, 99, 100, 101, 199])
def test_a_restored_state_continues_bit_for_bit(make, stop):
    gradients = random_gradients(203, 10, dtype="float32")
    whole = walk(make(), np.ones(10, "float32"), gradients)
    first, second = make(), make()
    values = walk(first, np.ones(10, "float32"), gradients[:stop])
    saved = first.get_state()
    walk(first, values.copy(), gradients[:3])  # the copy that was saved does not change
    walk(second, np.ones(10, "float32"), gradients[:7])  # what the other did before is forgotten
    second.set_state(saved)
    np.testing.assert_array_equal(walk(second, values, gradients[stop:]), whole)


@every_optimizer
def test_the_order_of_the_arrays_in_a_restored_state_does_not_matter(make):
    gradients = random_gradients(10, 4)
    first, second = make(), make()
    values = walk(first, np.ones(4), gradients[:5])
    second.set_state(dict(reversed(first.get_state().items())))
    np.testing.assert_array_equal(walk(second, values.copy(), gradients[5:]), walk(first, values, gradients[5:]))


@every_optimizer
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda optimizer: pickle.loads(pickle.dumps(optimizer))])
def test_a_copy_continues_bit_for_bit_and_alone(make, duplicate):
    gradients = random_gradients(20, 10, dtype="float32")
    first = make()
    values = walk(first, np.ones(10, "float32"), gradients[:10])
    second, other = duplicate(first), values.copy()
    np.testing.assert_array_equal(walk(second, other, gradients[10:]), walk(first, values, gradients[10:]))


@every_optimizer
def test_an_optimizer_unpickled_onto_read_only_memory_continues_and_leaves_it_alone(make):
    gradients = random_gradients(20, 10, dtype="float32")
    first, buffers = make(), []
    values = walk(first, np.ones(10, "float32"), gradients[:10])
    pickled = pickle.dumps(first, 5, buffer_callback=buffers.append)
    shared = [buffer.raw().tobytes() for buffer in buffers]  # immutable, as memory that processes share
    second, other, before = pickle.loads(pickled, buffers=shared), values.copy(), [bytearray(one) for one in shared]
    np.testing.assert_array_equal(walk(second, other, gradients[10:]), walk(first, values, gradients[10:]))
    assert shared == before


@every_optimizer
def test_an_optimizer_whose_state_is_a_memory_mapped_file_continues(make, tmp_path):
    gradients = random_gradients(20, 10, dtype="float32")
    first = make()
    values = walk(first, np.ones(10, "float32"), gradients[:10])
    second = copy.copy(first)
    for name, array in first.state.items():  # as joblib does with large arrays
        np.save(tmp_path / f"{name}.npy", array)
        second.state[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    second = copy.deepcopy(second)
    np.testing.assert_array_equal(walk(second, values.copy(), gradients[10:]), walk(first, values, gradients[10:]))


@every_optimizer
def test_a_pickle_holds_the_state_and_no_caches(make):
    optimizer = make()
    walk(optimizer, np.ones(100_000, "float32"), random_gradients(1, 100_000, dtype="float32"))
    assert len(pickle.dumps(optimizer)) < sum(array.nbytes for array in optimizer.state.values()) + 2_000


@every_optimizer
def test_gradients_are_left_alone(make):
    gradients = random_gradients(1, 10)[0]
    gradients.flags.writeable = False
    before = gradients.copy()
    walk(make(), np.ones(10), [gradients] * 3)
    np.testing.assert_array_equal(gradients, before)


@every_optimizer
def test_a_zero_gradient_from_the_start_moves_nothing(make):
    optimizer = make()
    optimizer.weight_decay = None
    np.testing.assert_array_equal(walk(optimizer, np.ones(5, "float32"), np.zeros((101, 5), "float32")), np.ones(5))


@every_optimizer
def test_a_model_without_parameters_is_fine(make):
    optimizer = make()
    optimizer.step(np.zeros(0, "float32"), np.zeros(0, "float32"))
    assert optimizer.iterations == 1


@every_optimizer
def test_a_new_vector_of_gradients_may_be_passed_at_any_step(make):
    gradients = random_gradients(6, 10)
    buffer, optimizer, values = np.empty(10), make(), np.ones(10)
    for g in gradients:
        buffer[...] = g
        optimizer.step(values, buffer)
    np.testing.assert_array_equal(values, walk(make(), np.ones(10), gradients))


@every_optimizer
def test_the_config_makes_an_equal_optimizer(make):
    optimizer = make()
    twin = type(optimizer).from_config(optimizer.get_config())
    assert repr(twin) == repr(optimizer)
    gradients = random_gradients(3, 4)
    np.testing.assert_array_equal(walk(twin, np.ones(4), gradients), walk(optimizer, np.ones(4), gradients))


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adagrad", "adam", "adamw", "nadam", "lion", "lbfgs", "Adam"])
def test_names_resolve_as_in_keras(name):
    assert type(resolve(name, (Optimizer, Solver), "compile: optimizer")).__name__.lower() == name.lower()


def test_an_unknown_name_offers_the_nearest_and_no_abstract_class():
    with pytest.raises(ArgumentError, match=r"compile: optimizer: .* Did you mean 'adam'\?") as caught:
        resolve("adm", Optimizer, "compile: optimizer")
    assert "moment_optimizer" not in str(caught.value)


BELOW_1, POSITIVE, FROM_0 = ([0.0, 0.5, 0.999], [-1e-9, 1.0, 1.5]), ([1e-30, 0.5], [0.0, -1.0]), ([0.0, 0.5], [-1e-9])
BOUNDS = {  # argument: values that are taken, and that are refused
    "learning_rate": FROM_0, "weight_decay": FROM_0, "initial_accumulator_value": FROM_0,
    "beta_1": BELOW_1, "beta_2": BELOW_1, "rho": BELOW_1, "momentum": BELOW_1,
    "epsilon": POSITIVE, "clipnorm": POSITIVE, "global_clipnorm": POSITIVE, "clipvalue": POSITIVE,
    "history_size": ([1, 2], [0, -1, 1.5]), "max_line_search": ([1, 2], [0, -1, 1.5]),
    "gradient_tolerance": FROM_0, "loss_tolerance": FROM_0,
}  # fmt: skip
NUMBERS = [
    (cls, name)
    for cls in (*CLASSES, LBFGS)
    for name in inspect.signature(cls).parameters
    if name not in ("nesterov", "centered", "amsgrad")
]


@pytest.mark.parametrize(("cls", "name"), NUMBERS, ids=lambda value: getattr(value, "__name__", value))
def test_arguments_are_taken_up_to_their_bounds(cls, name):
    taken, refused = BOUNDS[name]
    for value in taken:
        assert getattr(cls(**{name: value}), name) == value
    for value in refused:
        with pytest.raises(ArgumentError, match=f"{cls.__name__}: {name}: expected"):
            cls(**{name: value})


def test_state_is_kept_only_for_what_is_asked_for():
    for optimizer, vectors in (
        (RMSprop(), 1), (RMSprop(momentum=0.5), 2), (RMSprop(centered=True), 2),
        (SGD(), 0), (SGD(momentum=0.5), 1), (Adam(), 2), (Adam(amsgrad=True), 3),
    ):  # fmt: skip
        walk(optimizer, np.ones(3), np.ones((1, 3)))
        assert sum(array.size == 3 for array in optimizer.state.values()) == vectors, optimizer


@pytest.mark.parametrize("cls", CLASSES)
def test_after_reset_the_first_step_comes_again(cls):
    optimizer, gradients = cls(0.1), np.array([1.0, -2.0, 3.0])
    first, again = np.zeros(3), np.zeros(3)
    optimizer.step(first, gradients)
    for _ in range(3):
        optimizer.step(again, gradients)
    optimizer.reset()
    again[...] = 0
    optimizer.step(again, gradients)
    np.testing.assert_array_equal(again, first)
    assert optimizer.iterations == 1


@pytest.mark.parametrize(
    ("optimizer", "state"),
    [  # after two steps along 1: the sums of what each step adds, of which files hold the numbers
        (SGD(0.25, momentum=0.5), [-0.25 / 0.5 - 0.25 / 0.5**2]),
        (SGD(0.25, momentum=0.5, nesterov=True), [-0.25 / 0.5 - 0.25 / 0.5**2]),
        (RMSprop(0.25, rho=0.5), [0.5 * 0.5 + 0.5]),
        (Adam(0.25, beta_1=0.5, beta_2=0.25), [1 / 0.5 + 1 / 0.5**2, 1 / 0.25 + 1 / 0.25**2]),
        (Nadam(0.25, beta_1=0.5, beta_2=0.25), [1 / 0.5 + 1 / 0.5**2, 1 / 0.25 + 1 / 0.25**2]),
        (Adamax(0.25, beta_1=0.5, beta_2=0.25), [0.5 * 0.5 + 0.5, 1.0]),
        (Lion(0.25, beta_2=0.75), [0.75 * 0.25 + 0.25]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_state_that_files_hold_means_what_it_meant(optimizer, state):
    optimizer = copy.copy(optimizer)
    walk(optimizer, np.zeros(1), np.ones((2, 1)))
    arrays = [value for value in optimizer.get_state().values() if isinstance(value, np.ndarray)]
    assert [array.tolist() for array in arrays] == [[value] for value in state]


@pytest.mark.parametrize(
    ("decay", "steps"), [(0.999, 100), (0.9, 100), (0.8913, 100), (0.891, 99), (0.5, 16), (0.1, 5), (1e-6, 1), (0, 1)]
)
def test_a_deferred_decay_is_carried_out_before_it_passes_1e5(decay, steps):
    assert rescaling_period(decay, 0.9999) == steps


def test_the_defaults_are_those_of_keras():
    assert SGD().learning_rate == 0.01
    assert [cls().learning_rate for cls in CLASSES[1:]] == [0.001] * 7
    assert AdamW().weight_decay == 0.004
    assert (Adam().beta_1, Adam().beta_2, Adam().epsilon) == (0.9, 0.999, 1e-7)
    assert (Lion().beta_1, Lion().beta_2) == (0.9, 0.99)


# Weight decay and clipping


@every_class
def test_weight_decay_shrinks_the_values_before_the_step(cls):
    gradients = random_gradients(1, 6)
    decayed = walk(cls(0.1, weight_decay=0.5), np.arange(6.0), gradients)
    by_hand = walk(cls(0.1, weight_decay=None), np.arange(6.0) * (1 - 0.1 * 0.5), gradients)
    np.testing.assert_array_equal(decayed, by_hand)


@every_class
def test_weight_decay_follows_the_schedule(cls):
    values = np.ones(3)
    optimizer = cls(lambda step: 0.5 if step == 0 else 0.0, weight_decay=0.5)
    walk(optimizer, values, np.zeros((2, 3)))
    np.testing.assert_array_equal(values, np.full(3, 0.75))


def clipped_to(cls, gradient, segments=None, **limit):
    """Return the gradient that a step of ``cls`` saw: that of `SGD` with rate 1 is what the values lost."""
    optimizer = SGD(1.0, **limit)
    optimizer.segments = segments or {}
    seen = -walk(optimizer, np.zeros(len(gradient)), [np.array(gradient)])
    first, second = cls(0.1, **limit), cls(0.1)
    first.segments = segments or {}
    np.testing.assert_array_equal(
        walk(first, np.ones(len(gradient)), [np.array(gradient)]), walk(second, np.ones(len(gradient)), [seen])
    )
    return seen


@every_class
def test_clipvalue_cuts_each_gradient(cls):
    np.testing.assert_array_equal(clipped_to(cls, [3.0, -4.0, 0.5], clipvalue=1.0), [1.0, -1.0, 0.5])


@every_class
def test_global_clipnorm_shortens_the_whole_gradient(cls):
    np.testing.assert_allclose(clipped_to(cls, [3.0, -4.0], global_clipnorm=1.0), [0.6, -0.8], rtol=1e-15)
    np.testing.assert_array_equal(clipped_to(cls, [3.0, -4.0], global_clipnorm=5.0), [3.0, -4.0])


@every_class
def test_clipnorm_shortens_the_gradient_of_each_parameter(cls):
    parts = {"a/W": slice(0, 2), "a/b": slice(2, 3), "b/W": slice(3, 5)}
    seen = clipped_to(cls, [3.0, -4.0, 0.5, 0.0, 8.0], segments=parts, clipnorm=1.0)
    np.testing.assert_allclose(seen, [0.6, -0.8, 0.5, 0.0, 1.0], rtol=1e-15)
    np.testing.assert_allclose(clipped_to(cls, [3.0, -4.0], clipnorm=1.0), [0.6, -0.8], rtol=1e-15)


@pytest.mark.parametrize("limit", ["clipnorm", "global_clipnorm"])
def test_clipping_tames_gradients_whose_squares_overflow(limit):
    values = np.zeros(2, "float32")
    SGD(1.0, **{limit: 5.0}).step(values, np.array([3e30, -4e30], "float32"))
    np.testing.assert_allclose(values, [-3.0, 4.0], rtol=1e-6)


@every_class
def test_clipping_may_begin_and_end_at_any_time(cls):
    first, second, values, others = cls(0.1), cls(0.1), np.ones(2), np.ones(2)
    gradients = np.array([3.0, -4.0])
    for limit in (None, 1.0, 2.0, None):
        first.clipvalue = limit
        first.step(values, gradients)
        second.step(others, gradients if limit is None else np.clip(gradients, -limit, limit))
    np.testing.assert_array_equal(values, others)


@pytest.mark.parametrize("limit", ["clipnorm", "global_clipnorm"])
def test_clipping_leaves_what_is_not_finite_to_be_found(limit):
    values = np.zeros(2, "float32")
    SGD(1.0, **{limit: 5.0}).step(values, np.array([np.inf, 1.0], "float32"))
    assert values.tolist() == [-np.inf, -1.0]


@every_class
def test_only_one_kind_of_clipping_is_taken(cls):
    for first, second in itertools.combinations(("clipnorm", "global_clipnorm", "clipvalue"), 2):
        with pytest.raises(ArgumentError, match=f"{cls.__name__}: expected at most one of clipnorm, global_clipnorm"):
            cls(**{first: 1.0, second: 1.0})


def test_a_variance_that_rounding_makes_negative_counts_as_0():
    optimizer, values = RMSprop(0.001, epsilon=1e-3, centered=True), np.zeros(1, "float32")
    rounded = []
    for _ in range(300):
        optimizer.step(values, np.full(1, 1000 / 3, "float32"))
        rounded.append(float(optimizer.state["v"][0]) - float(optimizer.state["a"][0]) ** 2)
    assert min(rounded) < -1e-3  # beyond epsilon
    assert np.isfinite(values).all()


# Interruptions


@every_optimizer
def test_a_step_that_is_interrupted_before_its_first_change_is_none(make, monkeypatch):
    optimizer, values = make(), np.ones(5)
    walk(optimizer, values, random_gradients(2, 5))
    before = values.copy(), optimizer.get_state()

    original, interruptions = type(optimizer).update, iter([KeyboardInterrupt])

    @functools.wraps(original)
    def update(self, blocks, rate):
        for interruption in interruptions:  # once
            raise interruption
        original(self, blocks, rate)

    monkeypatch.setattr(type(optimizer), "update", update)
    with pytest.raises(KeyboardInterrupt):
        optimizer.step(values, np.ones(5))
    np.testing.assert_array_equal(values, before[0])
    assert repr(optimizer.get_state()) == repr(before[1])


class Interrupting:
    """Interrupts after a number of changes of values or state; 0 for never."""

    left = 0

    def after(self, change):
        def changing(*arguments, **keywords):
            result = change(*arguments, **keywords)
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            return result

        return changing


@every_optimizer
@pytest.mark.parametrize("weight_decay", [None, 0.5])
def test_a_step_that_is_interrupted_after_any_of_its_changes_is_completed(make, weight_decay, monkeypatch):
    interrupting, counted, all_gradients = Interrupting(), base.counted, random_gradients(4, 5)
    monkeypatch.setattr(base, "SERIAL", 3)  # two blocks
    monkeypatch.setattr(base, "counted", lambda change: counted(interrupting.after(change)))

    def run(number):
        """Take four steps, the third with an interruption after ``number`` changes; return the values after each."""
        optimizer, values, gradients, found = make(), np.ones(5), np.empty(5), []
        optimizer.weight_decay = weight_decay
        for step, g in enumerate(all_gradients):
            gradients[:] = g  # the same arrays, which stay bound
            interrupting.left = number if step == 2 else 0
            with contextlib.suppress(KeyboardInterrupt):
                optimizer.step(values, gradients)
            found.append((values.tolist(), optimizer.iterations))
            if step == 2:
                interrupted = interrupting.left <= 0 < number
        return found, interrupted

    whole, _ = run(0)
    for number in itertools.count(1):
        found, interrupted = run(number)
        assert found == whole
        if not interrupted:
            break
    assert number > 2


# Learning rates


@every_class
def test_a_schedule_gives_the_rate_of_each_step_from_0(cls):
    asked = []

    def schedule(step):
        asked.append(step)
        return 0.1 / (1 + step)

    gradients = random_gradients(5, 4)
    scheduled = walk(cls(schedule), np.ones(4), gradients)
    assert asked == [0, 1, 2, 3, 4]
    by_hand, values = cls(0.1), np.ones(4)
    for step, g in enumerate(gradients):
        by_hand.learning_rate = 0.1 / (1 + step)
        by_hand.step(values, g)
    np.testing.assert_array_equal(scheduled, values)


@every_class
def test_the_rate_in_force_can_be_read(cls):
    optimizer = cls(ExponentialDecay(0.1, 1, 0.5))
    assert optimizer.learning_rate == 0.1
    walk(optimizer, np.ones(2), np.ones((3, 2)))
    assert optimizer.learning_rate == 0.1 * 0.5**3
    assert repr(optimizer).startswith(f"{cls.__name__}(learning_rate=ExponentialDecay(0.1, 1, 0.5)")
    assert isinstance(optimizer.get_config()["learning_rate"], ExponentialDecay)


def test_a_number_can_be_assigned_and_is_part_of_config_and_state():
    optimizer = Adam(0.1)
    optimizer.learning_rate = 0.2
    assert optimizer.learning_rate == optimizer.get_config()["learning_rate"] == 0.2
    other = Adam(0.1)
    other.set_state(optimizer.get_state())
    assert other.learning_rate == 0.2


def test_assigning_a_rate_against_a_schedule_is_refused():
    optimizer = Adam(CosineDecay(0.1, 10))
    with pytest.raises(ArgumentError, match=r"Adam: learning_rate: .* follows a schedule, got 0\.2\."):
        optimizer.learning_rate = 0.2
    assert optimizer.learning_rate == 0.1


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf, "0.1", None])
def test_a_schedule_that_gives_nonsense_is_named_before_anything_changes(rate):
    optimizer, values = SGD(lambda step: rate), np.ones(2)
    with pytest.raises(ArgumentError, match="SGD: learning_rate of step 0: expected a finite number >= 0, got"):
        optimizer.step(values, np.ones(2))
    np.testing.assert_array_equal(values, 1.0)
    assert optimizer.iterations == 0


@every_class
@pytest.mark.parametrize("rate", [-1, math.nan, math.inf, -math.inf, "x", None, True, [0.1], 1j])
def test_bad_rates_are_refused_at_once(cls, rate):
    with pytest.raises(ArgumentError, match=f"{cls.__name__}: learning_rate: expected a finite number >= 0, got"):
        cls(rate)
    optimizer = cls()
    with pytest.raises(ArgumentError, match=f"{cls.__name__}: learning_rate: "):
        optimizer.learning_rate = rate


@every_class
def test_a_class_in_place_of_a_schedule_is_refused(cls):
    with pytest.raises(ArgumentError, match="got the class CosineDecay"):
        cls(CosineDecay)


BAD = [
    (SGD, {"momentum": 1.0}, "SGD: momentum: expected a finite number >= 0 and < 1, got 1.0."),
    (SGD, {"momentum": -0.1}, "SGD: momentum"),
    (SGD, {"nesterov": 1}, "SGD: nesterov: expected True or False, got 1."),
    (RMSprop, {"rho": 1.0}, "RMSprop: rho"),
    (RMSprop, {"momentum": math.nan}, "RMSprop: momentum"),
    (RMSprop, {"epsilon": 0}, "RMSprop: epsilon: expected a finite number > 0, got 0."),
    (RMSprop, {"centered": "yes"}, "RMSprop: centered"),
    (Adagrad, {"initial_accumulator_value": -1}, "Adagrad: initial_accumulator_value"),
    (Adagrad, {"epsilon": "small"}, "Adagrad: epsilon"),
    (Lion, {"beta_1": 1}, "Lion: beta_1"),
    (Lion, {"beta_2": -1}, "Lion: beta_2"),
    *((cls, {"beta_1": 1.0}, f"{cls.__name__}: beta_1") for cls in (Adam, AdamW, Nadam)),
    *((cls, {"beta_2": 1.5}, f"{cls.__name__}: beta_2") for cls in (Adam, AdamW, Nadam)),
    *((cls, {"epsilon": -1e-7}, f"{cls.__name__}: epsilon") for cls in (Adam, AdamW, Nadam)),
    *((cls, {"weight_decay": -0.1}, f"{cls.__name__}: weight_decay") for cls in CLASSES),
    *((cls, {"clipnorm": 0}, f"{cls.__name__}: clipnorm") for cls in CLASSES),
    *((cls, {"global_clipnorm": -1.0}, f"{cls.__name__}: global_clipnorm") for cls in CLASSES),
    *((cls, {"clipvalue": math.inf}, f"{cls.__name__}: clipvalue") for cls in CLASSES),
    (LBFGS, {"history_size": 0}, "LBFGS: history_size"),
    (LBFGS, {"gradient_tolerance": -1}, "LBFGS: gradient_tolerance"),
    (LBFGS, {"loss_tolerance": "x"}, "LBFGS: loss_tolerance"),
    (LBFGS, {"max_line_search": 0.5}, "LBFGS: max_line_search"),
]


@pytest.mark.parametrize(("cls", "arguments", "words"), BAD)
def test_bad_arguments_are_refused_at_once(cls, arguments, words):
    with pytest.raises(ArgumentError) as caught:
        cls(**arguments)
    assert str(caught.value).startswith(words)


# Arrays that do not fit


@every_class
@pytest.mark.parametrize(
    ("values", "gradients", "error", "words"),
    [
        (np.ones(3), np.ones(4), ShapeError, "expected flat values and gradients of one size"),
        (np.ones((3, 1)), np.ones((3, 1)), ShapeError, "expected flat values and gradients"),
        ([1.0, 2.0], np.ones(2), ArgumentError, "expected two arrays, got list, ndarray"),
        (np.ones(2), 1.0, ArgumentError, "expected two arrays, got ndarray, float"),
        (np.ones(3), np.ones(3, "float32"), ArgumentError, "gradients: expected float64 as the values, got float32"),
        (np.ones(3, int), np.ones(3, int), ArgumentError, "values: expected float32 or float64, got int64"),
        (np.ones(3, "float16"), np.ones(3, "float16"), ArgumentError, "values: expected float32 or float64"),
        (np.ones(3, ">f8"), np.ones(3, ">f8"), ArgumentError, "values: expected float32 or float64"),
        (np.ones(6)[::2], np.ones(3), ArgumentError, "expected contiguous arrays"),
        (np.ones(3), np.ones(6)[::2], ArgumentError, "expected contiguous arrays"),
        (np.broadcast_to(1.0, 3), np.ones(3), ArgumentError, "expected contiguous arrays"),
    ],
)
@pytest.mark.parametrize("limit", [{}, {"clipnorm": 1.0}, {"clipvalue": 1.0}])
def test_arrays_that_do_not_fit_are_refused_and_nothing_changes(cls, limit, values, gradients, error, words):
    optimizer, before = cls(**limit), values.copy()
    with pytest.raises(error, match=f"{cls.__name__}: {words}"):
        optimizer.step(values, gradients)
    np.testing.assert_array_equal(values, before)
    assert optimizer.iterations == 0


@pytest.mark.parametrize("values", [np.ones(4), np.ones(3, "float32")])
def test_a_used_optimizer_refuses_a_vector_of_another_size_or_type(values):
    optimizer = Adam()
    optimizer.step(np.ones(3), np.ones(3))
    with pytest.raises(StateError, match=r"Adam: m: expected .* from earlier steps\. Use a new optimizer"):
        optimizer.step(values, np.ones_like(values))


def test_the_state_of_another_kind_is_refused():
    source = Adam()
    source.step(np.ones(3), np.ones(3))
    for other in (Lion(), SGD(), SGD(momentum=0.9), Adam(CosineDecay(0.1, 5))):
        with pytest.raises(StateError, match=r"set_state: expected iterations.*; got iterations, learning_rate, m, v"):
            other.set_state(source.get_state())


@pytest.mark.parametrize(
    "state", [{}, {"iterations": 0}, {"iterations": 3, "learning_rate": 0.1}, {"learning_rate": 0.1, "m": np.ones(3)}]
)
def test_a_state_with_gaps_is_refused(state):
    with pytest.raises(StateError, match="Adam: set_state: expected iterations, learning_rate, m, v; got"):
        Adam().set_state(state)


@pytest.mark.parametrize("state", [[np.zeros(3)], None, 3, {"m": [0.0, 0.0, 0.0]}, {"m": 0.0}])
def test_an_initial_state_is_a_dict_of_arrays(state):
    class Stateful(Optimizer):
        def initial_state(self, values):
            return state

        def update(self, blocks, rate):
            raise AssertionError

    with pytest.raises(ArgumentError, match="Stateful: initial_state: expected it to return a dict of arrays, got"):
        Stateful(0.1).step(np.ones(3), np.ones(3))


def test_a_bad_state_changes_nothing():
    optimizer = Adam()
    optimizer.step(np.ones(3), np.ones(3))
    before = optimizer.get_state()
    for bad in ({"iterations": -1}, {"iterations": 1.5}, {"learning_rate": -1.0}):
        with pytest.raises(ArgumentError):
            optimizer.set_state({**before, "m": np.zeros(3), **bad})
    after = optimizer.get_state()
    assert repr(after) == repr(before)


# How BLAS is loaded


def in_a_new_process(code):
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_step_loads_nothing_of_scipy_but_blas():
    code = (
        "import sys, numpy as np; from minidl.optimizers import Adam; Adam().step(np.ones(3), np.ones(3)); "
        "print([name for name in sys.modules if name.startswith('scipy')])"
    )
    assert set(eval(in_a_new_process(code))) <= {"scipy.linalg._fblas"}


def test_scipy_can_be_imported_before_or_after_a_step():
    step = "w = np.ones(3); Adam(0.1).step(w, np.ones(3)); print(w)"
    use = "from scipy.linalg import blas, inv; print(blas.daxpy(np.ones(2), np.ones(2), a=2.0), inv(np.eye(1)))"
    start = "import numpy as np; from minidl.optimizers import Adam; "
    after, before = in_a_new_process(f"{start}{step}; {use}"), in_a_new_process(f"{start}{use}; {step}")
    assert sorted(after.splitlines()) == sorted(before.splitlines())
    assert "[3. 3.] [[1.]]" in after


def test_training_needs_no_scipy():
    code = (
        "import sys; BLOCK; import numpy as np, minidl; from minidl import optimizers\n"
        "for name in 'SGD Adam AdamW Nadam RMSprop Adagrad Lion'.split():\n"
        "    model = minidl.Sequential([minidl.Input((2,)), minidl.Dense(1, activation='sigmoid')], seed=0)\n"
        "    model.compile(getattr(optimizers, name)(), 'binary_crossentropy')\n"
        "    model.fit([[0.0, 1.0], [2.0, 3.0]], [0, 1], epochs=3, verbose=0)\n"
        "    print(name, *(f'{value:.5f}' for value in model.parameters.values))\n"
        "print(any(name.startswith('scipy.') for name in sys.modules))"
    )
    without, trained = (
        in_a_new_process(code.replace("BLOCK", block)) for block in ("sys.modules['scipy'] = None", "pass")
    )
    assert without.splitlines()[:-1] == trained.splitlines()[:-1]
    assert (without.splitlines()[-1], trained.splitlines()[-1]) == ("False", "True")


# LBFGS


def quadratic(size=5, dtype="float64"):
    A = np.diag(np.arange(1.0, size + 1)).astype(dtype)
    target = np.linspace(-1, 1, size).astype(dtype)
    gradient = np.empty(size, dtype)  # reused, as a model does

    def value_and_gradient(point):
        difference = point.astype(dtype) - target
        np.matmul(A, difference, out=gradient)
        return float(difference @ gradient) / 2, gradient

    return value_and_gradient, target


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-4)])
def test_lbfgs_finds_the_minimum(dtype, tolerance):
    value_and_gradient, target = quadratic(dtype=dtype)
    values, losses = np.zeros(5, dtype), []
    reason = LBFGS().minimize(value_and_gradient, values, losses.append, 100)
    np.testing.assert_allclose(values, target, atol=tolerance)
    assert values.dtype == dtype
    assert reason
    assert len(losses) < 30
    assert losses == sorted(losses, reverse=True)


def test_lbfgs_reports_each_iteration_at_its_new_point():
    value_and_gradient, _ = quadratic()
    values, seen = np.zeros(5), []
    optimizer = LBFGS()
    optimizer.minimize(value_and_gradient, values, lambda loss: seen.append((loss, value_and_gradient(values)[0])), 3)
    assert len(seen) == optimizer.iterations == 3
    for loss, at_the_point in seen:
        assert loss == at_the_point


def test_lbfgs_ends_when_it_is_told_to():
    value_and_gradient, _ = quadratic()
    values, losses = np.zeros(5), []

    def second(loss):
        losses.append(loss)
        return len(losses) == 2

    LBFGS().minimize(value_and_gradient, values, second, 100)
    assert len(losses) == 2
    assert value_and_gradient(values)[0] == losses[-1]


def test_lbfgs_leaves_the_last_complete_iteration_when_the_loss_raises():
    value_and_gradient, _ = quadratic()
    values, points = np.zeros(5), []

    def failing(point):
        values[...] = point
        if len(points) == 2:
            raise ZeroDivisionError
        return value_and_gradient(point)

    with pytest.raises(ZeroDivisionError):
        LBFGS().minimize(failing, values, lambda loss: points.append(values.copy()), 100)
    np.testing.assert_array_equal(values, points[-1])


def test_lbfgs_reads_a_learning_rate_of_1():
    assert LBFGS().learning_rate == 1.0
    assert "learning_rate" not in LBFGS().get_config()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32, int])
def test_a_rate_may_be_a_number_of_any_type(kind):
    values = np.ones(3)
    optimizers.SGD(lambda step: kind(1)).step(values, np.full(3, 0.25))
    optimizers.SGD(kind(1)).step(values, np.full(3, 0.25))
    assert np.array_equal(values, np.full(3, 0.5))
