"""Numerical derivatives, Taylor remainders and path integrals of the certification kit."""

import numpy as np
import pytest

from minidl.testing import numerical_gradient, path_integral_test, taylor_test
from minidl.testing.derivative import LONG, best_of_table, differentiate, precision

SMOOTH = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "cube": (lambda x: x**3, lambda x: 3 * x**2),
    "steep": (lambda x: np.tanh(50 * x), lambda x: 50 / np.cosh(50 * x) ** 2),
    "log": (lambda x: np.log1p(x**2), lambda x: 2 * x / (1 + x**2)),
}
POINTS = np.array([-7.0, -1.3, -0.4, -1e-3, 1e-6, 0.0, 0.02, 0.9, 3.0, 40.0])


@pytest.mark.parametrize("name", SMOOTH)
def test_the_estimated_error_bounds_the_true_one(name):
    f, slope = SMOOTH[name]
    dy = np.linspace(-2, 3, POINTS.size)
    gradient, error = numerical_gradient(f, POINTS, dy)
    with np.errstate(over="ignore"):
        true = dy * slope(POINTS)
    assert np.all(np.abs(gradient - true) <= error + 1e-15 * np.abs(true) + 1e-30)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_error_is_small_in_longdouble_and_in_float64(name):
    f, slope = SMOOTH[name]
    for function, limit in ((f, 1e-12), (lambda x: f(np.asarray(x, float)), 1e-9)):
        gradient, _ = numerical_gradient(function, POINTS[:-1], np.ones(9))
        true = slope(POINTS[:-1])
        assert np.abs(gradient - true).max() <= limit * np.abs(true).max()


def test_the_input_is_not_changed():
    x = np.array([1.0, 2.0])
    numerical_gradient(np.sin, x, np.ones(2))
    assert x.tolist() == [1.0, 2.0]


def test_a_number_valued_function_needs_no_upstream_gradient():
    gradient, _ = numerical_gradient(lambda x: (x**2).sum(), np.array([[1.0, -3.0]]))
    assert gradient == pytest.approx(np.array([[2.0, -6.0]]), rel=1e-12)


def test_a_function_that_refuses_longdouble_is_called_with_float64():
    def f(x):
        if x.dtype != np.float64:
            raise TypeError
        return np.sin(x)

    gradient, error = numerical_gradient(f, np.array([1.0]), np.ones(1))
    assert abs(gradient[0] - np.cos(1)) <= error[0] <= 1e-9


def test_a_kink_near_the_point_spoils_the_large_steps_only():
    x = np.array([1e-3, -1e-3])
    gradient, error = numerical_gradient(lambda x: np.maximum(x, 0), x, np.ones(2))
    assert gradient == pytest.approx([1, 0], abs=1e-10)
    assert error.max() < 1e-8


def test_rows_that_are_not_finite_drop_out_of_the_table():
    gradient, _ = numerical_gradient(np.log, np.array([1e-2, 1.0]), np.ones(2))
    assert gradient == pytest.approx([100, 1], rel=1e-9)
    quotients = np.array([[np.nan, np.inf, 2.0, 2.0, 2.0, 2.0, 2.0]], LONG)
    assert best_of_table(quotients, np.zeros((1, 7)), 16).values[0] == 2


def test_nothing_finite_gives_an_infinite_error():
    estimate = best_of_table(np.full((1, 7), np.nan), np.zeros((1, 7)), 16)
    assert np.isinf(estimate.errors[0])


def test_one_sided_derivatives_differ_at_a_kink():
    x, dy = np.zeros(1), np.ones(1)
    right = differentiate(np.abs, x, dy, [0], eps=1e-16, side=1)
    left = differentiate(np.abs, x, dy, [0], eps=1e-16, side=-1)
    assert (float(left.values[0]), float(right.values[0])) == (-1, 1)


def test_a_direction_gives_the_sum_over_its_entries():
    x, v = np.array([0.3, -1.2, 2.0]), np.array([1.0, -2.0, 0.5])
    estimate = differentiate(np.sin, x, np.ones(3), [v], eps=1e-16)
    assert float(estimate.values[0]) == pytest.approx(np.cos(x) @ v, rel=1e-9)


@pytest.mark.parametrize(
    ("f", "low", "high"),
    [
        (lambda x: np.sin(x.astype(LONG)), 1e-20, 1e-17),
        (lambda x: np.sin(x.astype(float)), 1e-17, 1e-14),
        (lambda x: np.sin(x.astype(np.float32)).astype(LONG), 1e-9, 1e-5),
    ],
    ids=["longdouble", "float64", "float32 in disguise"],
)
def test_the_precision_of_a_function_is_measured_whatever_its_dtype_says(f, low, high):
    if np.finfo(LONG).eps > 1e-17:
        pytest.skip("longdouble is float64 here")
    rng = np.random.default_rng(0)
    eps = precision(f, rng.standard_normal(50).astype(LONG), rng.standard_normal(50), rng)
    assert low < eps < high


def test_the_taylor_remainder_has_order_two_for_a_right_slope_only():
    assert taylor_test(np.exp, 1.0) == pytest.approx(2, abs=0.01)
    assert taylor_test(np.exp, 1.01) == pytest.approx(1, abs=0.1)


def test_the_taylor_remainder_of_a_straight_line_vanishes():
    assert taylor_test(lambda t: 3 + 2 * t, 2.0) == np.inf


RIGHT_PATHS = {
    "smooth": lambda t: (np.tanh(t), 1 / np.cosh(t) ** 2),
    "kink": lambda t: (np.abs(t - 0.123), np.sign(t - 0.123)),
    "jump": lambda t: (np.where(t > 0.3, t, 0), np.where(t > 0.3, 1.0, 0)),
    "staircase": lambda t: (np.round(t), 0 * t),
    "root": lambda t: (np.sqrt(np.abs(t)), np.sign(t) / 2 / np.sqrt(np.abs(t))),
    "undefined in part": lambda t: (np.log(t), 1 / t),
}


@pytest.mark.parametrize("name", RIGHT_PATHS)
def test_the_path_integral_agrees_with_a_right_derivative(name):
    with np.errstate(all="ignore"):
        assert path_integral_test(RIGHT_PATHS[name]).agrees


WRONG_PATHS = {
    "everywhere a little": lambda t: (np.tanh(t), 1 / np.cosh(t) ** 2 + 1e-7),
    "beyond 5": lambda t: (np.tanh(t), np.where(np.abs(t) > 5, 0, 1 / np.cosh(t) ** 2)),
    "on a tenth": lambda t: (np.abs(t), np.where(np.abs(t - 5) < 0.05, 0.9, np.sign(t))),
    "the kink shifted by a thousandth": lambda t: (np.maximum(t, 0), np.where(t > 1e-3, 1.0, 0)),
    "beside a jump": lambda t: (np.where(t > 0.3, t, 0), np.where((t > 6) & (t < 6.1), 0.5, t > 0.3)),
}


@pytest.mark.parametrize("name", WRONG_PATHS)
def test_the_path_integral_finds_a_derivative_that_is_wrong_on_an_interval(name):
    assert not path_integral_test(WRONG_PATHS[name]).agrees


def test_the_path_integral_says_where_the_derivative_is_wrong_and_that_a_function_jumps():
    result = path_integral_test(lambda t: (np.abs(t), np.where((t > 3) & (t < 3.2), 0.5, np.sign(t))))
    assert 2.9 < result.worst[0] < result.worst[1] < 3.3
    assert not result.jumps
    assert path_integral_test(RIGHT_PATHS["jump"]).jumps


@pytest.mark.parametrize("seed", range(20))
def test_digits_lost_next_to_a_large_number_widen_the_error(seed):
    x = 1e-9 * np.random.default_rng(seed).standard_normal(12)
    gradient, error = numerical_gradient(lambda v: np.exp(v) - 1, x, np.ones(12))
    assert error.max() > 1e-9  # longdouble keeps eleven digits of y
    assert np.all(np.abs(gradient - np.exp(x)) <= 30 * error)
