"""Every initializer draws from the distribution that it names, with the generator and in the dtype that it is given."""

import math

import numpy as np
import pytest

from minidl import initializers, regularizers
from minidl.errors import ArgumentError, ShapeError
from minidl.initializers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
    fans,
    resolve_initializer,
)
from minidl.regularizers import L1, L1L2, L2, Regularizer

FLOAT64 = np.dtype("float64")
INPUTS, UNITS = 300, 200

# name -> (initializer, mean, standard deviation, smallest and largest value of a (300, 200) array)
uniform = math.sqrt(6 / (INPUTS + UNITS))
he = math.sqrt(6 / INPUTS)
cut = 2 / 0.87962566103423978  # where a truncated normal of standard deviation 1 ends
TABLE = {
    "zeros": (Zeros(), 0, 0, 0, 0),
    "ones": (Ones(), 1, 0, 1, 1),
    "constant": (Constant(0.5), 0.5, 0, 0.5, 0.5),
    "random_normal": (RandomNormal(0.2, 0.1), 0.2, 0.1, -0.5, 0.9),
    "random_uniform": (RandomUniform(-0.1, 0.3), 0.1, 0.4 / math.sqrt(12), -0.1, 0.3),
    "glorot_uniform": (GlorotUniform(), 0, uniform / math.sqrt(3), -uniform, uniform),
    "glorot_normal": (GlorotNormal(), 0, math.sqrt(2 / 500), -cut * math.sqrt(2 / 500), cut * math.sqrt(2 / 500)),
    "he_uniform": (HeUniform(), 0, he / math.sqrt(3), -he, he),
    "he_normal": (HeNormal(), 0, math.sqrt(2 / 300), -cut * math.sqrt(2 / 300), cut * math.sqrt(2 / 300)),
    "lecun_normal": (LecunNormal(), 0, math.sqrt(1 / 300), -cut * math.sqrt(1 / 300), cut * math.sqrt(1 / 300)),
    "lecun_uniform": (LecunUniform(), 0, math.sqrt(1 / 300), -math.sqrt(3 / 300), math.sqrt(3 / 300)),
    "truncated_normal": (TruncatedNormal(0.2, 0.1), 0.2, 0.1 * 0.87962566103423978, 0.0, 0.4),
    "variance_scaling": (VarianceScaling(2.0, "fan_out", "untruncated_normal"), 0, math.sqrt(2 / 200), -0.6, 0.6),
    "identity": (Identity(2.0), 2 * 200 / 60000, 2 * math.sqrt(1 / 300 - 1 / 300**2), 0, 2),
    "orthogonal": (Orthogonal(), 0, math.sqrt(1 / 300), -0.5, 0.5),
}
every_initializer = pytest.mark.parametrize("initializer", [row[0] for row in TABLE.values()], ids=TABLE)
SHAPES = [(INPUTS, UNITS), (3, 4, 5), (7,), (1, 1), (2, 3, 4, 5)]


def draw(initializer, shape=(INPUTS, UNITS), dtype=FLOAT64, seed=0):
    return initializer(np.random.default_rng(seed), shape, np.dtype(dtype))


def test_every_public_initializer_is_in_the_table():
    public = {
        value for value in vars(initializers).values() if isinstance(value, type) and issubclass(value, Initializer)
    }
    abstract = {Initializer, initializers.RandomInitializer, initializers.FixedScaling}
    assert public - abstract == {type(row[0]) for row in TABLE.values()}


@pytest.mark.parametrize("name", TABLE)
def test_keras_names_resolve(name):
    assert type(resolve_initializer(name, "Dense: kernel_initializer")) is type(TABLE[name][0])


@pytest.mark.parametrize(("initializer", "mean", "stddev", "smallest", "largest"), TABLE.values(), ids=TABLE)
def test_values_have_the_mean_deviation_and_bounds_that_are_named(initializer, mean, stddev, smallest, largest):
    values = draw(initializer)
    assert values.mean() == pytest.approx(mean, abs=5 * stddev / math.sqrt(values.size))
    assert values.std() == pytest.approx(stddev, rel=0.02)
    assert smallest <= values.min() <= values.max() <= largest


@pytest.mark.parametrize("name", ["glorot_normal", "he_normal", "lecun_normal"])
def test_normal_values_are_cut_at_two_deviations_and_not_clipped(name):
    initializer, _, stddev, *_ = TABLE[name]
    size = np.abs(draw(initializer)) / stddev
    assert 0.99 * cut < size.max() < cut
    assert np.count_nonzero(size > 0.999 * cut) < 0.001 * size.size
    within_one = math.erf(1 / math.sqrt(2)) / math.erf(2 / math.sqrt(2))
    assert np.mean(size < cut / 2) == pytest.approx(within_one, abs=0.01)


def test_random_normal_is_not_truncated():
    assert np.abs(draw(RandomNormal(0.0, 1.0))).max() > 3.5


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name in TABLE for shape in SHAPES if len(shape) == 2 or name not in ("orthogonal", "identity")],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shape_and_dtype_are_those_asked_for(name, shape, dtype):
    initializer = TABLE[name][0]
    values = draw(initializer, shape, dtype)
    assert values.shape == shape
    assert values.dtype == dtype
    assert values.flags.writeable


@every_initializer
def test_a_float32_array_is_the_rounded_float64_one(initializer):
    np.testing.assert_array_equal(draw(initializer, dtype="float32"), draw(initializer).astype("float32"))


@every_initializer
def test_equal_generators_give_equal_values_and_the_global_one_is_left_alone(initializer):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(draw(initializer, seed=3), draw(initializer, seed=3))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("name", sorted(TABLE.keys() - {"zeros", "ones", "constant", "identity"}))
def test_two_draws_of_one_generator_differ(name):
    rng, initializer = np.random.default_rng(0), TABLE[name][0]
    assert not np.any(initializer(rng, (4, 4), FLOAT64) == initializer(rng, (4, 4), FLOAT64))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 5), (3, 5)), ((4, 3, 5), (12, 20)), ((2, 4, 3, 5), (24, 40))],
)
def test_fans_are_those_of_keras(shape, expected):
    assert fans(shape) == expected


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 3, 4), (3, 1, 2)])
@pytest.mark.parametrize("gain", [1.0, -2.0, 0.5])
def test_orthogonal_matrices_have_orthonormal_rows_or_columns(shape, gain):
    matrix = draw(Orthogonal(gain), shape).reshape(-1, shape[-1])
    rows, columns = matrix.shape
    gram = matrix.T @ matrix if rows >= columns else matrix @ matrix.T
    np.testing.assert_allclose(gram, gain**2 * np.eye(min(rows, columns)), atol=1e-14)


def test_orthogonal_prefers_no_sign():
    signs = [np.sign(draw(Orthogonal(), (3, 3), seed=seed)) for seed in range(400)]
    np.testing.assert_allclose(np.mean(signs, axis=0), 0.0, atol=0.25)


def test_orthogonal_refuses_a_vector():
    with pytest.raises(ShapeError, match=r"Orthogonal: expected a shape of at least two axes, got \(7,\)\."):
        draw(Orthogonal(), (7,))


def test_identity_is_for_matrices_alone():
    np.testing.assert_array_equal(draw(Identity(2.0), (2, 3)), [[2, 0, 0], [0, 2, 0]])
    with pytest.raises(ShapeError, match=r"Identity: expected a shape of two axes, got \(7,\)"):
        draw(Identity(), (7,))


def test_a_constant_may_be_an_array_of_the_shape():
    values = [[1.0, 2.0], [3.0, 4.0]]
    np.testing.assert_array_equal(draw(Constant(values), (2, 2)), values)
    with pytest.raises(ShapeError, match=r"Constant: expected a value of shape \(2, 3\), got \(2, 2\)"):
        draw(Constant(values), (2, 3))


@pytest.mark.parametrize("cls", [HeNormal, GlorotUniform, RandomNormal, RandomUniform, TruncatedNormal, Orthogonal])
def test_an_initializer_with_a_seed_draws_the_same_values_each_time(cls):
    one, two = draw(cls(seed=3), (4, 4), seed=0), draw(cls(seed=3), (4, 4), seed=1)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, draw(cls(), (4, 4), seed=3))
    assert (draw(cls(seed=4), (4, 4)) != one).any()


@pytest.mark.parametrize(
    ("kind", "general"),
    [
        (GlorotNormal, VarianceScaling(1.0, "fan_avg")),
        (HeUniform, VarianceScaling(2.0, "fan_in", "uniform")),
        (LecunNormal, VarianceScaling()),
    ],
)
def test_the_named_kinds_are_variance_scaling(kind, general):
    np.testing.assert_array_equal(draw(kind(), (5, 3)), draw(general, (5, 3)))


def test_the_values_can_be_truncated_at_two_deviations_without_a_correction():
    size = np.abs(draw(TruncatedNormal(0.0, 0.5)))
    assert 0.99 < size.max() < 1.0


def test_a_plain_function_is_an_initializer():
    def halves(rng, shape, dtype):
        return np.full(shape, 0.5, dtype)

    assert resolve_initializer(halves, "Dense: kernel_initializer") is halves


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("glorot_unifrm", r"Did you mean 'glorot_uniform'\?"),
        (GlorotUniform, r"got the class GlorotUniform\. Write GlorotUniform\(\)\."),
        (0.5, "expected the name of an initializer or an instance, got 0.5"),
        (None, "got None"),
        (lambda shape, dtype=None: shape, r"expected a function of \(rng, shape, dtype\), got"),  # as in Keras
        (lambda rng, shape, dtype, gain: shape, r"expected a function of \(rng, shape, dtype\), got <function"),
    ],
)
def test_what_is_no_initializer_is_refused(value, words):
    with pytest.raises(ArgumentError, match=f"^Dense: kernel_initializer: .*{words}"):
        resolve_initializer(value, "Dense: kernel_initializer")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Constant("x"), "Constant: value: expected a finite number, got 'x'."),
        (lambda: Constant(math.nan), "Constant: value"),
        (lambda: RandomNormal(stddev=-1), "RandomNormal: stddev: expected a finite number >= 0, got -1."),
        (lambda: RandomNormal(mean=None), "RandomNormal: mean"),
        (lambda: RandomUniform(0.1, -0.1), "RandomUniform: maxval: expected a finite number >= 0.1, got -0.1."),
        (lambda: RandomUniform(math.inf), "RandomUniform: minval"),
        (lambda: Orthogonal(math.inf), "Orthogonal: gain"),
        (lambda: HeNormal(seed=-1), "HeNormal: seed: expected an integer of at least 0, got -1."),
        (lambda: VarianceScaling(mode="fan"), "VarianceScaling: mode: expected one of 'fan_in', 'fan_out'"),
        (lambda: VarianceScaling(0), "VarianceScaling: scale"),
        (lambda: VarianceScaling(distribution="normal"), "VarianceScaling: distribution"),
        (lambda: Constant([1.0, math.nan]), "Constant: value: expected finite numbers"),
        (lambda: L1(-1), "L1: l1: expected a finite number >= 0, got -1."),
        (lambda: L2("x"), "L2: l2"),
        (lambda: L1L2(l1=math.nan), "L1L2: l1"),
        (lambda: L1L2(l2=-1), "L1L2: l2"),
    ],
)
def test_bad_arguments_are_refused_at_once(make, words):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert str(caught.value).startswith(words)


# Regularizers

W = np.array([[1.0, -2.0], [0.0, 0.5]])
PENALTIES = {
    "l1": (L1(0.1), 0.35, [[0.1, -0.1], [0.0, 0.1]]),
    "l2": (L2(0.1), 0.525, [[0.2, -0.4], [0.0, 0.1]]),
    "l1l2": (L1L2(0.1, 0.2), 1.4, [[0.5, -0.9], [0.0, 0.3]]),
}


def test_every_public_regularizer_is_in_the_table():
    public = {
        value for value in vars(regularizers).values() if isinstance(value, type) and issubclass(value, Regularizer)
    }
    assert public - {Regularizer} == {type(row[0]) for row in PENALTIES.values()}


@pytest.mark.parametrize(("regularizer", "penalty", "gradient"), PENALTIES.values(), ids=PENALTIES)
def test_penalty_and_gradient_are_those_of_the_formula(regularizer, penalty, gradient):
    assert regularizer.penalty(W) == pytest.approx(penalty, rel=1e-14)
    assert type(regularizer.penalty(W.astype("float32"))) is float
    np.testing.assert_allclose(regularizer.gradient(W), gradient, rtol=1e-14)


@pytest.mark.parametrize(("regularizer", "penalty", "gradient"), PENALTIES.values(), ids=PENALTIES)
def test_the_gradient_keeps_the_dtype(regularizer, penalty, gradient):
    assert regularizer.gradient(W.astype("float32")).dtype == np.float32


@pytest.mark.parametrize("regularizer", [row[0] for row in PENALTIES.values()], ids=PENALTIES)
def test_the_gradient_is_the_derivative_of_the_penalty(regularizer):
    w = np.random.default_rng(0).standard_normal((4, 3))
    direction, h = np.random.default_rng(1).standard_normal((4, 3)), 1e-5
    slope = (regularizer.penalty(w + h * direction) - regularizer.penalty(w - h * direction)) / (2 * h)
    assert slope == pytest.approx(np.vdot(regularizer.gradient(w), direction), rel=1e-9)


def test_regularizers_have_keras_short_names():
    assert regularizers.l2(0.1).get_config() == L2(0.1).get_config()
    assert regularizers.l1_l2(l1=0.1).get_config() == L1L2(0.1).get_config()
    assert regularizers.l1 is L1


def test_the_defaults_of_the_penalties_are_those_of_keras():
    W = np.array([[1.0, -3.0]])
    assert [kind().penalty(W) for kind in (L1, L2, L1L2)] == pytest.approx([0.04, 0.1, 0.0])
