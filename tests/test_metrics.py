"""Metrics: a table of all of them, compared with scikit-learn for any split into batches; then single decisions."""

import copy
import functools
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import losses, metrics
from minidl.config import names_of, registry
from minidl.constructor import constructor_arguments
from minidl.errors import ArgumentError, DataError, ShapeError, StateError
from minidl.metrics import (
    AUC,
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    F1Score,
    FalseNegatives,
    FalsePositives,
    FBetaScore,
    FunctionMetric,
    Hinge,
    KLDivergence,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Metric,
    Poisson,
    Precision,
    R2Score,
    Recall,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SquaredHinge,
    Sum,
    TopKCategoricalAccuracy,
    TrueNegatives,
    TruePositives,
    resolve_metrics,
)
from minidl.metrics.losses import LossMetric

CLASSES = np.arange(4)


def root_of_mean_square(y_true, y_pred):
    return np.sqrt(np.mean((y_true - y_pred) ** 2))


def flat(function):
    """Return the metric of all outputs, joined into one column."""
    return lambda y, p, w: function(y.ravel(), p.ravel(), np.repeat(w, y.shape[1]))


def scores(function, average, decide):
    return lambda y, p, w: function(y, decide(p), average=average, sample_weight=w, zero_division=0)


def above_half(p):
    return (p > 0.5).astype(int)


def hot(p):
    return np.eye(p.shape[1], dtype=int)[p.argmax(axis=1)]


def labelled(function, **keywords):
    return lambda y, p, w: function(y, p.argmax(axis=1), sample_weight=w, **keywords)


@dataclass(frozen=True)
class Case:
    """A metric with arguments, its kind of targets, and its value by scikit-learn for (targets, outputs, weights)."""

    metric: type[Metric]
    targets: str
    reference: Callable[..., Any]
    arguments: dict[str, Any] = field(default_factory=dict)

    def make(self) -> Metric:
        return self.metric(**self.arguments)

    def __str__(self):
        return f"{self.metric.__name__}-{self.targets}-" + ",".join(
            f"{k}={getattr(v, '__name__', v)}" for k, v in self.arguments.items()
        )


def mean_of(function):
    """Return the weighted mean over rows of the values that a function has for each output, or row, of float64s."""

    def mean(y, p, w):
        values = function(np.asarray(y, float), p)
        return np.average(values.reshape(len(values), -1).mean(axis=1), weights=w)

    return mean


def count(chosen):
    """Return the sum of the weights of chosen outputs, for the threshold 0.5."""
    return lambda y, p, w: float((w[:, None] * chosen(y == 1, p > 0.5)).sum())


def log_of_softmax(p):
    return p - scipy.special.logsumexp(p, axis=1, keepdims=True)


SMALLEST = np.finfo(float).smallest_subnormal


def top(k):
    return lambda y, p, w: sk.top_k_accuracy_score(y, p, k=k, labels=CLASSES, sample_weight=w)


CASES = [
    Case(BinaryAccuracy, "yes_no", flat(lambda y, p, w: sk.accuracy_score(y, p > 0.5, sample_weight=w))),
    Case(BinaryAccuracy, "many", flat(lambda y, p, w: sk.accuracy_score(y, p > 0.5, sample_weight=w))),
    Case(
        BinaryAccuracy, "many", flat(lambda y, p, w: sk.accuracy_score(y, p > 0.7, sample_weight=w)), {"threshold": 0.7}
    ),
    Case(CategoricalAccuracy, "one_hot", lambda y, p, w: sk.accuracy_score(y.argmax(1), p.argmax(1), sample_weight=w)),
    Case(SparseCategoricalAccuracy, "labels", labelled(sk.accuracy_score)),
    Case(TopKCategoricalAccuracy, "one_hot", lambda y, p, w: top(2)(y.argmax(1), p, w), {"k": 2}),
    Case(SparseTopKCategoricalAccuracy, "labels", top(3), {"k": 3}),
    Case(SparseTopKCategoricalAccuracy, "labels", top(1), {"k": 1}),
    Case(Precision, "yes_no", flat(scores(sk.precision_score, "binary", above_half))),
    Case(Precision, "many", scores(sk.precision_score, "micro", above_half)),
    Case(Precision, "many", scores(sk.precision_score, "macro", above_half), {"average": "macro"}),
    Case(Precision, "many", scores(sk.precision_score, None, above_half), {"average": None}),
    Case(Precision, "many", scores(sk.precision_score, "weighted", above_half), {"average": "weighted"}),
    Case(
        Precision,
        "labels",
        labelled(sk.precision_score, average=None, labels=CLASSES, zero_division=0),
        {"thresholds": "largest", "average": None},
    ),
    Case(
        Precision,
        "many",
        lambda y, p, w: sk.precision_score(y[:, 2], p[:, 2] > 0.5, sample_weight=w, zero_division=0),
        {"class_id": 2},
    ),
    Case(Recall, "yes_no", flat(scores(sk.recall_score, "binary", above_half))),
    Case(Recall, "many", scores(sk.recall_score, "micro", above_half)),
    Case(Recall, "many", scores(sk.recall_score, "macro", above_half), {"average": "macro"}),
    Case(
        Recall,
        "many",
        scores(sk.recall_score, None, lambda p: (p > 0.3).astype(int)),
        {"thresholds": 0.3, "average": None},
    ),
    Case(F1Score, "yes_no", lambda y, p, w: [sk.f1_score(y, p > 0.5, sample_weight=w, zero_division=0)]),
    Case(F1Score, "one_hot", scores(sk.f1_score, None, hot)),
    Case(F1Score, "one_hot", scores(sk.f1_score, "micro", hot), {"average": "micro"}),
    Case(F1Score, "one_hot", scores(sk.f1_score, "macro", hot), {"average": "macro"}),
    Case(F1Score, "one_hot", scores(sk.f1_score, "weighted", hot), {"average": "weighted"}),
    Case(F1Score, "labels", labelled(sk.f1_score, average=None, labels=CLASSES, zero_division=0)),
    Case(F1Score, "many", scores(sk.f1_score, "macro", above_half), {"average": "macro", "threshold": 0.5}),
    Case(AUC, "yes_no", flat(lambda y, p, w: sk.roc_auc_score(y, p, sample_weight=w))),
    Case(AUC, "many", lambda y, p, w: sk.roc_auc_score(y, p, sample_weight=w, average="micro")),
    Case(
        AUC,
        "many",
        lambda y, p, w: np.mean([sk.roc_auc_score(y[:, i], p[:, i], sample_weight=w) for i in range(4)]),
        {"multi_label": True},
    ),
    Case(Accuracy, "yes_no", lambda y, p, w: np.average((y == p)[:, 0], weights=w)),
    Case(
        FBetaScore,
        "many",
        scores(functools.partial(sk.fbeta_score, beta=2.0), "macro", above_half),
        {"average": "macro", "beta": 2.0, "threshold": 0.5},
    ),
    Case(TruePositives, "many", count(lambda y, p: y & p)),
    Case(FalsePositives, "many", count(lambda y, p: ~y & p)),
    Case(FalseNegatives, "many", count(lambda y, p: y & ~p)),
    Case(TrueNegatives, "yes_no", count(lambda y, p: ~y & ~p)),
    Case(BinaryCrossentropy, "many", mean_of(lambda y, z: np.logaddexp(0, z) - y * z), {"from_logits": True}),
    Case(
        CategoricalCrossentropy, "one_hot", mean_of(lambda y, z: -(y * log_of_softmax(z)).sum(1)), {"from_logits": True}
    ),
    Case(
        SparseCategoricalCrossentropy,
        "labels",
        mean_of(lambda y, z: -log_of_softmax(z)[np.arange(len(y)), y.astype(int)]),
        {"from_logits": True},
    ),
    Case(KLDivergence, "one_hot", mean_of(lambda y, p: -(y * np.log(np.maximum(p, np.finfo(float).tiny))).sum(1))),
    Case(Poisson, "many", mean_of(lambda y, p: p - y * np.log(np.maximum(p, SMALLEST)))),
    Case(Hinge, "many", mean_of(lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0))),
    Case(SquaredHinge, "many", mean_of(lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0) ** 2)),
    Case(CategoricalHinge, "one_hot", mean_of(lambda y, p: np.maximum(1 + ((1 - y) * p).max(1) - (y * p).sum(1), 0))),
    Case(
        CosineSimilarity,
        "numbers",
        mean_of(lambda y, p: (y * p).sum(1) / np.maximum(np.sqrt((y**2).sum(1) * (p**2).sum(1)), SMALLEST)),
    ),
    Case(LogCoshError, "numbers", mean_of(lambda y, p: np.logaddexp(p - y, y - p) - np.log(2))),
    Case(
        MeanAbsolutePercentageError,
        "numbers",
        lambda y, p, w: 100 * sk.mean_absolute_percentage_error(y, p, sample_weight=w),
    ),
    Case(MeanSquaredLogarithmicError, "many", lambda y, p, w: sk.mean_squared_log_error(y, p, sample_weight=w)),
    Case(RootMeanSquaredError, "yes_no", lambda y, p, w: sk.root_mean_squared_error(y, p, sample_weight=w)),
    Case(MeanSquaredError, "numbers", lambda y, p, w: sk.mean_squared_error(y, p, sample_weight=w)),
    Case(MeanAbsoluteError, "numbers", lambda y, p, w: sk.mean_absolute_error(y, p, sample_weight=w)),
    Case(R2Score, "numbers", lambda y, p, w: sk.r2_score(y, p, sample_weight=w)),
    Case(
        R2Score,
        "numbers",
        lambda y, p, w: sk.r2_score(y, p, sample_weight=w, multioutput="raw_values"),
        {"class_aggregation": None},
    ),
    Case(
        R2Score,
        "numbers",
        lambda y, p, w: sk.r2_score(y, p, sample_weight=w, multioutput="variance_weighted"),
        {"class_aggregation": "variance_weighted_average"},
    ),
    Case(
        FunctionMetric,
        "numbers",
        lambda y, p, w: sk.mean_absolute_error(y, p, sample_weight=w),
        {"function": lambda y, p: np.abs(y - p).mean(axis=1)},
    ),
]
SHOWN = (Mean, Sum)  # which are shown values, not targets and outputs
all_metrics = pytest.mark.parametrize("case", CASES, ids=str)


def draw(targets: str, seed: int, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return targets of a kind, outputs that are rounded so that there are ties, and weights."""
    rng = np.random.default_rng(seed)
    outputs = 1 if targets == "yes_no" else 4
    y_pred = np.round(rng.uniform(0, 1, (rows, outputs)), rng.integers(1, 4))
    if targets in ("labels", "one_hot"):
        y_pred += rng.permutation(4) * 1e-6  # scikit-learn breaks ties differently there
    labels = rng.integers(0, 4, rows)
    y_true = {
        "yes_no": lambda: rng.integers(0, 2, (rows, 1)),
        "many": lambda: rng.integers(0, 2, (rows, 4)),
        "labels": lambda: labels,
        "one_hot": lambda: np.eye(4, dtype=int)[labels],
        "numbers": lambda: rng.normal(size=(rows, 4)) * 3 + 5,
    }[targets]()
    if targets in ("yes_no", "many"):
        y_true[:2] = [[0], [1]]  # the curve needs both
    return y_true, y_pred, rng.uniform(0.1, 3, rows)


def result_of(metric: Metric, y_true, y_pred, weight=None, batches=1) -> Any:
    """Return the result after the samples were added in this number of batches."""
    parts = np.array_split(np.arange(len(y_pred)), batches)
    for rows in parts:
        if len(rows):
            metric.update(y_true[rows], y_pred[rows], *([] if weight is None else [weight[rows]]))
    return metric.result()


# the table


def test_every_public_metric_is_in_the_table():
    public = {value for name in metrics.__all__ if isinstance(value := getattr(metrics, name), type)}
    assert public - {Metric, *SHOWN} == {case.metric for case in CASES}


def test_a_name_finds_every_public_metric():
    assert set(names_of(Metric).values()) - {*SHOWN} == {case.metric for case in CASES}
    for name in ("mse", "mae", "auc", "r2_score", "f1_score", "top_k_categorical_accuracy", "binary_accuracy"):
        assert resolve_metrics([name], losses.MeanSquaredError(), 1)[0].get_name() == name


def test_metrics_and_losses_of_one_name_are_both_registered():
    assert registry["MeanSquaredError"] is losses.MeanSquaredError
    assert registry["MeanSquaredErrorMetric"] is metrics.MeanSquaredError
    assert type(resolve_metrics(["mean_squared_error"], None, 1)[0]) is metrics.MeanSquaredError


# every metric


@all_metrics
@given(seed=st.integers(0, 10**6), rows=st.integers(2, 30), batches=st.integers(1, 6), weighted=st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_result_is_that_of_scikit_learn_however_the_rows_are_split(case, seed, rows, batches, weighted):
    y_true, y_pred, weight = draw(case.targets, seed, rows)
    if not weighted:
        weight = np.ones(rows)
    expected = case.reference(y_true, y_pred, weight)
    result = result_of(case.make(), y_true, y_pred, weight if weighted else None, batches)
    np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-12)
    assert np.shape(result) == np.shape(expected)


@all_metrics
def test_a_row_of_weight_2_counts_as_two_rows(case):
    y_true, y_pred, _ = draw(case.targets, 1, 12)
    weight = np.arange(12) % 3
    twice = np.repeat(np.arange(12), weight)
    expected = result_of(case.make(), y_true[twice], y_pred[twice])
    np.testing.assert_allclose(result_of(case.make(), y_true, y_pred, weight), expected, rtol=1e-12)


@all_metrics
def test_reset_forgets_all_rows(case):
    y_true, y_pred, _ = draw(case.targets, 2, 10)
    metric = case.make()
    result_of(metric, y_true[:5], y_pred[:5])
    metric.reset()
    np.testing.assert_array_equal(
        result_of(metric, y_true[5:], y_pred[5:]), result_of(case.make(), y_true[5:], y_pred[5:])
    )


@all_metrics
def test_copies_start_empty_and_take_over_a_state(case):
    y_true, y_pred, _ = draw(case.targets, 3, 10)
    metric = case.make()
    result_of(metric, y_true[:5], y_pred[:5])
    assert copy.copy(metric).get_state() == {}
    continued = case.make()
    continued.set_state(metric.get_state())
    expected = result_of(case.make(), y_true, y_pred, batches=2)
    np.testing.assert_array_equal(result_of(continued, y_true[5:], y_pred[5:]), expected)


@all_metrics
def test_continuing_from_a_state_leaves_the_first_metric_alone(case):
    y_true, y_pred, _ = draw(case.targets, 3, 10)
    metric, continued = case.make(), case.make()
    before = result_of(metric, y_true[:5], y_pred[:5])
    continued.set_state(metric.get_state())
    result_of(continued, y_true[5:], y_pred[5:])
    np.testing.assert_array_equal(metric.result(), before)


@all_metrics
def test_the_state_of_an_empty_metric_empties_one_that_is_not(case):
    y_true, y_pred, _ = draw(case.targets, 3, 10)
    metric = case.make()
    result_of(metric, y_true[:5], y_pred[:5])
    metric.set_state(case.make().get_state())
    metric.update(y_true[5:], y_pred[5:])
    np.testing.assert_array_equal(metric.result(), result_of(case.make(), y_true[5:], y_pred[5:]))


@all_metrics
@pytest.mark.parametrize("name", ["name", "update", "result", "__class__"])
def test_a_state_that_names_an_argument_or_a_method_is_refused(case, name):
    metric = case.make()
    with pytest.raises(StateError, match="set_state: expected what get_state returns"):
        metric.set_state({name: 1.0})
    assert metric.get_state() == {}


@all_metrics
def test_a_metric_without_rows_has_a_result(case):
    result = case.make().result()
    assert np.isnan(result) if case.metric is AUC else np.all(result == 0)


@all_metrics
def test_inputs_are_neither_changed_nor_shared(case):
    y_true, y_pred, weight = draw(case.targets, 4, 8)
    arrays = [y_true, y_pred.astype(np.float32), weight]
    before = [array.copy() for array in arrays]
    metric = case.make()
    metric.update(*arrays)
    expected = metric.result()
    for array, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)
        array[...] = 0
    np.testing.assert_array_equal(metric.result(), expected)


@all_metrics
def test_the_repr_makes_the_metric_again(case):
    metric = case.metric(**case.arguments, name="mine")
    assert metric.get_name() == "mine"
    assert set(metric.get_config()) == set(constructor_arguments(case.metric))
    if case.metric is not FunctionMetric:
        assert eval(repr(metric), vars(metrics)).get_config() == metric.get_config()
        assert pickle.loads(pickle.dumps(metric)).get_config() == metric.get_config()


@pytest.mark.parametrize("case", [case for case in CASES if case.metric is not FunctionMetric], ids=str)
def test_targets_that_do_not_fit_the_outputs_are_refused(case):
    y_true, y_pred, _ = draw(case.targets, 5, 6)
    with pytest.raises(ShapeError, match=rf"{case.metric.__name__}: expected .* got"):
        case.make().update(np.concatenate([y_true, y_true]), y_pred)


@pytest.mark.parametrize("case", [case for case in CASES if case.metric is not FunctionMetric], ids=str)
def test_outputs_of_more_than_two_axes_are_refused(case):
    y_true, y_pred, _ = draw(case.targets, 5, 6)
    for y, p in ((y_true.reshape(2, 3, -1), y_pred.reshape(2, 3, -1)), (y_true, y_pred[:, :, None])):
        with pytest.raises(ShapeError, match=rf"^{case.metric.__name__}: y_pred: expected shape \(batch, outputs\)"):
            case.make().update(y, p)


@pytest.mark.parametrize("name", ["Accuracy", "TopKCategoricalAccuracy", "Crossentropy"])
def test_one_hot_targets_of_a_metric_of_labels_are_refused_with_the_fix(name):
    metric = getattr(metrics, f"Sparse{name if name[0] == 'T' else 'Categorical' + name}")()
    fix = f"For one-hot targets use {type(metric).__name__.removeprefix('Sparse')}"
    with pytest.raises(ShapeError, match=rf"expected labels of shape \(3,\), got \(3, 3\)\. {fix}\."):
        metric.update(np.eye(3), np.eye(3))


def test_targets_that_are_neither_labels_nor_shaped_as_the_outputs_are_refused():
    for metric, y_true in (
        (metrics.MeanSquaredError(), [0.0, 0.5]),
        (metrics.F1Score(), [0, 3]),
        (metrics.SparseTopKCategoricalAccuracy(), [0, -1]),
    ):
        with pytest.raises(DataError, match=rf"{type(metric).__name__}: expected labels in \[0, 3\) .*at row 1"):
            metric.update(np.array(y_true), np.zeros((2, 3)))


@pytest.mark.parametrize("case", [case for case in CASES if case.metric is not FunctionMetric], ids=str)
@pytest.mark.parametrize("bad", [None, "text", [], 0.5, [None, 1.0], [[]]], ids=repr)
def test_what_holds_no_numbers_is_refused(case, bad):
    y_true, y_pred, _ = draw(case.targets, 5, 6)
    for arrays in ((bad, y_pred), (y_true, bad)):
        with pytest.raises((DataError, ShapeError), match=rf"^{case.metric.__name__}: "):
            case.make().update(*arrays)


@pytest.mark.parametrize("case", [case for case in CASES if case.metric is not FunctionMetric], ids=str)
def test_lists_and_series_score_as_arrays_do(case):
    y_true, y_pred, weight = draw(case.targets, 5, 6)
    of_arrays, of_lists = case.make(), case.make()
    of_arrays.update(y_true, y_pred, weight)
    of_lists(y_true.tolist(), y_pred.astype(float).tolist(), weight.tolist())
    np.testing.assert_allclose(of_lists.result(), of_arrays.result(), rtol=1e-6)


@pytest.mark.parametrize("name", ["SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "CategoricalAccuracy"])
def test_outputs_without_a_class_axis_are_refused_as_labels_of_one_class(name):
    with pytest.raises((DataError, ShapeError), match=f"^{name}: "):
        getattr(metrics, name)().update([[0, 1], [1, 0]] if name[0] == "C" else [0, 1], [0.25, 0.75])


@pytest.mark.parametrize(
    ("weight", "words"), [([1, -1], "at least 0, got -1"), ([np.nan, 1], "finite numbers, got nan")]
)
@pytest.mark.parametrize("make", [metrics.AUC, metrics.BinaryAccuracy, metrics.Precision, metrics.R2Score])
def test_weights_that_are_not_finite_and_positive_are_refused(make, weight, words):
    with pytest.raises(DataError, match=f"sample_weight: expected .*{words}"):
        make().update([0, 1], [0.25, 0.75], weight)


@all_metrics
def test_a_wrong_number_of_weights_is_refused(case):
    y_true, y_pred, _ = draw(case.targets, 5, 6)
    with pytest.raises(ShapeError, match=r"sample_weight: expected shape \(6,\), one weight .*, got \(5,\)"):
        case.make().update(y_true, y_pred, np.ones(5))


# single ones


def test_a_value_equal_to_the_threshold_counts_as_0():
    half = np.array([[0.5], [0.5]])
    y_true = np.array([[0.0], [1.0]])
    assert result_of(BinaryAccuracy(), y_true, half) == 0.5
    assert result_of(Recall(), y_true, half) == 0
    assert result_of(F1Score(average="micro"), y_true, half) == 0
    assert result_of(BinaryAccuracy(threshold=0), y_true, half * 0) == 0.5


@pytest.mark.parametrize(
    "metric",
    [Precision(), Recall(0.3), F1Score(), AUC(), TruePositives(), BinaryAccuracy(), CategoricalAccuracy(),
     TopKCategoricalAccuracy(1)],
    ids=lambda metric: type(metric).__name__,
)  # fmt: skip
@pytest.mark.parametrize("wrong", [1.5, -0.5, -2.0, np.nan])
def test_numbers_are_no_targets_of_a_metric_of_classes(metric, wrong):
    y, name = np.array([[0.0, 1.0], [1.0, wrong]]), type(metric).__name__
    with pytest.raises(DataError, match=rf"expected targets in \[0, 1\] for {name}, got {wrong} at row 1, column 1"):
        metric.update(y, np.full((2, 2), 0.5))


@pytest.mark.parametrize("metric", [BinaryAccuracy(), TruePositives(), Recall(), AUC()], ids=lambda m: type(m).__name__)
def test_a_target_of_one_half_counts_as_0(metric):
    metric.reset()
    y_true, y_pred = np.array([[0.0], [0.5], [1.0]]), np.array([[0.1], [0.9], [0.7]])
    expected = type(metric)()
    assert metric(y_true, y_pred) == expected(np.array([[0.0], [0.0], [1.0]]), y_pred)


def test_an_average_may_be_weighted_by_the_samples_of_each_class():
    y_true, y_pred = np.array([0, 0, 0, 1, 2, 2]), np.eye(3)[[0, 1, 1, 1, 2, 0]]
    recalls, support = np.array([1 / 3, 1, 1 / 2]), np.array([3, 1, 2])
    assert result_of(Recall(average="weighted"), y_true, y_pred) == pytest.approx(recalls @ support / 6, rel=1e-15)
    assert result_of(Recall(average="macro"), y_true, y_pred) == pytest.approx(recalls.mean(), rel=1e-15)
    each = result_of(Recall([0.5, 1.0], average="weighted"), y_true, y_pred)
    np.testing.assert_allclose(each, [recalls @ support / 6, 0.0], rtol=1e-15)


@pytest.mark.parametrize("y", [[-1.0, 1.0, 1.0, -1.0], [0.0, 0.75, 1.0, 0.25], [False, True, True, False]])
def test_targets_of_minus_1_and_1_or_probabilities_are_those_of_a_metric_of_classes(y):
    y, scores = np.array(y)[:, None], np.array([[0.9], [0.9], [0.1], [0.1]])
    assert [Precision()(y, scores), BinaryAccuracy()(y, scores), AUC()(y, scores)] == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("metric", [SparseCategoricalAccuracy(), SparseCategoricalCrossentropy()], ids=repr)
def test_numbers_in_a_column_are_no_labels(metric):
    with pytest.raises(DataError, match=r"expected labels in \[0, 2\) for 2 outputs, got 0.5 at row 1"):
        metric.update(np.array([[0.0], [0.5]]), np.full((2, 2), 0.5))


@pytest.mark.parametrize("shape", [(3,), (3, 1), (1, 3)])
@pytest.mark.parametrize("kind", [np.array, np.ndarray.tolist], ids=["array", "list"])
@pytest.mark.parametrize("metric", [SparseCategoricalAccuracy(), SparseTopKCategoricalAccuracy(k=1)])
def test_labels_may_have_a_second_axis_of_length_1(metric, shape, kind):
    metric.reset()
    metric.update(kind(np.array([0, 1, 1]).reshape(shape)), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]))
    assert metric.result() == 2 / 3


def test_auc_counts_ties_as_halves_and_is_nan_for_a_single_class():
    assert result_of(AUC(), np.array([[0], [1]]), np.array([[0.3], [0.3]])) == 0.5
    assert result_of(AUC(), np.array([[0], [1], [1]]), np.array([[0.1], [0.1], [0.9]])) == 0.75
    assert np.isnan(result_of(AUC(), np.array([[1], [1]]), np.array([[0.1], [0.9]])))


def test_each_threshold_applies_to_the_largest_outputs():
    precision = Precision([0.3, 0.5, 0.8], top_k=1)
    value = precision(np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.35, 0.6]]))
    assert value.tolist() == [1.0, 1.0, 1.0]
    recall = Recall([0.3, 0.8], top_k=1)
    assert recall(np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.35, 0.6]])).tolist() == [1.0, 0.5]


def test_top_k_counts_outputs_that_are_strictly_larger():
    y_pred = np.array([[0.4, 0.4, 0.2]])
    assert [result_of(SparseTopKCategoricalAccuracy(k=1), np.array([label]), y_pred) for label in (0, 1, 2)] == [
        1,
        1,
        0,
    ]


def test_r2_loses_no_digits_far_from_zero():
    rng = np.random.default_rng(0)
    y_true = rng.normal(size=(1000, 1)) + 1e8
    y_pred = y_true + rng.normal(size=(1000, 1)) * 0.1
    expected = sk.r2_score(y_true, y_pred)
    assert result_of(R2Score(), y_true, y_pred, batches=50) == pytest.approx(expected, rel=1e-9)


def test_r2_of_equal_targets_is_1_if_they_are_met_and_else_0():
    y_true = np.ones((3, 1))
    assert result_of(R2Score(), y_true, y_true) == 1
    assert result_of(R2Score(), y_true, y_true + np.array([[0], [0], [1]])) == 0


def test_errors_of_float32_outputs_are_exact_over_many_rows():
    y_pred = np.full((200_000, 1), 0.1, np.float32)
    y_true = np.zeros_like(y_pred)
    assert result_of(MeanAbsoluteError(), y_true, y_pred, batches=7) == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_a_function_is_called_once_for_all_rows():
    y_true, y_pred, _ = draw("numbers", 0, 10)
    metric = FunctionMetric(root_of_mean_square)
    assert result_of(metric, y_true, y_pred, batches=3) == pytest.approx(root_of_mean_square(y_true, y_pred), rel=1e-12)
    assert metric.get_name() == "root_of_mean_square"


def test_a_weighted_function_must_return_a_value_for_each_row():
    metric = FunctionMetric(root_of_mean_square)
    with pytest.raises(ArgumentError, match="expected the function to return a number for each row"):
        metric.update(np.ones((3, 1)), np.zeros((3, 1)), np.ones(3))


def test_a_function_may_return_a_value_for_each_output():
    metric = FunctionMetric(lambda y_true, y_pred: np.abs(y_true - y_pred))
    assert metric(np.zeros((2, 2)), np.array([[1.0, 2.0], [3.0, 6.0]])) == 3.0
    assert FunctionMetric(metric.function)(np.zeros((2, 2)), np.array([[1.0, 2.0], [3.0, 6.0]]), [3.0, 1.0]) == 2.25


def test_a_function_that_returns_something_else_is_refused():
    metric = FunctionMetric(lambda y_true, y_pred: np.ones(7))
    with pytest.raises(ArgumentError, match=r"got shape \(7,\) for 3 rows"):
        metric.update(np.ones((3, 1)), np.zeros((3, 1)))


class LargestError(Metric):
    _largest = 0.0

    def update(self, y_true, y_pred, sample_weight=None):
        self._largest = max(self._largest, float(np.abs(y_pred - y_true).max()))

    def result(self):
        return self._largest


def test_a_custom_metric_is_two_short_methods():
    metric = LargestError()
    assert result_of(metric, np.zeros((4, 1)), np.array([[1.0], [-3.0], [2.0], [0.0]]), batches=2) == 3.0
    metric.reset()
    assert metric.result() == 0.0
    assert resolve_metrics([metric], None, 1)[0].get_name() == "largest_error"


class Total(Metric):
    """Keeps a sum in a public attribute, which the constructor sets."""

    def __init__(self, start=0.0, name=None):
        self.start, self.total = start, start
        self.name = name

    def update(self, y_true, y_pred, sample_weight=None):
        self.total += float(np.sum(y_pred))

    def result(self):
        return self.total


def test_reset_restores_what_the_constructor_of_a_custom_metric_sets():
    metric = Total(2.0, name="mine")
    assert metric([[0.0]], [[5.0]]) == 7.0
    metric.reset()
    assert (metric.result(), metric.start, metric.get_name()) == (2.0, 2.0, "mine")


# compile(metrics=...)


@pytest.mark.parametrize(
    ("loss", "outputs", "expected"),
    [
        (losses.BinaryCrossentropy(), 1, BinaryAccuracy(0.5)),
        (losses.BinaryCrossentropy(), 4, BinaryAccuracy(0.5)),
        (losses.BinaryCrossentropy(from_logits=True), 1, BinaryAccuracy(0.0)),
        (losses.CategoricalCrossentropy(), 4, CategoricalAccuracy()),
        (losses.CategoricalCrossentropy(from_logits=True), 4, CategoricalAccuracy()),
        (losses.SparseCategoricalCrossentropy(), 4, SparseCategoricalAccuracy()),
        (losses.Hinge(), 1, BinaryAccuracy(0.0)),
        (losses.MeanSquaredError(), 1, BinaryAccuracy(0.5)),
        (losses.MeanSquaredError(), 4, CategoricalAccuracy()),
        (losses.KLDivergence(), 4, CategoricalAccuracy()),
    ],
)
def test_accuracy_is_chosen_by_the_loss_and_the_outputs(loss, outputs, expected):
    for name in ("accuracy", "acc"):
        (metric,) = resolve_metrics([name], loss, outputs)
        assert metric.get_name() == name
        assert type(metric) is type(expected)
        assert getattr(metric, "threshold", None) == getattr(expected, "threshold", None)


@pytest.mark.parametrize("outputs", [None, 1, 4])
def test_accuracy_without_a_loss_is_binary(outputs):
    (metric,) = resolve_metrics(["accuracy"], None, outputs)
    assert (type(metric), metric.threshold) == (BinaryAccuracy, 0.5)


def test_accuracy_of_hinge_takes_minus_1_as_no():
    (metric,) = resolve_metrics(["accuracy"], losses.Hinge(), 1)
    assert result_of(metric, np.array([[-1.0], [1.0], [-1.0]]), np.array([[-0.2], [0.3], [0.4]])) == pytest.approx(
        2 / 3
    )


def test_only_metrics_given_by_name_take_the_threshold_of_logits():
    loss = losses.BinaryCrossentropy(from_logits=True)
    named = resolve_metrics(["precision", "recall", "f1_score", "binary_accuracy"], loss, 1)
    assert [getattr(m, "thresholds", getattr(m, "threshold", None)) for m in named] == [0, 0, 0, 0]
    assert resolve_metrics([Precision(0.3)], loss, 1)[0].thresholds == 0.3


def test_a_metric_takes_no_name_of_validation():
    def val_loss(y_true, y_pred):
        return 0.0

    for metric in (val_loss, metrics.AUC(name="val_auc")):
        with pytest.raises(ArgumentError, match="expected a string that does not begin with val_, got 'val_"):
            resolve_metrics([metric], None, 1)


@pytest.mark.parametrize("name", ["epoch", "loss", "learning_rate"])
def test_a_metric_takes_no_name_that_the_history_has(name):
    with pytest.raises(ArgumentError, match=f"expected different names, got '{name}' twice"):
        resolve_metrics([metrics.AUC(name=name)], None, 1)


def test_every_call_gives_new_metrics():
    metric = Precision()
    result_of(metric, np.array([[1.0]]), np.array([[0.9]]))
    (twin,) = resolve_metrics([metric], None, 1)
    assert twin is not metric
    assert twin.result() == 0
    assert metric.result() == 1


@pytest.mark.parametrize(
    ("specs", "match"),
    [
        ("accuracy", r"compile: metrics: expected a list .* got 'accuracy'. Write \['accuracy'\]"),
        (["acuracy"], "Did you mean 'accuracy'"),
        ([Precision], r"got the class Precision. Write Precision\(\)"),
        ([3], "expected the name of a metric or an instance, got 3"),
        (["mae", "mae"], "expected different names, got 'mae' twice"),
        ([Recall(name="loss")], "expected different names, got 'loss' twice"),
    ],
)
def test_what_is_no_list_of_metrics_is_refused(specs, match):
    with pytest.raises(ArgumentError, match=match):
        resolve_metrics(specs, losses.BinaryCrossentropy(), 1)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: BinaryAccuracy(threshold="half"), "BinaryAccuracy: threshold"),
        (lambda: TopKCategoricalAccuracy(k=0), "TopKCategoricalAccuracy: k: expected an integer of at least 1, got 0"),
        (lambda: SparseTopKCategoricalAccuracy(k=2.5), "SparseTopKCategoricalAccuracy: k"),
        (lambda: Precision(thresholds="0.5"), "Precision: thresholds"),
        (lambda: Recall(average="mean"), "Recall: average: expected one of 'micro', 'macro', 'weighted'"),
        (lambda: Recall(class_id=-1), "Recall: class_id"),
        (lambda: F1Score(average="all"), "F1Score: average"),
        (lambda: F1Score(threshold=True), "F1Score: threshold"),
        (lambda: R2Score(class_aggregation="mean"), "R2Score: class_aggregation"),
        (
            lambda: result_of(Precision(class_id=3), np.ones((2, 2)), np.ones((2, 2))),
            "class_id: expected one of 2 outputs, got 3",
        ),
        (
            lambda: result_of(Recall(class_id=2), np.ones((2, 2)), np.ones((2, 2))),
            "class_id: expected one of 2 outputs, got 2",
        ),
    ],
)
def test_bad_arguments_are_refused_by_name(make, match):
    with pytest.raises(ArgumentError, match=match):
        make()


def constant_of(value, rows=10):
    return np.full((rows, 1), value)


@pytest.mark.parametrize("size", [1.0, 1e-200, 1e200])
def test_r2_of_constant_targets_is_0_or_1_whatever_their_rounding_and_size(size):
    for prediction, score in ((0.2, 0.0), (0.1, 1.0)):
        metric = metrics.R2Score()
        for _ in range(2):
            metric.update(constant_of(0.1 * size), constant_of(prediction * size))
        assert metric.result() == score


@pytest.mark.parametrize("weight", [[1, 1, 0], [0.5, 0.5, 0], [1e-9, 3, 0]])
def test_r2_of_constant_targets_does_not_see_rows_of_weight_0(weight):
    for prediction, score in ((0.2, 0.0), (0.1, 1.0)):
        y_true, y_pred = np.array([[0.1], [0.1], [0.7]]), np.array([[prediction], [prediction], [5.0]])
        assert result_of(R2Score(), y_true, y_pred, np.array(weight, float)) == score


def test_r2_of_rows_of_weight_0_alone_is_that_of_no_rows():
    metric = R2Score()
    metric.update(constant_of(3.0), constant_of(2.0), np.zeros(10))
    assert metric.result() == 0.0
    assert metric.get_state() == {}


@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
def test_r2_of_constant_and_varying_outputs_together(aggregation):
    y_true, y_pred = np.array([[1.0, 5.0], [1.0, 9.0]]), np.array([[1.0, 6.0], [1.0, 9.0]])
    multioutput = {None: "raw_values", "variance_weighted_average": "variance_weighted"}.get(aggregation, aggregation)
    expected = sk.r2_score(y_true, y_pred, multioutput=multioutput)
    np.testing.assert_allclose(result_of(R2Score(aggregation), y_true, y_pred), expected, rtol=1e-14)
    constant, met = np.ones((3, 2)), np.ones((3, 2)) * [1, 2]
    expected = sk.r2_score(constant, met, multioutput=multioutput)
    np.testing.assert_allclose(result_of(R2Score(aggregation), constant, met), expected, rtol=1e-14)


@pytest.mark.parametrize("factor", [2.0**-40, 1e-3, 8.0, 1e6])
def test_r2_of_batches_of_different_sizes_is_that_of_all_rows(factor):
    y_true = np.random.default_rng(0).normal(size=(8, 2)) + 0.5
    y_pred = y_true + np.random.default_rng(1).normal(size=(8, 2)) / 4
    y_true[4:], y_pred[4:] = y_true[4:] * factor, y_pred[4:] * factor
    for aggregation, multioutput in ((None, "raw_values"), ("variance_weighted_average", "variance_weighted")):
        expected = sk.r2_score(y_true, y_pred, multioutput=multioutput)
        np.testing.assert_allclose(result_of(R2Score(aggregation), y_true, y_pred, batches=2), expected, rtol=1e-12)
        backwards = result_of(R2Score(aggregation), y_true[::-1], y_pred[::-1], batches=2)
        np.testing.assert_allclose(backwards, expected, rtol=1e-12)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1.0, 1e200])
@pytest.mark.parametrize("aggregation", ["uniform_average", "variance_weighted_average"])
def test_r2_does_not_depend_on_the_size_of_the_numbers(size, aggregation):
    metric = metrics.R2Score(aggregation)
    metric.update(np.array([[0.0, 0.0]]), np.array([[0.0, 0.0]]))
    metric.update(np.array([[1.0, 2.0], [2.0, 4.0]]) * size, np.array([[1.0, 2.0], [2.0, 2.0]]) * size)
    assert metric.result() == pytest.approx({"uniform_average": 0.75, "variance_weighted_average": 0.6}[aggregation])


@pytest.mark.parametrize("curve", ["ROC", "PR"])
@pytest.mark.parametrize("multi_label", [False, True])
def test_the_area_of_rows_of_weight_0_is_nan(curve, multi_label):
    metric = metrics.AUC(curve, multi_label=multi_label)
    assert np.isnan(metric(np.array([[0], [1]]), np.array([[0.1], [0.4]]), np.zeros(2)))


def test_rows_of_weight_0_change_no_area():
    y_true, y_pred = np.array([[1], [0], [1], [0], [1]]), np.array([[0.9], [0.8], [0.7], [0.6], [0.2]])
    for curve in ("ROC", "PR"):
        for zero in ([0], [1], [0, 1], [2], [4]):
            weight = np.ones(5)
            weight[zero] = 0
            expected = result_of(AUC(curve), np.delete(y_true, zero, 0), np.delete(y_pred, zero, 0))
            assert result_of(AUC(curve), y_true, y_pred, weight) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("weight", [1e-300, 1.0, 1e300])
def test_auc_does_not_depend_on_the_size_of_the_weights(weight):
    metric = metrics.AUC()
    metric.update(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.8]), np.array([1, 1, 2, 1]) * weight)
    assert metric.result() == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("metric", "outputs"),
    [
        (metrics.AUC(), 1),
        (metrics.BinaryAccuracy(), 1),
        (metrics.SparseCategoricalAccuracy(), 3),
        (metrics.CategoricalAccuracy(), 3),
        (metrics.SparseTopKCategoricalAccuracy(2), 3),
        (metrics.Precision(), 3),
        (metrics.Recall("largest"), 3),
        (metrics.F1Score("macro"), 3),
        (metrics.MeanSquaredError(), 1),
        (metrics.R2Score(), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_predictions_of_nan_have_no_score_and_are_reported(metric, outputs):
    labels, predictions = np.array([0, 1, 0, 1]), np.tile([0.2, 0.7, 0.1][:outputs], (4, 1))
    metric.update(labels, predictions)
    predictions[1] = np.nan
    with pytest.warns(UserWarning, match=f"metric '{metric.get_name()}': 1 of 4 predictions are NaN") as caught:
        metric.update(labels, predictions)
    assert [warning.filename for warning in caught] == [__file__]  # the line of the call, not one of minidl's
    assert np.isnan(metric.result())


@pytest.mark.parametrize("returned", [None, "good", [None, 1], [[1], [2, 3]], {}])
def test_a_function_that_returns_no_numbers_is_named_at_the_first_batch(returned):
    metric = metrics.FunctionMetric(lambda y_true, y_pred: returned, name="mine")
    with pytest.raises(ArgumentError, match="metric 'mine': expected the function to return numbers, got"):
        metric.update(np.ones((2, 1)), np.ones((2, 1)))


def test_a_function_that_forgets_return_is_told_so():
    with pytest.raises(ArgumentError, match=r"got None\. Write return in front"):
        metrics.FunctionMetric(lambda y_true, y_pred: None).update(np.ones((2, 1)), np.ones((2, 1)))


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError])
def test_a_function_that_raises_is_named_with_its_arguments(error):
    def score(y_true, y_pred):
        raise error("a mix of binary and continuous")

    given = r"y_true of shape \(2,\), int\d+, and y_pred of shape \(2, 1\), float64"
    with pytest.raises(ArgumentError, match=f"metric 'score': {error.__name__} for {given}: .*a mix of"):
        metrics.FunctionMetric(score).update(np.array([0, 1]), np.ones((2, 1)))


def test_a_function_is_tried_once():
    calls = []
    metric = metrics.FunctionMetric(lambda y_true, y_pred: calls.append(len(y_pred)) or 0.5)
    for _ in range(2):
        metric.reset()
        metric.update(np.ones((3, 1)), np.ones((3, 1)))
        metric.update(np.ones((3, 1)), np.ones((3, 1)))
    assert calls == [3]


LOGITS = losses.BinaryCrossentropy(from_logits=True)


@pytest.mark.parametrize("metric", [metrics.Precision(), metrics.Recall(), metrics.BinaryAccuracy(), metrics.F1Score()])
def test_a_threshold_that_is_not_given_is_0_on_logits(metric):
    (found,) = metrics.resolve_metrics([metric], LOGITS, 1)
    found.update(np.array([[0], [1], [1]]), np.array([[-0.25], [0.25], [0.75]]))
    assert found.result() == 1.0


def test_a_threshold_that_is_given_stays_on_logits():
    found = metrics.resolve_metrics([metrics.Precision(0.25), metrics.BinaryAccuracy(-1.0)], LOGITS, 1)
    assert [found[0].thresholds, found[1].threshold] == [0.25, -1.0]


def test_the_largest_output_is_the_largest_logit():
    (found,) = metrics.resolve_metrics([metrics.F1Score("macro")], LOGITS, 2)
    found.update(np.eye(2), np.array([[3.0, 2.0], [1.0, 2.0]]))
    assert found.result() == 1.0


@pytest.mark.parametrize("metric", ["precision", metrics.Recall(), metrics.BinaryAccuracy()])
def test_logits_of_classes_have_no_threshold(metric):
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    with pytest.raises(ArgumentError, match="expected a loss on probabilities, got sparse_categorical_crossentropy on"):
        metrics.resolve_metrics([metric], loss, 3)
    assert metrics.resolve_metrics([metrics.Precision("largest"), metrics.Recall(top_k=1), metrics.F1Score()], loss, 3)


def test_the_k_largest_logits_have_no_threshold():
    (found,) = metrics.resolve_metrics([metrics.Recall(top_k=1)], LOGITS, 2)
    found.update(np.eye(2), np.array([[-1.0, -2.0], [-3.0, -2.0]]))
    assert found.result() == 1.0


# Keras

KERAS = json.loads((Path(__file__).parent / "keras_values.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", KERAS["metrics"], ids=lambda case: f"{case['class']}-{case['arguments']}")
def test_the_result_is_that_of_keras(case, weighted):
    arguments = {name: value for name, value in case["arguments"].items() if value != "every score"}
    metric = getattr(metrics, case["class"])(**arguments)
    y_pred, y_true = (np.array(KERAS["data"][case[name]]) for name in ("y_pred", "y_true"))
    weight = np.array(KERAS["data"]["weights"])
    result = result_of(metric, y_true, y_pred, weight if weighted else None, batches=2)
    np.testing.assert_allclose(result, case["weighted" if weighted else "value"], rtol=1e-6)  # Keras' means are float32
    assert np.shape(result) == np.shape(case["value"])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (metrics.binary_accuracy, [0.5, 1.0]),
        (metrics.categorical_accuracy, [1.0, 1.0]),
        (metrics.mean_absolute_error, [0.35, 0.15]),
        (metrics.top_k_categorical_accuracy, [1.0, 1.0]),
    ],
    ids=str,
)
def test_functions_return_the_value_of_each_row(function, expected):
    y_true, y_pred = [[1, 0], [0, 1]], [[0.9, 0.6], [0.2, 0.9]]
    np.testing.assert_allclose(function(y_true, y_pred), expected, rtol=1e-12)


def test_functions_of_labels_and_with_arguments():
    assert metrics.sparse_categorical_accuracy([1, 1], [[0.2, 0.8], [0.6, 0.4]]).tolist() == [1.0, 0.0]
    assert metrics.sparse_top_k_categorical_accuracy([1, 1], [[0.2, 0.8], [0.6, 0.4]], k=2).tolist() == [1.0, 1.0]
    assert metrics.binary_accuracy([[0, 1]], [[0.3, 0.4]], threshold=0.2).tolist() == [0.5]


def test_a_function_of_the_package_is_a_metric_under_its_name():
    (metric,) = resolve_metrics([metrics.binary_accuracy], None, 1)
    assert metric.get_name() == "binary_accuracy"
    assert result_of(metric, np.array([[1.0], [0.0]]), np.array([[0.9], [0.8]])) == 0.5


def test_mean_and_sum_take_values_and_weights():
    mean, total = Mean(name="loss"), Sum()
    for metric in (mean, total):
        metric.update_state([1.0, 4.0], [1.0, 3.0])
        metric.update_state(2.0)
    assert (mean.result(), total.result(), mean.get_name()) == (3.0, 15.0, "loss")
    mean.reset_state()
    assert mean.result() == 0.0


def test_a_metric_is_called_as_in_keras():
    metric = RootMeanSquaredError()
    assert metric(np.array([[1.0], [2.0]]), np.array([[4.0], [6.0]])) == pytest.approx(np.sqrt(12.5))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AUC("pr"), "AUC: curve: expected one of 'ROC', 'PR', got 'pr'"),
        (lambda: AUC(200), "AUC: curve: expected one of 'ROC', 'PR', got 200"),
        (lambda: Precision(top_k=0), "Precision: top_k: expected an integer of at least 1, got 0"),
        (lambda: TruePositives(thresholds=["a"]), "TruePositives: thresholds: expected a finite number, got 'a'"),
        (lambda: FBetaScore(beta=0), "FBetaScore: beta: expected a finite number > 0, got 0"),
        (lambda: Recall(thresholds="highest"), "Recall: thresholds: expected one of 'largest', got 'highest'"),
    ],
)
def test_a_wrong_argument_of_a_metric_is_refused(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_the_pr_area_is_nan_without_both_kinds_of_targets():
    assert np.isnan(result_of(AUC("PR"), np.ones((3, 1)), np.array([[0.1], [0.2], [0.3]])))


def test_a_loss_as_a_metric_takes_logits_where_the_loss_does():
    y, z = np.array([[1.0], [0.0]]), np.array([[2.0], [-1.0]])
    for spec in ("binary_crossentropy", BinaryCrossentropy()):
        (metric,) = resolve_metrics([spec], losses.BinaryCrossentropy(from_logits=True), 1)
        assert result_of(metric, y, z) == pytest.approx(losses.BinaryCrossentropy(from_logits=True).forward(z, y))


def test_a_loss_as_a_metric_is_registered_under_a_name_that_means_no_loss():
    assert type("Huber", (LossMetric,), {"loss": losses.Huber}).registered_name == "HuberMetric"
    assert "registered_name" not in vars(type("Scaled", (LossMetric,), {"loss": losses.Huber}))


def test_a_subclass_of_a_loss_as_a_metric_may_take_other_arguments():
    class Scaled(metrics.BinaryCrossentropy):
        def __init__(self, factor, name=None):
            super().__init__(name, from_logits=True)
            self.factor = factor

        def values(self, y_true, y_pred):
            return self.factor * super().values(y_true, y_pred)

    metric = Scaled(3.0)
    metric.update(np.array([[1.0]]), np.array([[0.0]]))
    assert metric.result() == pytest.approx(3 * np.log(2))


BOUNDS = {  # argument: values that are taken, and that are refused
    "label_smoothing": ([0.0, 0.3, 1.0], [-1e-9, 1.0001, 1.5]),
    "k": ([1, 2], [0, -1]),
    "top_k": ([1, 2], [0, -1]),
    "class_id": ([0, 1], [-1]),
    "beta": ([1e-9, 0.5], [0.0, -1.0]),
}
BOUNDED = [
    (cls, name)
    for cls in {case.make().__class__ for case in CASES} | {metrics.FBetaScore, metrics.SparseCategoricalCrossentropy}
    for name in constructor_arguments(cls)
    if name in BOUNDS
]


@pytest.mark.parametrize(("cls", "name"), sorted(BOUNDED, key=str), ids=lambda value: getattr(value, "__name__", value))
def test_arguments_are_taken_up_to_their_bounds(cls, name):
    taken, refused = BOUNDS[name]
    for value in taken:
        assert getattr(cls(**{name: value}), name) == value
    for value in refused:
        with pytest.raises(ArgumentError, match=f"{name}: expected"):
            cls(**{name: value})


@pytest.mark.parametrize("from_logits", [True, False])
def test_a_metric_that_is_a_loss_takes_logits_where_the_loss_does(from_logits):
    loss = losses.BinaryCrossentropy(from_logits=from_logits)
    found = resolve_metrics(["binary_crossentropy", "mae"], loss, 1)
    assert found[0].from_logits is from_logits
    assert "from_logits" not in vars(found[1])


@pytest.mark.parametrize("name", ["SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy"])
@pytest.mark.parametrize(
    ("labels", "wrong"),
    [
        ([0, 7], "7 at row 1"),
        (np.array([0, 3]), "3 at row 1"),
        (np.array([-1, 2]), "-1 at row 0"),
        (np.array([0, 7], np.int8), "7 at row 1"),
        (np.array([0, 1.5]), "1.5 at row 1"),
        (np.array([[0], [4]]), "4 at row 1"),
    ],
)
def test_a_label_that_is_no_output_is_refused(name, labels, wrong):
    metric = getattr(metrics, name)()
    with pytest.raises(DataError, match=rf"^{name}: expected labels in \[0, 3\) for 3 outputs, got {wrong}\."):
        metric.update(labels, np.eye(3)[:2])
    assert metric.result() == 0.0  # nothing was counted


@pytest.mark.parametrize("dtype", [np.intp, np.int8, np.uint64, np.float64, ">i8"])
def test_labels_of_any_numeric_type_are_counted(dtype):
    labels = np.array([0, 2, 1, 2], dtype)[::2]
    metric = metrics.SparseCategoricalAccuracy()
    metric.update(labels, np.array([[0.5, 0.25, 0.25], [0.75, 0.25, 0.0]]))
    assert metric.result() == 0.5


def test_a_sparse_accuracy_of_no_rows_is_refused():
    with pytest.raises(DataError, match=r"SparseCategoricalAccuracy: y_pred: expected at least one row"):
        metrics.SparseCategoricalAccuracy().update(np.zeros(0, int), np.zeros((0, 3)))


def test_a_callable_object_as_a_metric_has_the_name_of_its_class():
    given = [losses.MeanSquaredError(), losses.Huber(), functools.partial(np.add)]
    found = metrics.resolve_metrics(given, None, 1)
    assert [metric.get_name() for metric in found] == ["mean_squared_error", "huber", "partial"]


def test_r2_of_targets_that_are_nan_is_nan_without_a_warning_of_numpy():
    metric = metrics.R2Score()
    with pytest.warns(UserWarning, match="NaN") as caught:
        metric.update(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    assert np.isnan(metric.result())
    assert [one.category for one in caught] == [UserWarning]
