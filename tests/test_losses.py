"""Losses: one table of all of them drives the generic tests; then torch, scikit-learn and mpmath, and bad targets."""

import copy
import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import losses, numeric
from minidl.config import names_of, resolve
from minidl.constructor import constructor_arguments
from minidl.errors import ArgumentError, CacheError, DataError, ShapeError
from minidl.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    Loss,
    LossFunction,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    Quantile,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    resolve_loss,
)
from minidl.losses.targets import check_range

KERAS = json.loads((Path(__file__).parent / "keras_values.json").read_text(encoding="utf-8"))
STORED = json.loads((Path(__file__).parent / "loss_values.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Case:
    """A loss with arguments, and what it is for: kinds of predictions and targets, both names in `draw`."""

    loss: type[Loss]
    predictions: str
    targets: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def make(self) -> Loss:
        return self.loss(**self.arguments)

    def __str__(self):
        arguments = ",".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.loss.__name__}({arguments})-{self.targets}"


CASES = [
    Case(BinaryCrossentropy, "probabilities", "yes_no"),
    Case(BinaryCrossentropy, "probabilities", "shares", {"label_smoothing": 0.2}),
    Case(BinaryCrossentropy, "numbers", "yes_no", {"from_logits": True}),
    Case(BinaryCrossentropy, "numbers", "shares", {"from_logits": True, "label_smoothing": 0.2}),
    Case(CategoricalCrossentropy, "distributions", "one_hot"),
    Case(CategoricalCrossentropy, "distributions", "distributions", {"label_smoothing": 0.2}),
    Case(CategoricalCrossentropy, "numbers", "one_hot", {"from_logits": True}),
    Case(CategoricalCrossentropy, "numbers", "distributions", {"from_logits": True, "label_smoothing": 0.2}),
    Case(SparseCategoricalCrossentropy, "distributions", "labels"),
    Case(SparseCategoricalCrossentropy, "numbers", "labels", {"from_logits": True}),
    Case(MeanSquaredError, "numbers", "numbers"),
    Case(MeanAbsoluteError, "numbers", "numbers"),
    Case(Huber, "numbers", "numbers"),
    Case(Huber, "numbers", "numbers", {"delta": 0.3}),
    Case(LogCosh, "numbers", "numbers"),
    Case(Quantile, "numbers", "numbers"),
    Case(Quantile, "numbers", "numbers", {"quantile": 0.9}),
    Case(Poisson, "rates", "counts"),
    Case(KLDivergence, "distributions", "distributions"),
    Case(KLDivergence, "distributions", "one_hot"),
    Case(Hinge, "numbers", "yes_no"),
    Case(Hinge, "numbers", "signs"),
    Case(SquaredHinge, "numbers", "signs"),
    Case(CategoricalHinge, "numbers", "one_hot"),
    Case(CosineSimilarity, "numbers", "numbers"),
    Case(MeanAbsolutePercentageError, "numbers", "numbers"),
    Case(MeanSquaredLogarithmicError, "rates", "counts"),
    Case(SparseCategoricalCrossentropy, "distributions", "labels", {"label_smoothing": 0.2}),
    Case(SparseCategoricalCrossentropy, "numbers", "labels", {"from_logits": True, "label_smoothing": 0.2}),
    Case(BinaryFocalCrossentropy, "probabilities", "yes_no"),
    Case(BinaryFocalCrossentropy, "probabilities", "shares", {"apply_class_balancing": True, "gamma": 0.5}),
    Case(BinaryFocalCrossentropy, "numbers", "yes_no", {"from_logits": True}),
    Case(BinaryFocalCrossentropy, "numbers", "shares", {"from_logits": True, "label_smoothing": 0.2}),
    Case(CategoricalFocalCrossentropy, "distributions", "one_hot"),
    Case(CategoricalFocalCrossentropy, "distributions", "distributions", {"gamma": 0.5, "alpha": 1.5}),
    Case(CategoricalFocalCrossentropy, "numbers", "one_hot", {"from_logits": True}),
    Case(CategoricalFocalCrossentropy, "numbers", "distributions", {"from_logits": True, "label_smoothing": 0.2}),
]
all_losses = pytest.mark.parametrize("case", CASES, ids=str)


def draw(kind: str, rng: np.random.Generator, rows: int, outputs: int) -> np.ndarray:
    """Return predictions or targets of a kind."""
    shape = (rows, outputs)
    kinds = {
        "numbers": lambda: rng.normal(size=shape) * rng.choice([0.1, 1, 5]),
        "probabilities": lambda: rng.uniform(0.02, 0.98, shape),
        "shares": lambda: rng.uniform(0, 1, shape),
        "distributions": lambda: numeric.softmax(rng.normal(size=shape)),
        "rates": lambda: rng.uniform(0.2, 4, shape),
        "yes_no": lambda: rng.integers(0, 2, shape).astype(float),
        "signs": lambda: rng.choice([-1.0, 1.0], shape),
        "counts": lambda: rng.poisson(2.0, shape).astype(float),
        "labels": lambda: rng.integers(0, outputs, rows),
        "one_hot": lambda: np.eye(outputs)[rng.integers(0, outputs, rows)],
    }
    return kinds[kind]()


def batch(case: Case, seed: int = 0, rows: int = 5, outputs: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return draw(case.predictions, rng, rows, outputs), draw(case.targets, rng, rows, outputs)


def largest_gradient_error(loss: Loss, y_pred: np.ndarray, y_true: np.ndarray, weight: np.ndarray | None) -> float:
    """Return how far `backward` is from central differences, relative to the largest entry."""
    loss.forward(y_pred, y_true, weight)
    analytic = loss.backward().copy()
    numeric_gradient = np.empty_like(y_pred)
    h = 1e-5
    for index in np.ndindex(*y_pred.shape):
        moved = y_pred.copy()
        moved[index] = y_pred[index] + h
        above = loss.forward(moved, y_true, weight)
        moved[index] = y_pred[index] - h
        below = loss.forward(moved, y_true, weight)
        numeric_gradient[index] = (above - below) / (2 * h)
    scale = max(np.abs(analytic).max(), np.abs(numeric_gradient).max(), 1e-3 / y_pred.size)
    return float(np.abs(analytic - numeric_gradient).max() / scale)


def away_from_kinks(case: Case, y_pred: np.ndarray, y_true: np.ndarray) -> np.ndarray:
    """Return the predictions, moved a little where the loss has a kink within reach of a difference."""
    if case.targets not in ("numbers", "yes_no", "signs") or case.predictions != "numbers":
        return y_pred
    delta = case.arguments.get("delta", 1)
    kinks = [np.where(y_true == 0, -1, y_true)] if case.loss is Hinge else [y_true, y_true + delta, y_true - delta]
    for kink in kinks:
        y_pred = np.where(np.abs(y_pred - kink) < 1e-3, y_pred + 4e-3, y_pred)
    return y_pred


# the table


def test_every_public_loss_is_in_the_table():
    public = {value for name in losses.__all__ if isinstance(value := getattr(losses, name), type)} - {
        Loss,
        LossFunction,
    }
    assert public == {case.loss for case in CASES}


def test_a_name_finds_every_public_loss():
    assert set(names_of(Loss).values()) == {case.loss for case in CASES}
    for name in ("mse", "mae", "bce", "kld", "binary_crossentropy", "logcosh", "kl_divergence", "MeanSquaredError"):
        assert isinstance(resolve_loss(name, "compile: loss"), Loss)


# every loss


@all_losses
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 6), outputs=st.integers(2, 4), weighted=st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_gradient_agrees_with_central_differences(case, seed, rows, outputs, weighted):
    y_pred, y_true = batch(case, seed, rows, outputs)
    weight = np.random.default_rng(seed).uniform(0, 3, rows) if weighted else None
    y_pred = away_from_kinks(case, y_pred, y_true)
    assert largest_gradient_error(case.make(), y_pred, y_true, weight) < 1e-6


BUGS = {
    "wrong sign": lambda dy: -dy,
    "one per cent too large": lambda dy: 1.01 * dy,
    "no mean over the batch": lambda dy: dy * len(dy),
    "a constant is added": lambda dy: dy + 1e-3 * np.abs(dy).max(),
    "rows are mixed up": lambda dy: dy[::-1],
    "only the signs": lambda dy: np.sign(dy) * np.abs(dy).mean() * 1.001,
}


@all_losses
@pytest.mark.parametrize("bug", BUGS)
def test_the_gradient_check_finds_a_wrong_gradient(case, bug):
    class Wrong(case.loss):  # type: ignore[name-defined]
        def backward(self):
            return BUGS[bug](super().backward())

    y_pred, y_true = batch(case)
    y_pred = away_from_kinks(case, y_pred, y_true)
    assert largest_gradient_error(Wrong(**case.arguments), y_pred, y_true, None) > 1e-4


@all_losses
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_the_gradient_keeps_dtype_and_shape(case, dtype):
    y_pred, y_true = batch(case)
    loss = case.make()
    loss.forward(y_pred.astype(dtype), y_true, np.ones(len(y_pred)))
    dy = loss.backward()
    assert dy.dtype == dtype
    assert dy.shape == y_pred.shape


@all_losses
def test_the_value_is_a_float_and_float32_agrees_with_float64(case):
    y_pred, y_true = batch(case)
    y_pred = y_pred.astype(np.float32)
    if not case.make().sparse:
        y_true = y_true.astype(np.float32)
    loss, loss64 = case.make(), case.make()
    value = loss.forward(y_pred, y_true)
    assert type(value) is float
    assert value == pytest.approx(loss64.forward(y_pred.astype(np.float64), y_true.astype(np.float64)), rel=1e-5)
    np.testing.assert_allclose(loss.backward(), loss64.backward(), rtol=1e-5, atol=1e-8)


@all_losses
def test_inputs_are_not_changed_and_backward_can_be_called_twice(case):
    y_pred, y_true = batch(case)
    y_pred.flags.writeable = y_true.flags.writeable = False
    loss = case.make()
    loss.forward(y_pred, y_true)
    first = loss.backward().copy()
    np.testing.assert_array_equal(loss.backward(), first)


@all_losses
def test_any_memory_layout_gives_the_same_result(case):
    y_pred, y_true = batch(case, rows=6)
    wide = np.repeat(y_pred, 2, axis=1)[:, ::2]
    turned = np.asfortranarray(y_pred)
    backwards = np.ascontiguousarray(y_pred[::-1])[::-1]
    expected = case.make()
    value = expected.forward(y_pred, y_true)
    for view in (wide, turned, backwards):
        loss = case.make()
        assert loss.forward(view, y_true) == pytest.approx(value, rel=1e-14)
        np.testing.assert_allclose(loss.backward(), expected.backward(), rtol=1e-13)


@all_losses
def test_a_weighted_loss_is_divided_by_the_number_of_rows(case):
    y_pred, y_true = batch(case)
    weight = np.array([0.0, 1.0, 2.0, 0.5, 3.0])
    rows = [case.make().forward(y_pred[i : i + 1], y_true[i : i + 1]) for i in range(5)]
    assert case.make().forward(y_pred, y_true, weight) == pytest.approx(np.dot(weight, rows) / 5, rel=1e-12)


@all_losses
def test_weights_of_one_change_nothing(case):
    y_pred, y_true = batch(case)
    plain, weighted = case.make(), case.make()
    assert plain.forward(y_pred, y_true) == pytest.approx(weighted.forward(y_pred, y_true, np.ones(5)), rel=1e-14)
    np.testing.assert_allclose(plain.backward(), weighted.backward(), rtol=1e-14)


@all_losses
def test_nan_in_a_prediction_gives_nan_silently(case):
    y_pred, y_true = batch(case)
    y_pred[1, :] = np.nan
    loss = case.make()
    assert np.isnan(loss.forward(y_pred, y_true))
    loss.backward()


@all_losses
def test_perfect_predictions_cost_no_more_than_others(case):
    y_pred, y_true = batch(case)
    perfect = numeric.one_hot(y_true, 3, float) if case.make().sparse else np.array(y_true, float)
    if case.predictions == "numbers" and case.loss.link is not None:
        perfect = (perfect - 0.5) * 20
    if case.loss is SparseCategoricalCrossentropy and "from_logits" not in case.arguments:
        smoothing = case.arguments.get("label_smoothing", 0)
        perfect = perfect * (1 - smoothing) + smoothing / 3
    if case.loss is Poisson:
        perfect = np.maximum(perfect, 1e-9)
    assert case.make().forward(perfect, y_true) <= case.make().forward(y_pred, y_true) + 1e-12


@all_losses
def test_backward_before_forward_is_a_clear_error(case):
    with pytest.raises(CacheError, match=f"{case.loss.__name__}.*expected a call of forward"):
        case.make().backward()


@all_losses
def test_copies_keep_the_arguments_and_drop_the_caches(case):
    y_pred, y_true = batch(case)
    loss = case.make()
    loss.forward(y_pred, y_true)
    for twin in (copy.copy(loss), copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert twin.__dict__ == {name: getattr(loss, name) for name in constructor_arguments(case.loss)}


@all_losses
def test_the_repr_makes_the_loss_again(case):
    loss = case.make()
    assert eval(repr(loss), vars(losses)).get_config() == loss.get_config()
    assert case.loss.from_config(loss.get_config()).get_config() == loss.get_config()


@all_losses
@pytest.mark.parametrize("shape", [(5,), (6, 2), (4, 3), (1, 5, 3)])
def test_unequal_shapes_are_refused(case, shape):
    _, y_true = batch(case)
    with pytest.raises(ShapeError, match=r"expected .*got"):
        case.make().forward(np.full(shape, 0.5), y_true)


@all_losses
def test_a_wrong_number_of_weights_is_refused(case):
    y_pred, y_true = batch(case)
    with pytest.raises(ShapeError, match=r"sample_weight of shape \(5,\), got \(4,\)"):
        case.make().forward(y_pred, y_true, np.ones(4))


# torch


@pytest.mark.parametrize("case", STORED["cases"], ids=lambda case: f"{case['loss']}-{case['y_pred']}-{case['y_true']}")
def test_values_and_gradients_are_those_of_torch(case):
    loss = getattr(losses, case["loss"])(**case["arguments"])
    y_pred, y_true = (np.array(STORED["data"][case[name]]) for name in ("y_pred", "y_true"))
    assert loss.forward(y_pred, y_true) == pytest.approx(case["value"], rel=1e-12)
    np.testing.assert_allclose(loss.backward(), case["gradient"], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("case", KERAS["losses"], ids=lambda case: f"{case['class']}-{case['arguments']}")
def test_values_and_gradients_are_those_of_keras(case):
    loss = getattr(losses, case["class"])(**case["arguments"])
    y_pred, y_true = (np.array(KERAS["data"][case[name]]) for name in ("y_pred", "y_true"))
    assert loss.forward(y_pred, y_true) == pytest.approx(case["value"], rel=1e-6)  # Keras' means have float32's digits
    assert loss(y_true, y_pred) == loss.forward(y_pred, y_true)
    ours = loss.backward()
    if loss.link == "softmax" and not loss.from_logits:  # Keras divides p by its sum, so that a step along p is none
        ours = ours - (ours * y_pred).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ours, case["gradient"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("case", KERAS["losses"], ids=lambda case: f"{case['class']}-{case['arguments']}")
def test_functions_return_the_loss_of_each_row_as_in_keras(case):
    function = getattr(losses, case["function"])
    y_pred, y_true = KERAS["data"][case["y_pred"]], KERAS["data"][case["y_true"]]
    np.testing.assert_allclose(function(y_true, y_pred, **case["arguments"]), case["rows"], rtol=1e-6)


def test_functions_take_single_samples_integers_and_more_axes():
    assert losses.mean_squared_error([0, 1, 1], [1, 1, 3]).item() == pytest.approx(5 / 3)
    y = np.arange(12.0).reshape(2, 3, 2)
    assert losses.mean_absolute_error(y, y + 2).tolist() == [[2, 2, 2], [2, 2, 2]]
    assert losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]], label_smoothing=0.5).item() == pytest.approx(
        np.log(2)
    )


@pytest.mark.parametrize("function", [losses.mean_squared_error, losses.hinge, losses.cosine_similarity], ids=repr)
def test_a_function_of_the_package_is_a_loss_for_compile(function):
    assert type(resolve_loss(function, "compile: loss")) is function.cls


def test_the_percentage_error_is_in_per_cent():
    assert MeanAbsolutePercentageError().forward(np.array([[3.0, 4.0]]), np.array([[2.0, 5.0]])) == 35.0


def test_the_logarithmic_error_takes_negative_predictions_for_zero():
    loss = MeanSquaredLogarithmicError()
    assert loss.forward(np.array([[-3.0]]), np.array([[np.e - 1]])) == pytest.approx(1.0)
    assert loss.backward().item() == 0.0
    with pytest.raises(DataError, match="expected targets of at least 0 for MeanSquaredLogarithmicError"):
        loss.check_targets(np.array([[1.0], [-0.5]]), 1)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_the_cosine_does_not_depend_on_the_lengths(scale):
    loss = CosineSimilarity()
    assert loss.forward(np.array([[3.0, 4.0]]) * scale, np.array([[4.0, 3.0]])) == pytest.approx(-0.96, rel=1e-14)
    np.testing.assert_allclose(loss.backward() * scale, [[-0.0448, 0.0336]], rtol=1e-12)


def test_the_cosine_of_a_row_of_zeros_is_zero():
    loss = CosineSimilarity()
    assert loss.forward(np.zeros((1, 3)), np.ones((1, 3))) == 0.0
    assert loss.backward().tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("z", [0.3, 5.0, 40.0, 90.0])
def test_the_focal_losses_of_logits_are_exact_however_confident(z):
    binary, categorical = BinaryFocalCrossentropy(from_logits=True), CategoricalFocalCrossentropy(1.0, from_logits=True)
    values = [
        binary.forward(np.array([[z]]), np.array([[1.0]])),
        categorical.forward(np.array([[z, 0.0]]), np.array([[1.0, 0.0]])),
    ]
    with mpmath.workdps(80):
        q = 1 / (1 + mpmath.exp(mpmath.mpf(z)))
        truth, slope = q**2 * -mpmath.log1p(-q), -(q**3) + 2 * q * q * (1 - q) * mpmath.log1p(-q)
    assert values == [pytest.approx(float(truth), rel=1e-14)] * 2
    assert binary.backward().item() == pytest.approx(float(slope), rel=1e-13)
    assert categorical.backward().tolist() == [[pytest.approx(float(s), rel=1e-13) for s in (slope, -slope)]]


def test_the_focal_losses_of_wrong_logits_grow_with_the_logit():
    binary, categorical = BinaryFocalCrossentropy(from_logits=True), CategoricalFocalCrossentropy(1.0, from_logits=True)
    for z in (50.0, 1e4):
        assert binary.forward(np.array([[-z]]), np.array([[1.0]])) == pytest.approx(z)
        assert categorical.forward(np.array([[-z, 0.0]]), np.array([[1.0, 0.0]])) == pytest.approx(z)


def test_a_focal_loss_without_focus_is_the_cross_entropy():
    y_pred, y_true = numeric.softmax(np.random.default_rng(0).normal(size=(5, 3))), np.eye(3)[[0, 2, 1, 1, 0]]
    for focal, plain in (
        (BinaryFocalCrossentropy(gamma=0.0), BinaryCrossentropy()),
        (CategoricalFocalCrossentropy(1.0, gamma=0.0), CategoricalCrossentropy()),
    ):
        assert focal.forward(y_pred, y_true) == pytest.approx(plain.forward(y_pred, y_true), rel=1e-14)
        np.testing.assert_allclose(focal.backward(), plain.backward(), rtol=1e-13)


def test_smoothed_labels_are_smoothed_one_hot_rows():
    y_pred, labels = numeric.softmax(np.random.default_rng(0).normal(size=(5, 3))), np.array([0, 2, 1, 1, 0])
    sparse, dense = SparseCategoricalCrossentropy(label_smoothing=0.3), CategoricalCrossentropy(label_smoothing=0.3)
    assert sparse.forward(y_pred, labels) == dense.forward(y_pred, np.eye(3)[labels])
    assert sparse.backward().tolist() == dense.backward().tolist()


def test_torch_or_keras_was_asked_about_every_loss():
    asked = {case["loss"] for case in STORED["cases"]} | {case["class"] for case in KERAS["losses"]}
    assert asked == {case.loss.__name__ for case in CASES}


# scikit-learn and SciPy


def sklearn_hinge(y_true, y_pred, sample_weight):
    return sklearn.metrics.hinge_loss(y_true[:, 0], y_pred[:, 0], labels=[0, 1], sample_weight=sample_weight)


def sklearn_poisson(y_true, y_pred, sample_weight):
    deviance = sklearn.metrics.mean_poisson_deviance(y_true[:, 0], y_pred[:, 0], sample_weight=sample_weight)
    constant = y_true - scipy.special.xlogy(y_true, y_true)
    return deviance / 2 + np.average(constant[:, 0], weights=sample_weight)


def average(values, weight):
    return np.average(values.reshape(len(values), -1).mean(axis=1), weights=weight)


ORACLES = {
    BinaryCrossentropy: lambda y, p, w: sklearn.metrics.log_loss(y[:, 0], p[:, 0], labels=[0, 1], sample_weight=w),
    CategoricalCrossentropy: lambda y, p, w: sklearn.metrics.log_loss(
        y @ [0, 1, 2], p, labels=[0, 1, 2], sample_weight=w
    ),
    SparseCategoricalCrossentropy: lambda y, p, w: sklearn.metrics.log_loss(y, p, labels=[0, 1, 2], sample_weight=w),
    MeanSquaredError: lambda y, p, w: sklearn.metrics.mean_squared_error(y, p, sample_weight=w),
    MeanAbsoluteError: lambda y, p, w: sklearn.metrics.mean_absolute_error(y, p, sample_weight=w),
    Huber: lambda y, p, w: average(scipy.special.huber(1.0, p - y), w),
    LogCosh: lambda y, p, w: average(np.logaddexp(p - y, y - p) - np.log(2), w),
    Quantile: lambda y, p, w: sklearn.metrics.mean_pinball_loss(y, p, sample_weight=w),
    Poisson: sklearn_poisson,
    KLDivergence: lambda y, p, w: average(scipy.special.rel_entr(y, p).sum(axis=1), w),
    Hinge: sklearn_hinge,
}
SINGLE = (BinaryCrossentropy, Hinge, Poisson)  # scikit-learn knows these for one output


@pytest.mark.parametrize("case", [case for case in CASES if case.loss in ORACLES and not case.arguments], ids=str)
@given(seed=st.integers(0, 10**6), rows=st.integers(2, 8))
@settings(max_examples=15, deadline=None)
def test_values_are_those_of_scikit_learn_and_scipy(case, seed, rows):
    y_pred, y_true = batch(case, seed, rows, 1 if case.loss in SINGLE else 3)
    if case.targets in ("yes_no", "signs"):
        y_true[:2, 0] = [0 if case.targets == "yes_no" else -1, 1]  # scikit-learn needs both
    weight = np.random.default_rng(seed).uniform(0.1, 3, rows)
    weight *= rows / weight.sum()  # they divide by the sum of the weights
    if case.targets == "signs":
        y_true = (y_true + 1) / 2
    expected = ORACLES[case.loss](y_true, y_pred, weight)
    if case.targets == "signs":
        y_true = y_true * 2 - 1
    assert case.make().forward(y_pred, y_true, weight) == pytest.approx(expected, rel=1e-9, abs=1e-12)


# exactness


SPECIAL = [0.0, -0.0, 1e-30, -1e-30, 1e-6, 0.3, -0.3, 5.0, -5.0, 17.0, 40.0, -40.0, 90.0, -90.0, 1e4, -1e4]


def close_to(exact, dtype, ulp=4):
    return pytest.approx(float(exact), rel=ulp * float(np.finfo(dtype).eps), abs=float(np.finfo(dtype).tiny))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [0.0, 1.0, 0.25])
@pytest.mark.parametrize("z", SPECIAL)
def test_binary_crossentropy_of_logits_is_exact_however_confident(z, y, dtype):
    loss = BinaryCrossentropy(from_logits=True)
    value = loss.forward(np.array([[z]], dtype), np.array([[y]], dtype))
    with mpmath.workdps(40):
        exact = mpmath.mpf(float(dtype(z)))
        p, q = 1 / (1 + mpmath.exp(-exact)), 1 / (1 + mpmath.exp(exact))
        truth = y * mpmath.log1p(mpmath.exp(-exact)) + (1 - y) * mpmath.log1p(mpmath.exp(exact))
        slope = (1 - y) * p - y * q
    assert value == close_to(truth, dtype)
    assert loss.backward().item() == close_to(slope, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("label", [0, 1, 2])
@pytest.mark.parametrize("z", SPECIAL)
def test_categorical_crossentropies_of_logits_are_exact_however_confident(z, label, dtype):
    logits = np.array([[z, 0.5, -1.25]], dtype)
    with mpmath.workdps(5000 if abs(z) > 1e3 else 60):
        e = [mpmath.exp(mpmath.mpf(float(value))) for value in logits[0]]
        total = mpmath.fsum(e)
        others = mpmath.fsum(e[:label] + e[label + 1 :])
        truth = mpmath.log1p(others / e[label])
        slopes = [e[i] / total if i != label else -others / total for i in range(3)]
    one_hot = np.eye(3, dtype=dtype)[[label]]
    for loss, y in ((SparseCategoricalCrossentropy(True), np.array([label])), (CategoricalCrossentropy(True), one_hot)):
        assert loss.forward(logits, y) == close_to(truth, dtype)
        assert loss.backward()[0].tolist() == [close_to(slope, dtype) for slope in slopes]


def exact_binary_crossentropy(z):
    return mpmath.log1p(mpmath.exp(z[0]))


def exact_sparse_crossentropy(z):
    return mpmath.log1p(mpmath.exp(z[1] - z[0]) + mpmath.exp(z[2] - z[0]))


def exact_log_cosh(d):
    return mpmath.log(mpmath.cosh(d[0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("loss", "columns", "target", "exact"),
    [
        (BinaryCrossentropy(from_logits=True), 1, np.zeros((10_000, 1)), exact_binary_crossentropy),
        (SparseCategoricalCrossentropy(from_logits=True), 3, np.zeros(10_000, np.intp), exact_sparse_crossentropy),
        (LogCosh(), 1, np.zeros((10_000, 1)), exact_log_cosh),
    ],
    ids=lambda value: type(value).__name__,
)
def test_10_000_values_of_a_loss_are_exact_to_4_ulp(loss, columns, target, exact, dtype):
    rng = np.random.default_rng(0)
    y_pred = (rng.normal(size=(10_000, columns)) * rng.choice([0.01, 1, 10, 100], (10_000, 1))).astype(dtype)
    loss = copy.copy(loss)
    loss.mean = lambda values, weight: values  # type: ignore[assignment,method-assign,return-value]
    values = np.ravel(loss.forward(y_pred, target)).tolist()
    info = np.finfo(dtype)
    with mpmath.workdps(40):
        for row, value in zip(y_pred.tolist(), values, strict=True):
            truth = exact([mpmath.mpf(number) for number in row])
            assert abs(value - truth) <= 4 * float(info.eps) * truth + float(info.smallest_subnormal)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", [case for case in CASES if case.predictions == "numbers"], ids=str)
def test_losses_are_silent_at_the_largest_numbers(case, dtype):
    _, y_true = batch(case)
    for size in (np.finfo(dtype).max, np.finfo(dtype).tiny, 1e4, 0):
        y_pred = np.zeros((5, 3), dtype)
        y_pred[:, 0], y_pred[:, 1] = size, -size
        loss = case.make()
        value = loss.forward(y_pred[:1], y_true[:1])
        assert not np.isnan(value)
        assert np.isfinite(loss.backward()).all() or case.loss is MeanSquaredError


def test_probabilities_of_zero_give_a_large_finite_loss_and_slope():
    y_pred = np.array([[0.0, 1.0]], np.float32)
    one_hot = np.array([[1.0, 0.0]], np.float32)
    label = np.array([0])
    for loss, y in (
        (BinaryCrossentropy(), one_hot),
        (CategoricalCrossentropy(), one_hot),
        (SparseCategoricalCrossentropy(), label),
        (KLDivergence(), one_hot),
        (Poisson(), one_hot),
    ):
        assert 40 < loss.forward(y_pred, y) < 150
        assert np.isfinite(loss.backward()).all()
        assert loss.backward()[0, 0] < -1e30


@pytest.mark.parametrize("loss", [BinaryCrossentropy(), CategoricalCrossentropy(), Poisson()], ids=repr)
def test_negative_probabilities_give_nan_rather_than_a_number(loss):
    assert np.isnan(loss.forward(np.array([[-0.1, 0.5]]), np.array([[1.0, 0.0]])))


# the logits


# Called directly, with whatever numbers


def whole_numbers(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions of 0 and 1, with targets that are none."""
    _, y_true = batch(case)
    return np.random.default_rng(1).integers(0, 2, (5, 3)), y_true


@all_losses
@pytest.mark.parametrize("kind", ["i8", "u1", "i2", "?", "f2", "O", "list"])
def test_predictions_of_any_numbers_give_what_float64_gives(case, kind):
    y_pred, y_true = whole_numbers(case)
    expected, loss = case.make(), case.make()
    value = expected.forward(y_pred.astype("f8"), y_true)
    given = y_pred.tolist() if kind == "list" else y_pred.astype(kind)
    assert loss.forward(given, y_true.tolist() if kind == "list" else y_true) == value
    np.testing.assert_array_equal(loss.backward(), expected.backward())


def test_a_fraction_of_whole_numbers_is_not_cut():
    assert MeanSquaredError().forward(np.array([[1]]), np.array([[0.5]])) == 0.25
    assert MeanAbsoluteError().forward([[1], [2]], [[0.5], [0.5]]) == 1.0
    assert BinaryCrossentropy(from_logits=True).forward(np.array([[200]], "u1"), np.array([[0.0]])) == 200.0


@all_losses
@pytest.mark.parametrize(
    ("y_pred", "words"),
    [
        (None, "y_pred: expected an array .*got None"),
        ([["a"]], "y_pred: expected real numbers"),
        (np.zeros((0, 3)), r"y_pred: expected at least one row, got shape \(0, 3\)"),
        ([], "y_pred: expected at least one row"),
        ([[1.0], [2.0, 3.0]], "y_pred: expected an array, got something ragged"),
    ],
)
def test_predictions_that_are_none_are_refused(case, y_pred, words):
    with pytest.raises(DataError, match=words):
        case.make().forward(y_pred, batch(case)[1])


@all_losses
@pytest.mark.parametrize("y_true", [None, "abc", np.array([["a"] * 3] * 5)])
def test_targets_that_are_none_are_refused(case, y_true):
    with pytest.raises(DataError, match="y_true: expected"):
        case.make().forward(batch(case)[0], y_true)


@all_losses
def test_weights_may_be_a_column_or_a_list(case):
    y_pred, y_true = batch(case)
    weight = np.linspace(0, 1, len(y_pred))
    expected, loss = case.make(), case.make()
    value = expected.forward(y_pred, y_true, weight)
    for form in (weight.tolist(), weight[:, None]):
        assert loss.forward(y_pred, y_true, form) == value
        np.testing.assert_array_equal(loss.backward(), expected.backward())


@pytest.mark.parametrize(
    ("delta", "d", "value"),
    [(1e300, 3.0, 4.5), (1e300, 1e25, 5e49), (1e30, 1e32, 9.95e61), (1e-50, 1.0, 1e-50), (1e300, 3e38, 4.5e76)],
)
def test_huber_is_silent_and_right_for_any_delta(delta, d, value):
    loss, y_pred = Huber(delta), np.array([[d]], np.float32)
    assert loss.forward(y_pred, np.zeros((1, 1))) == pytest.approx(value, rel=1e-6)
    assert loss.backward() == pytest.approx(min(d, delta), rel=1e-6, abs=1e-45)
    assert loss.backward().dtype == np.float32


@pytest.mark.parametrize("link", ["sigmoid", "softmax"])
def test_a_loss_on_logits_is_the_loss_of_its_activation(link):
    for case in CASES:
        if case.loss.link != link or case.arguments.get("from_logits"):
            continue
        rng = np.random.default_rng(0)
        z, y = rng.normal(size=(5, 3)), batch(case)[1]
        p = numeric.sigmoid(z) if link == "sigmoid" else numeric.softmax(z)
        on_logits = case.make().copy_with(from_logits=True)
        assert on_logits.from_logits
        assert not case.make().from_logits
        assert on_logits.forward(z, y) == pytest.approx(case.make().forward(p, y), rel=1e-12)


def test_the_gradient_on_logits_is_the_notes_a_minus_y():
    z, y = np.random.default_rng(0).normal(size=(4, 2)), np.array([[0, 1], [1, 1], [0, 0], [1, 0]])
    loss = BinaryCrossentropy(from_logits=True)
    loss.forward(z, y)
    np.testing.assert_allclose(loss.backward(), (1 / (1 + np.exp(-z)) - y) / z.size, rtol=1e-13)


def test_the_gradient_on_probabilities_is_the_notes_dA():
    a, y = np.random.default_rng(0).uniform(0.1, 0.9, (4, 1)), np.array([[0], [1], [0], [1]])
    loss = BinaryCrossentropy()
    loss.forward(a, y)
    np.testing.assert_allclose(loss.backward(), (-y / a + (1 - y) / (1 - a)) / 4, rtol=1e-13)


# bad arguments and targets


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: BinaryCrossentropy(from_logits="yes"), "BinaryCrossentropy: from_logits: expected True or False"),
        (
            lambda: BinaryCrossentropy(label_smoothing=2),
            "label_smoothing: expected a finite number >= 0 and <= 1, got 2",
        ),
        (lambda: CategoricalCrossentropy(from_logits=1), "CategoricalCrossentropy: from_logits"),
        (lambda: CategoricalCrossentropy(label_smoothing=-0.1), "CategoricalCrossentropy: label_smoothing"),
        (lambda: SparseCategoricalCrossentropy(from_logits=None), "SparseCategoricalCrossentropy: from_logits"),
        (lambda: Huber(delta=0), "Huber: delta: expected a finite number > 0, got 0"),
        (lambda: Huber(delta=float("nan")), "Huber: delta"),
        (lambda: Quantile(1.0), "Quantile: quantile: expected a finite number > 0 and < 1, got 1.0"),
        (lambda: Quantile("median"), "Quantile: quantile"),
        (lambda: resolve_loss("mean_square_error", "compile: loss"), "Did you mean 'mean_squared_error'"),
        (lambda: resolve_loss(MeanSquaredError, "compile: loss"), r"got the class MeanSquaredError. Write Mean.*\(\)"),
        (lambda: resolve_loss(lambda y_true, y_pred: 0, "compile: loss"), "a plain function has no backward"),
        (lambda: resolve_loss(3, "compile: loss"), "compile: loss: expected the name of a loss"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, match):
    with pytest.raises(ArgumentError, match=match):
        make()


BAD_TARGETS = [
    (BinaryCrossentropy(), [[0.0], [1.5]], r"y: expected targets in \[0, 1\] for BinaryCrossentropy, got 1.5 at row 1"),
    (BinaryCrossentropy(), [[1.0], [-1.0]], r"got -1.0 at row 1, column 0. For \{-1, 1\} use \{0, 1\}"),
    (SparseCategoricalCrossentropy(), [0, 1, 2, 0, 7], r"y: label 7 at row 4 is outside \[0, 3\): the model has 3"),
    (SparseCategoricalCrossentropy(), [0, -1], r"y: label -1 at row 1 is outside \[0, 3\)"),
    (SparseCategoricalCrossentropy(), [0.0, 1.5], "y: expected whole numbers as labels, got 1.5 at row 1"),
    (SparseCategoricalCrossentropy(), [0.0, 3.0], "y: label 3 at row 1 is outside"),
    (CategoricalCrossentropy(), [[1, 0, 0], [1, 1, 0]], "expected rows that sum to 1 .*got the sum 2 at row 1"),
    (CategoricalCrossentropy(), [[0, 0, 0], [1, 0, 0]], "got the sum 0 at row 0"),
    (CategoricalCrossentropy(), [[2, -1, 0]], r"expected targets in \[0, 1\]"),
    (KLDivergence(), [[0.5, 0.2, 0.2]], "expected rows that sum to 1 for KLDivergence"),
    (Poisson(), [[1.0], [-2.0]], "expected targets of at least 0 for Poisson, got -2.0 at row 1"),
    (Hinge(), [[1.0], [2.0]], r"expected targets \{0, 1\} for Hinge, got 2.0 at row 1"),
    (Hinge(), [[1.0], [0.0], [-1.0]], r"expected targets \{-1, 1\} for Hinge, got 0.0 at row 1"),
]


@pytest.mark.parametrize(("loss", "y", "match"), BAD_TARGETS, ids=lambda value: repr(value)[:40])
def test_targets_that_a_loss_cannot_use_are_refused_with_row_and_value(loss, y, match):
    with pytest.raises(DataError, match=match):
        loss.check_targets(np.array(y), 3)


@all_losses
def test_good_targets_pass(case):
    case.make().check_targets(batch(case)[1], 3)


def test_soft_rows_may_be_off_by_the_rounding_of_float32():
    y = np.random.default_rng(0).dirichlet(np.ones(1000), 20).astype(np.float32)
    CategoricalCrossentropy().check_targets(y, 1000)


@pytest.mark.parametrize("y", [[0, 3], [-1, 0], [0.5, 1.0]])
def test_a_sparse_loss_used_alone_refuses_labels_out_of_range(y):
    with pytest.raises(DataError):
        SparseCategoricalCrossentropy(from_logits=True).forward(np.zeros((2, 3)), np.array(y))


def test_labels_of_any_integer_type_are_taken():
    z = np.random.default_rng(0).normal(size=(3, 3))
    expected = SparseCategoricalCrossentropy(from_logits=True).forward(z, np.array([0, 2, 1]))
    for dtype in (np.int8, np.uint8, np.int32, np.uint64, np.float32):
        y = np.array([0, 2, 1], dtype)
        assert SparseCategoricalCrossentropy(from_logits=True).forward(z, y) == expected


# a custom loss


class Quartic(Loss):
    """Two short methods are a loss."""

    def forward(self, y_pred, y_true, sample_weight=None):
        self._d = y_pred - y_true
        return self.mean(self._d**4, sample_weight)

    def backward(self):
        return self.share(4 * self._d**3)


def test_a_custom_loss_is_two_short_methods():
    y_pred, y_true = np.random.default_rng(0).normal(size=(2, 4, 3))
    assert largest_gradient_error(Quartic(), y_pred, y_true, np.array([1.0, 2.0, 0.0, 1.0])) < 1e-6
    assert Quartic().get_name() == "quartic"
    assert resolve(Quartic(), Loss, "compile: loss").link is None


def test_hinge_takes_0_and_minus_1_alike():
    y_pred = np.array([[0.3, -2.0]])
    assert Hinge().forward(y_pred, np.array([[0.0, 1.0]])) == Hinge().forward(y_pred, np.array([[-1.0, 1.0]]))


@pytest.mark.parametrize(
    ("loss", "threshold"), [(BinaryCrossentropy(), 0.5), (BinaryCrossentropy(True), 0), (Hinge(), 0)]
)
def test_a_yes_begins_at_the_threshold_of_the_loss(loss, threshold):
    assert loss.binary
    assert loss.threshold == threshold


FRACTION = ([0.0, 0.3, 1.0], [-1e-9, 1.0001, 1.5])
BOUNDS = {  # argument: values that are taken, and that are refused
    (BinaryCrossentropy, "label_smoothing"): FRACTION,
    (BinaryFocalCrossentropy, "label_smoothing"): FRACTION,
    (BinaryFocalCrossentropy, "alpha"): FRACTION,
    (BinaryFocalCrossentropy, "gamma"): ([0.0, 0.5], [-1e-9]),
    (CategoricalCrossentropy, "label_smoothing"): FRACTION,
    (CategoricalFocalCrossentropy, "label_smoothing"): FRACTION,
    (CategoricalFocalCrossentropy, "alpha"): ([1e-9, 0.5, 3.0], [0.0, -1.0]),
    (CategoricalFocalCrossentropy, "gamma"): ([0.0, 0.5], [-1e-9]),
    (Huber, "delta"): ([1e-9, 0.5], [0.0, -1.0]),
    (Quantile, "quantile"): ([1e-9, 0.9], [0.0, 1.0, 1.5]),
    (SparseCategoricalCrossentropy, "label_smoothing"): FRACTION,
}


@pytest.mark.parametrize(("cls", "name"), BOUNDS, ids=lambda value: getattr(value, "__name__", value))
def test_arguments_are_taken_up_to_their_bounds(cls, name):
    taken, refused = BOUNDS[cls, name]
    for value in taken:
        assert getattr(cls(**{name: value}), name) == value
    for value in refused:
        with pytest.raises(ArgumentError, match=f"{cls.__name__}: {name}: expected"):
            cls(**{name: value})


@pytest.mark.parametrize("y", [[[1.5, -0.5]], [[0.5, 0.5], [-0.1, 1.1]]])
@pytest.mark.parametrize("cls", [CategoricalCrossentropy, CategoricalFocalCrossentropy, KLDivergence])
def test_targets_that_sum_to_1_may_still_be_no_probabilities(cls, y):
    with pytest.raises(DataError, match=r"y: expected targets in \[0, 1\] for "):
        cls().check_targets(np.array(y), 2)


@pytest.mark.parametrize("name", [name for name, value in vars(losses).items() if isinstance(value, LossFunction)])
def test_a_loss_as_a_function_takes_whole_numbers(name):
    function, y_pred = getattr(losses, name), np.array([[1, 0], [1, 1]])
    y_true = np.array([0, 1]) if function.cls is SparseCategoricalCrossentropy else np.eye(2)
    found = function(y_true, y_pred.astype(float))
    np.testing.assert_array_equal(function(y_true, y_pred), found)
    np.testing.assert_array_equal(function(y_true.tolist(), y_pred.tolist()), found)


def test_a_percentage_beyond_float32_is_calculated_in_float64():
    found = MeanAbsolutePercentageError().forward(np.full((1, 1), 1e35, "float32"), np.zeros((1, 1), "float32"))
    assert found == pytest.approx(100 * 1e35 / 1e-7, rel=1e-6)


class Around(Loss):
    """The mean of the losses in ``parts``: a loss, or a list, tuple or dict of losses."""

    def __init__(self, parts):
        self.parts = parts

    def inner(self):
        return [self.parts] if isinstance(self.parts, Loss) else [*getattr(self.parts, "values", lambda: self.parts)()]

    def forward(self, y_pred, y_true, sample_weight=None):
        return sum(part.forward(y_pred, y_true, sample_weight) for part in self.inner())

    def backward(self):
        return sum(part.backward() for part in self.inner())


@pytest.mark.parametrize(
    "parts",
    [MeanSquaredError(), [MeanSquaredError(), Huber()], (MeanSquaredError(),), {"a": Around([MeanSquaredError()])}],
    ids=["loss", "list", "tuple", "dict"],
)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_a_copy_of_a_loss_shares_no_caches_of_the_losses_in_it(parts, copied):
    loss, y = Around(parts), np.zeros((2, 1))
    twin = copied(loss)
    loss.forward(np.array([[1.0], [2.0]]), y)
    before = loss.backward().tolist()
    twin.forward(np.array([[7.0], [9.0]]), y)
    assert loss.backward().tolist() == before


@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        (BinaryCrossentropy(), [[-1.0, 2.0]], r"y: expected targets in \[0, 1\]"),
        (CategoricalCrossentropy(), [[1.0, 1.0]], "y: expected rows that sum to 1"),
        (losses.Poisson(), [[1.0, -1.0]], "y: expected targets"),
        (losses.Hinge(), [[3.0, 1.0]], "y: expected targets"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_targets_are_checked_when_a_loss_is_called(loss, y, words):
    for call in (lambda: loss.forward(np.array([[0.25, 0.75]]), np.array(y)), lambda: loss(y, [[0.25, 0.75]])):
        with pytest.raises(DataError, match=words):
            call()


@pytest.mark.parametrize("weight", [[-1.0, 1.0], [np.nan, 1.0], "ab"])
def test_the_weights_of_a_call_are_finite_and_not_negative(weight):
    with pytest.raises((DataError, ShapeError), match=r"^sample_weight: expected"):
        MeanSquaredError()([[0.0], [2.0]], [[1.0], [1.0]], sample_weight=weight)
    assert MeanSquaredError()([[0.0], [2.0]], [[1.0], [1.0]], sample_weight=[1, 0]) == 0.5


@pytest.mark.parametrize("name", [name for name, value in vars(losses).items() if isinstance(value, LossFunction)])
@pytest.mark.parametrize(("y_true", "y_pred"), [([], []), ([[0.0, 1.0]], [[0.5, 0.25, 0.25]]), (None, [[0.5, 0.5]])])
def test_a_loss_as_a_function_refuses_what_does_not_fit(name, y_true, y_pred):
    with pytest.raises((DataError, ShapeError)):
        getattr(losses, name)(y_true, y_pred)


@pytest.mark.parametrize("name", ["BinaryFocalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge"])
@pytest.mark.parametrize("value", [1.5, -0.5, np.nan])
def test_targets_that_are_no_probabilities_are_refused(name, value):
    with pytest.raises(DataError, match=rf"y: expected targets in \[0, 1\] for {name}, got {value} at row 1, column 0"):
        getattr(losses, name)().check_targets(np.array([[1.0, 0.0], [value, 0.0]]), 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sorted(set(losses.functions.__all__) | {"cosine_similarity"}))
def test_a_loss_of_predictions_that_are_not_finite_warns_of_nothing(name, dtype, value):
    function = getattr(losses, name)
    y_pred = np.array([[value, 0.5], [0.5, 0.5]], dtype)
    y_true = np.array([1, 0]) if function.cls.sparse else np.array([[0.0, 1.0], [1.0, 0.0]])
    found = function(y_true, y_pred)
    assert found.shape == (2,)
    assert np.isfinite(found[1])
    loss = function.cls()
    loss(y_true, y_pred)
    loss.backward()


@pytest.mark.parametrize(
    ("loss", "y", "value", "slope"),
    [
        (Hinge(), [[1.0, -1.0]], 0.5, [[0.0, 0.5]]),
        (CategoricalHinge(), [[1.0, 0.0]], 0.0, [[0.0, 0.0]]),
        (Quantile(0.9), [[1.0, 1.0]], 0.45, [[0.0, -0.45]]),
        (MeanAbsoluteError(), [[1.0, 1.0]], 0.5, [[0.0, -0.5]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_loss_has_no_slope_at_its_kink(loss, y, value, slope):
    assert loss.forward(np.array([[1.0, 0.0]]), np.array(y)) == value
    assert loss.backward().tolist() == slope


def test_the_logarithmic_error_has_a_slope_at_a_prediction_of_0():
    loss = MeanSquaredLogarithmicError()
    assert loss.forward(np.array([[0.0]]), np.array([[np.e - 1]])) == pytest.approx(1.0)
    assert loss.backward().item() == pytest.approx(-2.0)


@pytest.mark.parametrize(("loss", "target"), [(MeanSquaredError(), 0.0), (SquaredHinge(), -1.0)], ids=repr)
def test_squares_beyond_float32_are_calculated_in_float64(loss, target):
    found = loss.forward(np.full((1, 1), 1e30, "float32"), np.full((1, 1), target, "float32"))
    assert found == pytest.approx(1e60, rel=1e-6)


@pytest.mark.parametrize("step", [1e-9, 1e-5, 0.2])
def test_the_divergence_of_nearly_equal_distributions_is_exact(step):
    y, p = np.array([[0.25, 0.25, 0.5]]), np.array([[0.25 + step, 0.25 - step, 0.5]])
    with mpmath.workdps(50):
        truth = mpmath.fsum(
            mpmath.mpf(a) * mpmath.log(mpmath.mpf(a) / mpmath.mpf(b)) for a, b in zip(y[0], p[0], strict=True)
        )
    assert KLDivergence().forward(p, y) == pytest.approx(float(truth), rel=1e-6, abs=0)


def test_sparse_smoothed_losses_of_single_rows_are_those_of_one_hot_rows():
    y_pred, labels = numeric.softmax(np.random.default_rng(0).normal(size=(5, 3))), np.array([0, 2, 1, 1, 0])
    for from_logits in (False, True):
        options = {"from_logits": from_logits, "label_smoothing": 0.3}
        expected = losses.categorical_crossentropy(np.eye(3)[labels], y_pred, **options)
        assert losses.sparse_categorical_crossentropy(labels, y_pred, **options).tolist() == expected.tolist()


def test_a_loss_as_a_function_takes_single_numbers_and_has_a_name():
    assert losses.mean_squared_error(1.0, 3.0).shape == ()
    assert losses.mean_squared_error(1.0, 3.0) == 4.0
    assert repr(losses.mean_squared_error) == "<function mean_squared_error>"
    assert LossFunction(MeanSquaredError).higher_is_better is False


def test_targets_of_minus_1_and_1_are_in_a_range_from_0_to_1_where_signs_are_taken():
    for y in ([[-1.0, 1.0]], [[-1.0, -1.0]], [[0.0, 0.5]], [[1.0, 1.0]]):
        check_range(np.array(y), 0, 1, "F1Score", "Fix it.", signs=True)
    for y in ([[-1.0, 0.5]], [[-1.0, 0.0]], [[2.0, -2.0]], [[1.0, np.nan]]):
        with pytest.raises(
            DataError, match=r"y: expected targets in \[0, 1\] for F1Score, got .* at row 0, .*Fix it\."
        ):
            check_range(np.array(y), 0, 1, "F1Score", "Fix it.", signs=True)
    with pytest.raises(DataError, match=r"got -1\.0 at row 0, column 0"):
        check_range(np.array([[-1.0, 1.0]]), 0, 1, "F1Score", "Fix it.")


def test_targets_are_matched_to_the_dtype_of_the_predictions():
    y_true = MeanSquaredError().match(np.zeros((2, 1), "float32"), [[1], [2]])
    assert y_true.tolist() == [[1.0], [2.0]]
    assert y_true.dtype == np.float32


@all_losses
def test_a_loss_takes_a_column_of_targets_for_each_output(case):
    assert case.make().columns(3) == 3


@all_losses
def test_a_name_that_a_loss_does_not_have_is_an_attribute_error(case):
    for name in ("nothing", "__nothing__"):
        with pytest.raises(AttributeError, match=name) as caught:
            getattr(case.make(), name)
        assert not isinstance(caught.value, CacheError)
