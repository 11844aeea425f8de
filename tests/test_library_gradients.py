"""Gradients as authors of other libraries write them: right ones pass, wrong ones are found and explained."""

import math
import re
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
import scipy.special as sp

from minidl.errors import ArgumentError
from minidl.losses import Loss, MeanSquaredError
from minidl.testing import certify, certify_function, certify_loss, gradient_check

RNG = np.random.default_rng(3)
X, Z = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
W = RNG.normal(size=(3, 2))


class Pair(NamedTuple):
    """A function with a right and a wrong gradient."""

    forward: object
    right: object
    wrong: object
    inputs: object
    why: str  # words of the cause of the wrong one
    parameters: object = None
    options: object = {}


def pinball(q, y, tau=0.9):
    return np.maximum(tau * (y - q), (tau - 1) * (y - q)).mean()


def pinball_gradient(q, y, tau=0.9):
    return np.where(y > q, -tau, 1 - tau) / q.size


def wrong_pinball_gradient(q, y, tau=0.9):
    return np.where(y > q, tau, tau - 1) / q.size


def rbf(x, z, width):
    d2 = ((x[:, None] - z[None]) ** 2).sum(-1)
    K = np.exp(-0.5 * d2 / width**2)
    return K, (x, z, width, d2, K)


def rbf_gradient(cache, dK):
    x, z, width, d2, K = cache
    w = dK * K / width**2
    dx, dz = w @ z - w.sum(1)[:, None] * x, w.T @ x - w.sum(0)[:, None] * z
    return dx, dz, np.array((dK * K * d2).sum() / width**3)


def wrong_rbf_gradient(cache, dK):
    x, z, width, d2, K = cache
    w = dK * K / width**2
    dx, dz = w @ z - w.sum(1)[:, None] * x, w.T @ x - w.sum(0)[:, None] * z
    return dx, dz, np.array((dK * K * d2).sum() / width**2)


def norm(x):
    n = np.linalg.norm(x, axis=-1, keepdims=True)
    return n, (x, n)


def norm_gradient(cache, dy):
    x, n = cache
    return dy * x / np.where(n == 0, 1, n)


def wrong_norm_gradient(cache, dy):
    x, n = cache
    return dy * x / np.where(n == 0, 1, n**2)


def magnitude(x):
    return np.abs(np.exp(1j * x) + x)


def magnitude_gradient(x, dy):
    z, dz = np.exp(1j * x) + x, 1j * np.exp(1j * x) + 1
    return dy * (z.conj() * dz).real / np.abs(z)


def wrong_magnitude_gradient(x, dy):
    z, dz = np.exp(1j * x) + x, 1j * np.exp(1j * x) + 1
    return dy * (z * dz).real / np.abs(z)


def with_backprop(x, W):
    h = np.tanh(x @ W)

    def backprop(dy):
        dz = dy * (1 - h**2)
        return dz @ W.T, x.T @ dz

    return h, backprop


def with_wrong_backprop(x, W):
    h = np.tanh(x @ W)

    def backprop(dy):
        dz = dy * (1 - h)
        return dz @ W.T, x.T @ dz

    return h, backprop


class Standardizer:
    """A class that fits its numbers to data and keeps its cache on itself."""

    def fit(self, data):
        self.mean, self.std = data.mean(axis=0), data.std(axis=0)
        return self

    def forward(self, x):
        self.x = x
        return ((x - self.mean) / self.std) ** 3

    def backward(self, dy):
        z = (self.x - self.mean) / self.std
        return dy * 3 * z**2 / self.std

    def wrong_backward(self, dy):
        z = (self.x - self.mean) / self.std
        return dy * 3 * z**2


fitted = Standardizer().fit(2 * RNG.normal(size=(50, 3)) + 1)


def energy(r):
    total = 0.0
    for i in range(len(r)):
        for j in range(i):
            s6 = 1 / ((r[i] - r[j]) ** 2).sum() ** 3
            total += 4 * (s6 * s6 - s6)
    return total


def slopes(r, sign):
    g = np.zeros_like(r)
    for i in range(len(r)):
        for j in range(i):
            d2 = ((r[i] - r[j]) ** 2).sum()
            s6 = 1 / d2**3
            slope = 4 * (-12 * s6 * s6 + 6 * s6) / d2
            g[i] += slope * (r[i] - r[j])
            g[j] += sign * slope * (r[i] - r[j])
    return g


def trigamma(x, dy):
    return dy * sp.polygamma(1, x)


def both(x, y, dy):
    return dy * (x >= y), dy * (x <= y)


def one(x, y, dy):
    return dy * (x > y), dy * (x <= y)


ATOMS = np.array([[0, 0, 0], [1.1, 0, 0.1], [0.2, 1.2, 0], [1.0, 1.1, 0.9]])
SINGLE = {"batched": False}
PAIRS = {
    "gammaln": Pair(
        sp.gammaln,
        lambda x, dy: dy * sp.digamma(x),
        trigamma,
        np.abs(X) + 0.5,
        "polygamma",
    ),
    "arccos": Pair(
        np.arccos,
        lambda x, dy: -dy / np.sqrt(1 - x**2),
        lambda x, dy: dy / np.sqrt(1 - x**2),
        RNG.uniform(-0.9, 0.9, (5, 3)),
        "wrong sign",
    ),
    "an option that is no dy": Pair(
        pinball, pinball_gradient, wrong_pinball_gradient, (X, Z), "wrong sign", None, {"constants": ("y",)}
    ),
    "a width that cannot be 0": Pair(
        rbf, rbf_gradient, wrong_rbf_gradient, X, r"width \*\* 3", {"z": Z[:3], "width": np.array(1.3)}
    ),
    "a norm with a guard": Pair(norm, norm_gradient, wrong_norm_gradient, X, "np.where"),
    "complex inside": Pair(
        magnitude, magnitude_gradient, wrong_magnitude_gradient, RNG.uniform(0.5, 2, (4, 3)), r"np\.conj\(z\)"
    ),
    "a fitted object": Pair(
        lambda x: (fitted.forward(x), None),
        lambda _, dy: fitted.backward(dy),
        lambda _, dy: fitted.wrong_backward(dy),
        X,
        r"/ self\.std",
    ),
    "the maximum of two inputs": Pair(np.maximum, one, both, (X, Z), "both get the whole gradient"),
    "loops over pairs": Pair(energy, lambda r: slopes(r, -1), lambda r: slopes(r, 1), ATOMS, "slope", None, SINGLE),
    "a function of a number": Pair(
        lambda x: math.sin(x) ** 2,
        lambda x: 2 * math.sin(x) * math.cos(x),
        lambda x: math.sin(x) * math.cos(x),
        np.array(0.7),
        "a factor 2 is missing",
        None,
        SINGLE,
    ),
}
each = pytest.mark.parametrize("name", PAIRS)


@each
def test_a_right_gradient_passes(name):
    pair = PAIRS[name]
    certificate = certify_function(
        pair.forward, pair.right, pair.inputs, pair.parameters, on_fail="return", **pair.options
    )
    assert certificate.outcome == "PASS", str(certificate)


@each
def test_a_wrong_gradient_is_found_and_explained(name):
    pair = PAIRS[name]
    certificate = certify_function(
        pair.forward, pair.wrong, pair.inputs, pair.parameters, on_fail="return", **pair.options
    )
    assert certificate.outcome == "FAIL"
    (finding,) = certificate.findings
    assert re.search(pair.why, finding.why), finding.why


def test_an_edit_is_found_in_a_backward_within_forward():
    assert certify_function(with_backprop, None, X, {"W": W})
    certificate = certify_function(with_wrong_backprop, None, X, {"W": W}, on_fail="return")
    assert "reads `dz = dy * (1 - h ** 2)`" in certificate.findings[0].why


def test_a_finding_points_at_the_function_that_a_lambda_calls():
    pair = PAIRS["a fitted object"]
    certificate = certify_function(pair.forward, pair.wrong, X, on_fail="return")
    assert certificate.findings[0].where.startswith("Standardizer.wrong_backward")


def test_a_cache_that_calls_share_is_told_and_does_not_count():
    pair = PAIRS["a fitted object"]
    verdict = certify_function(pair.forward, pair.right, X).verdicts["contract"]
    assert verdict.outcome == "NOTED"
    assert "two instances influence each other" in verdict.reason
    strict = certify_function(pair.forward, pair.right, X, house_rules=True, on_fail="return")
    assert strict.findings[0].check == "contract"


def linear(x, W):
    return x @ W, (x, W)


def dy_first(dout, cache):
    x, W = cache
    return dout @ W.T, x.T @ dout


def as_dict(cache, dy):
    x, W = cache
    return {"x": dy @ W.T, "W": x.T @ dy}


def unpacked(x, W, dy):
    return dy @ W.T, x.T @ dy


def loss_and_gradients(x, W):
    dy = 2 * (x @ W)
    return ((x @ W) ** 2).sum(), dy @ W.T, x.T @ dy


CONVENTIONS = [
    (linear, dy_first, {"W": W}, "lambda cache, dy: dy_first(dy, cache)"),
    (linear, as_dict, {"W": W}, "lambda cache, dy: [*as_dict(cache, dy).values()]"),
    (linear, unpacked, {"W": W}, "lambda cache, dy: unpacked(*cache, dy)"),
    (lambda x: (np.maximum(x, 0), x), lambda dout, x: dout * (x > 0), None, "lambda cache, dy: backward(dy, cache)"),
    (fitted.forward, fitted.backward, None, "lambda cache, dy: backward(dy)"),
    (np.sin, np.cos, None, "lambda cache, dy: dy * cos(cache)"),
    (lambda x: ((x**3).sum(), 3 * x**2), None, None, "lambda cache, dy: dy * (cache)"),
    (loss_and_gradients, None, {"W": W}, "lambda cache0, cache1, dy: [dy * g for g in (cache0, cache1)]"),
]


@pytest.mark.parametrize(
    ("forward", "backward", "parameters", "fix"), CONVENTIONS, ids=[one[-1] for one in CONVENTIONS]
)
def test_the_error_tells_what_to_pass_for_another_convention(forward, backward, parameters, fix):
    with pytest.raises(ArgumentError) as error:
        certify_function(forward, backward, X, parameters)
    assert str(error.value).endswith(f"Pass {fix}.")


def scaled_normal(x, dy):
    return dy * np.cos(x) * 2


def test_a_gradient_that_is_wrong_in_every_convention_is_a_finding():
    assert not certify_function(np.sin, scaled_normal, X, on_fail="return")


def test_a_missing_backward_needs_a_function_from_forward():
    with pytest.raises(ArgumentError, match=r"expected backward\(cache, dy\), or .* got None and ndarray"):
        certify_function(lambda x: (np.sin(x), x), None, X)


@pytest.mark.parametrize("x", [np.arange(6).reshape(2, 3), X + 1j], ids=["integers", "complex numbers"])
def test_inputs_without_a_gradient_are_refused(x):
    with pytest.raises(ArgumentError, match=r"floating-point inputs, got (int64|complex128)\. Pass x\.astype\(float\)"):
        certify_function(lambda x: x * 1.0, lambda x, dy: dy, x)


def test_an_output_that_is_no_array_is_refused():
    with pytest.raises(ArgumentError, match=r"forward: expected an array, or .* got dict"):
        certify_function(lambda x: {"y": x}, lambda x, dy: dy, X)


NO_LAYERS = {"ufunc": np.tanh, "function": linear, "lambda": lambda x: x, "loss": MeanSquaredError()}


@pytest.mark.parametrize("given", NO_LAYERS.values(), ids=NO_LAYERS)
def test_certify_names_the_call_for_what_is_no_layer(given):
    with pytest.raises(
        ArgumentError, match=r"certify_loss\(loss\), for .* certify_function\(forward, backward, x\) or gr"
    ):
        certify(given)


def test_certify_loss_names_the_call_for_functions():
    with pytest.raises(ArgumentError, match="For functions there is certify_function"):
        certify_loss(loss_and_gradients)


def test_gradient_check_takes_a_function_of_a_number():
    assert gradient_check(lambda x: math.exp(2 * x), lambda x: 2 * math.exp(2 * x), 0.3)


def test_a_convention_is_not_blamed_for_a_gradient_that_is_right_at_first_sight():
    certificate = certify_function(
        np.square, lambda x, dy: (2 * x * dy).astype(np.float64), X, house_rules=True, on_fail="return"
    )
    assert [finding.check for finding in certificate.findings] == ["dtype"]


class Difference(Loss):
    """The mean square, as a difference of two large numbers."""

    def forward(self, y_pred, y_true, sample_weight=None):
        self._e = y_pred - y_true
        self._w = np.ones(len(self._e), self._e.dtype) if sample_weight is None else sample_weight
        rows = (1000 + self._e**2).mean(axis=1) - 1000
        return float((self._w * rows).mean())

    def backward(self):
        return (2 * self._w[:, None] * self._e / self._e.size).astype(self._e.dtype)


def test_numbers_that_cancel_in_float32_are_told_and_do_not_count():
    certificate = certify_loss(Difference())
    assert certificate.outcome == "PASS"
    assert " ~ y   few digits in float32: large numbers cancel\n" in str(certificate)
    assert " ~ weighted/y   few digits in float32: large numbers cancel" in str(certificate)


def test_a_loss_that_computes_in_half_precision_is_blamed():
    finding = certify_loss(Half(), on_fail="return").findings[0]
    assert (finding.check, finding.target) == ("dtype", "y")


class Half(Difference):
    """The mean square, computed in float16 where the input is float32."""

    def forward(self, y_pred, y_true, sample_weight=None):
        value = super().forward(y_pred, y_true, sample_weight)
        half = (self._w[:, None] * self._e**2).astype(np.float16).mean(dtype=np.float32)
        return float(half) if self._e.dtype == np.float32 else value


WITHOUT_HYPOTHESIS = """
import sys
sys.modules["hypothesis"] = None  # as if it were not installed
from minidl.testing import *
from minidl.errors import MissingPackageError
print("certify" in globals(), "gradient_property" in globals())
for name in ("gradient_property", "layer_machine", "strategies"):
    try:
        exec(f"from minidl.testing import {name}")
    except MissingPackageError as error:
        print(error)
"""


def test_without_hypothesis_the_kit_works_and_says_how_to_install_it():
    run = subprocess.run([sys.executable, "-c", WITHOUT_HYPOTHESIS], capture_output=True, text=True, check=True)
    first, *errors = run.stdout.splitlines()
    assert first == "True False"
    assert len(errors) == 3
    for name, error in zip(("gradient_property", "layer_machine", "strategies"), errors, strict=True):
        expected = f"minidl.testing.{name}: expected hypothesis, got none installed. Run: pip install hypothesis"
        assert error.startswith(expected)
