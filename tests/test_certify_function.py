"""certify_function: right pairs of functions pass, wrong ones are found, and only their gradients count."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minidl.errors import ArgumentError
from minidl.testing import CertificationError, FunctionSubject, certify, certify_function, gradient_check
from minidl.testing import parametrize_with_checks as with_checks

ROOT = Path(__file__).parent.parent
RNG = np.random.default_rng(0)
X, Z = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4))
W, B = RNG.normal(size=(4, 2)), np.zeros(2)


def found(*arguments, **options):
    """Return the certificate of what fails."""
    certificate = certify_function(*arguments, on_fail="return", **options)
    assert not certificate
    return certificate.findings[0]


def linear(x, W, b):
    return x @ W + b, (x, W)


def linear_backward(cache, dy):
    x, W = cache
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


def mean_backward(cache, dy):
    x, W = cache
    return dy @ W.T, x.T @ dy, dy.mean(axis=0)


def test_a_right_pair_with_parameters_passes():
    certificate = certify_function(linear, linear_backward, X, {"W": W, "b": B})
    assert certificate.outcome == "PASS"
    assert set(certificate.sensitivity) == {"dx", "dW", "db"}


def test_a_wrong_gradient_of_a_parameter_is_named_with_the_line_of_the_function():
    finding = found(linear, mean_backward, X, {"W": W, "b": B})
    assert finding.target == "db"
    assert "reads `return (dy @ W.T, x.T @ dy, dy.sum(axis=0))`" in finding.why


def test_the_error_tells_the_call_that_repeats_it():
    with pytest.raises(CertificationError, match=r"certify_function\(linear, mean_backward, \.\.\., seed=0, checks="):
        certify_function(linear, mean_backward, X, {"W": W, "b": B})


def product(a, b):
    return a * b, (a, b)


def test_each_differentiable_input_is_certified():
    assert certify_function(product, lambda cache, dy: (dy * cache[1], dy * cache[0]), (X, Z))
    assert found(product, lambda cache, dy: (dy * cache[1], dy * cache[1]), (X, Z)).target == "db"
    assert found(product, lambda cache, dy: (dy * cache[0], dy * cache[0]), (X, Z)).target == "dx"


def squares(prediction, target):
    return ((prediction - target) ** 2).mean(), (prediction, target)


def squares_backward(cache, dy):
    prediction, target = cache
    return dy * 2 * (prediction - target) / prediction.size


def test_an_input_declared_constant_needs_no_gradient():
    assert certify_function(squares, squares_backward, (X, Z), constants=("target",)).sensitivity.keys() == {"dx"}
    half = found(squares, lambda cache, dy: squares_backward(cache, dy) / 2, (X, Z), constants=("target",))
    assert "a factor 2 is missing" in half.why


def test_a_gradient_that_is_missing_is_a_finding():
    finding = found(squares, squares_backward, (X, Z))
    assert "expected gradients of prediction, target in a tuple, got 1" in finding.message


def lookup(ids, table):
    return table[ids], (ids, table.shape)


def lookup_backward(cache, dy):
    dtable = np.zeros(cache[1], dy.dtype)
    np.add.at(dtable, cache[0], dy)
    return dtable


def lookup_once(cache, dy):
    dtable = np.zeros(cache[1], dy.dtype)
    dtable[cache[0]] += dy
    return dtable


def test_integers_have_no_gradient():
    ids, table = RNG.integers(0, 6, (5, 3)), {"table": RNG.normal(size=(6, 2))}
    assert certify_function(lookup, lookup_backward, ids, table)
    assert certify_function(lookup, lambda cache, dy: (None, lookup_backward(cache, dy)), ids, table)
    assert found(lookup, lookup_once, ids, table).target == "dtable"


def test_a_function_without_a_cache_hands_its_arguments_to_backward():
    assert certify_function(np.tanh, lambda x, dy: dy * (1 - np.tanh(x) ** 2), X)
    assert found(np.tanh, lambda x, dy: dy * (1 - np.tanh(x)), X).target == "dx"


def test_the_gradient_of_a_number_needs_no_dy():
    assert certify_function(lambda x: (x**3).sum(), lambda x: 3 * x**2, X)
    assert found(lambda x: (x**3).sum(), lambda x: 3 * x, X).target == "dx"


def test_a_cache_that_is_a_function_is_the_backward():
    assert certify_function(lambda x: (np.sin(x), lambda dy: dy * np.cos(x)), None, X)
    assert found(lambda x: (np.sin(x), lambda dy: dy * np.sin(x)), None, X).target == "dx"


def test_gradients_may_be_added_to_arrays():
    dW = np.zeros_like(W)

    def backward(cache, dy):
        x, W = cache
        dW[...] += x.T @ dy
        return dy @ W.T

    def forward(x, W):
        return x @ W, (x, W)

    assert certify_function(forward, backward, X, {"W": W}, gradients={"W": dW})
    wrong = found(forward, lambda c, dy: backward(c, dy) + 0 * dW.__imul__(2).sum(), X, {"W": W}, gradients={"W": dW})
    assert wrong.target == "dW"


def norm(v):
    return np.sqrt(1 + (v * v).sum()), v


def test_without_a_batch_axis_the_first_axis_is_an_axis_like_any_other():
    certificate = certify_function(norm, lambda v, dy: dy * v / np.sqrt(1 + (v * v).sum()), X[0], batched=False)
    assert certificate.verdicts["batch"].reason == "there is no batch axis"
    assert found(norm, lambda v, dy: dy * v / (1 + (v * v).sum()), X[0], batched=False).target == "dx"


def test_a_parameter_serves_every_call_without_a_batch_axis():
    def forward(v, M):
        return M @ v, (v, M)

    assert certify_function(forward, lambda c, dy: (c[1].T @ dy, np.outer(dy, c[0])), X[0], {"M": W.T}, batched=False)
    assert found(forward, lambda c, dy: (c[1].T @ dy, 2 * np.outer(dy, c[0])), X[0], {"M": W.T}, batched=False)


def in_float64(x, dy):
    return dy * np.asarray(2.0 * x, np.float64)


def test_a_rule_of_minidl_is_told_and_does_not_count():
    def forward(x):
        return np.asarray(x, np.float64) ** 2

    certificate = certify_function(forward, in_float64, X)
    assert certificate.outcome == "PASS"
    assert certificate.verdicts["dtype"].outcome == "NOTED"
    assert "dtype   not counted, a rule of minidl's own layers" in str(certificate)
    assert found(forward, in_float64, X, house_rules=True).check == "dtype"


def test_an_output_may_overflow_far_out_but_not_the_gradient_alone():
    certificate = certify_function(lambda x: np.log1p(np.exp(x)), lambda x, dy: dy / (1 + np.exp(-x)), X)
    assert certificate.verdicts["extreme"].outcome == "NOTED"
    alone = found(lambda x: np.logaddexp(0, x), lambda x, dy: dy * np.exp(x) / (1 + np.exp(x)), X)
    assert alone.target == "dx"


def dropout(x, training=False):
    if not training:
        return x, None
    mask = (np.random.rand(*x.shape) > 0.4) / 0.6  # noqa: NPY002
    return x * mask, mask


def test_generators_of_the_whole_program_are_seeded_and_restored():
    np.random.seed(3)  # noqa: NPY002
    state = np.random.get_state()[1].tobytes()  # noqa: NPY002
    assert certify_function(dropout, lambda mask, dy: dy if mask is None else dy * mask, X)
    assert np.random.get_state()[1].tobytes() == state  # noqa: NPY002
    assert found(dropout, lambda mask, dy: dy if mask is None else dy * (mask > 0), X).target == "dx"


def test_both_modes_are_certified_where_forward_takes_training():
    assert "mode" in found(dropout, lambda mask, dy: dy * mask, X).check


def test_a_function_of_a_fixed_number_of_rows_has_no_batch():
    def forward(x):
        return x.reshape(5, 2, 2).sum(axis=1), None

    certificate = certify_function(forward, lambda _, dy: np.repeat(dy, 2, axis=0).reshape(5, 4), X)
    assert certificate.verdicts["batch"].reason == "there is no batch axis"
    assert found(forward, lambda _, dy: np.repeat(dy, 2, axis=1), X).target == "dx"


def test_one_mode_alone_is_certified_where_asked():
    assert certify_function(dropout, lambda mask, dy: dy * mask, X, training=True)


@pytest.mark.parametrize("name", ["x", "rng", "name", "_w"])
def test_an_argument_may_have_any_name(name):
    assert certify_function(product, lambda c, dy: (dy * c[1], (dy * c[0]).sum(axis=0)), X, {name: Z[0]})
    wrong = found(product, lambda c, dy: (dy * c[1], 2 * (dy * c[0]).sum(axis=0)), X, {name: Z[0]})
    assert wrong.target in (f"d{name}_", "dw")


def test_hypothesis_is_not_loaded():
    code = "import sys; from minidl.testing import certify_function; print('hypothesis' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_the_domain_is_measured():
    def backward(x, dy):
        return dy / (1 - x**2)

    with np.errstate(all="ignore"):
        assert certify_function(np.arctanh, backward, RNG.uniform(-0.9, 0.9, (5, 4)))
        assert certify_function(np.log, lambda x, dy: dy / x, RNG.uniform(1, 2, (5, 4)))


def test_no_dx_is_a_finding():
    assert "NoneType" in found(np.square, lambda x, dy: None, X).message
    assert "NoneType" in found(np.square, lambda x, dy: None, X[0], batched=False).message


def test_few_shapes_leave_the_batch_as_it_is():
    shapes = set()

    def forward(x):
        shapes.add(x.shape)
        return np.sin(x)

    assert certify_function(forward, lambda x, dy: dy * np.cos(x), X, few_shapes=True)
    assert len(shapes) < 12


def test_an_empty_input_is_refused():
    with pytest.raises(ArgumentError, match="expected arrays with at least one value"):
        certify_function(np.sin, lambda x, dy: dy * np.cos(x), np.zeros((0, 3)))


def test_parameters_without_names_are_refused():
    with pytest.raises(ArgumentError, match=r"parameters: expected {'W': W}, got ndarray\."):
        certify_function(linear, mean_backward, X, np.ones((4, 2)))


def test_the_second_argument_of_a_ufunc_is_no_upstream_gradient():
    certificate = gradient_check(np.sin, np.cos, 0.5)
    assert certificate.outcome == "PASS", certificate
    assert gradient_check(np.sin, np.sin, 0.5).findings[0].check == "numeric"


def test_gradient_check_runs_every_check_and_takes_parameters():
    assert len(gradient_check(np.sin, lambda x, dy: dy * np.cos(x), 0.5).names("PASS")) > 8
    wrong = gradient_check(
        lambda x, W: W @ x, lambda x, W, dy: (W.T @ dy, np.outer(x, dy).T * 2), X[0], parameters={"W": W.T}
    )
    assert wrong.findings[0].target == "dW"


SINE = FunctionSubject(np.sin, lambda x, dy: dy * np.cos(x), X, name="sine")


@with_checks([SINE])
def test_functions_take_part_in_the_tests_of_a_suite(layer, check):
    check(layer)


def test_certify_takes_a_subject():
    assert str(certify(SINE)).startswith("certify(sine)   PASS")


def single(function):
    """Return a function of x as one that computes in float32, with its argument as the cache."""
    return lambda x: (function(x.astype(np.float32)), x.astype(np.float32))


SINGLE = {
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, X),
    "log near 1": (np.log, lambda x: 1 / x, 1 + 0.01 * X),
    "square of positive numbers": (np.square, lambda x: 2 * x, np.abs(X) + 1),  # paths reach large values
    "1 - cos": (lambda x: np.float32(1) - np.cos(x), np.sin, X),  # at small x, rounding is that of 1
    "sinh": (np.sinh, np.cosh, X),
    "clip": (lambda x: np.clip(x, -1, 1), lambda x: np.abs(x) <= 1, X),  # kinks whose integral agrees by chance
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_right_gradient_in_float32_is_not_blamed(name):
    f, slope, x = SINGLE[name]
    certificate = certify_function(single(f), lambda x, dy: (dy * slope(x)).astype(np.float32), x)
    assert certificate.outcome == "PASS"
    assert certificate.sensitivity["dx"] < 0.03


@pytest.mark.parametrize("name", SINGLE)
def test_an_error_of_two_percent_in_float32_is_found(name):
    f, slope, x = SINGLE[name]
    finding = found(single(f), lambda x, dy: (1.02 * dy * slope(x)).astype(np.float32), x)
    assert finding.check in ("numeric", "path-integral", "special")


def test_the_report_tells_how_little_float32_shows():
    f, slope, x = SINGLE["tanh"]
    certificate = certify_function(single(f), lambda x, dy: (dy * slope(x)).astype(np.float32), x)
    value = certificate.sensitivity["dx"]
    assert f" ~ dx   few digits: an error below {value:.0e} of the largest entry goes unseen" in str(certificate)


def test_float32_is_not_compared_with_longdouble():
    def cast(value):
        return value.astype(np.float32) if value.dtype == float else value  # longdouble stays

    certificate = certify_function(lambda x: np.sin(cast(x)), lambda x, dy: cast(dy) * np.cos(cast(x)), X)
    assert certificate.outcome == "PASS"


def test_float32_is_not_asked_for_denormal_numbers_of_float64():
    def forward(x):
        y = np.linalg.inv(x.astype(np.float32))  # singular where 1e-310 becomes 0
        return y, y

    def backward(y, dy):
        return (-np.swapaxes(y, 1, 2) @ dy @ np.swapaxes(y, 1, 2)).astype(np.float32)

    assert certify_function(forward, backward, RNG.normal(size=(3, 3, 3)) + 3 * np.eye(3)).outcome == "PASS"
