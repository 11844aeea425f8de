"""Metrics from the names, instances and functions in ``compile(metrics=...)``."""

import copy
from typing import Any

from minidl.config import resolve
from minidl.errors import ArgumentError
from minidl.metrics.accuracy import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from minidl.metrics.base import Metric
from minidl.metrics.samples import FunctionMetric

WHO = "compile: metrics"


def resolve_metrics(specs: Any, loss: Any, outputs: int | None) -> list[Metric]:
    """Return new metrics for a list of names, metrics and functions ``f(y_true, y_pred)``; an empty list for None.

    ``outputs`` is the number of the model's outputs, if it is known. Anything else in the list, or a name that
    appears twice, raises an `ArgumentError`.
    """
    if specs is None:
        return []
    if not isinstance(specs, (list, tuple)):
        fix = f"Write {list(specs.values()) if isinstance(specs, dict) else [specs]}."
        raise ArgumentError(f"{WHO}: expected a list of names, metrics or functions, got {specs!r}. {fix}")
    metrics: list[Metric] = []
    names = {"epoch", "loss", "learning_rate"}
    for spec in specs:
        metric = _resolve(spec, loss, outputs)
        name: Any = metric.get_name()
        if not isinstance(name, str) or name.startswith("val_"):  # the prefix of validation values in the history
            raise ArgumentError(f"{WHO}: name: expected a string that does not begin with val_, got {name!r}.")
        if name in names:
            raise ArgumentError(f"{WHO}: expected different names, got {name!r} twice. Give it a name=.")
        names.add(name)
        metrics.append(metric)
    return metrics


def _resolve(spec: Any, loss: Any, outputs: int | None) -> Metric:
    if callable(spec) and not isinstance(spec, (type, Metric)):
        return FunctionMetric(spec)
    if isinstance(spec, str) and spec.lower() in ("accuracy", "acc"):
        metric = accuracy(loss, outputs)
    else:
        metric = copy.copy(resolve(spec, Metric, WHO))  # as after reset
        if loss is not None:
            set_threshold(metric, loss, outputs, named=isinstance(spec, str))
    if isinstance(spec, str):
        metric.name = spec  # as in Keras: ["mae"] is logged as "mae"
    return metric


def set_threshold(metric: Metric, loss: Any, outputs: int | None, *, named: bool) -> None:
    """Set a threshold that is missing or 0.5 to that of the loss, which is 0 for logits.

    A metric that is a loss takes logits if the loss does.

    Raises an `ArgumentError` if no threshold applies: for logits of mutually exclusive classes.
    """
    if loss.from_logits and "from_logits" in vars(metric):
        vars(metric)["from_logits"] = True
    for name in {"threshold", "thresholds"} & vars(metric).keys() if getattr(metric, "top_k", None) is None else ():
        given = getattr(metric, name)
        largest = name == "threshold" and given is None and outputs != 1 and not (named and loss.binary)
        if isinstance(given, str) or given not in (None, 0.5) or largest or (loss.threshold == 0.5 and not loss.binary):
            continue
        if not loss.binary:
            fix = "Pass thresholds='largest', or end the model in Softmax."
            got = f"{loss.get_name()} on logits"
            raise ArgumentError(f"{WHO}: {metric.get_name()}: expected a loss on probabilities, got {got}. {fix}")
        setattr(metric, name, loss.threshold)


def accuracy(loss: Any, outputs: int | None) -> Metric:
    """Return the metric that ``"accuracy"`` selects.

    For a sparse loss it is SparseCategoricalAccuracy. For a binary loss (BinaryCrossentropy, Hinge), also with several
    outputs (multi-label), it is BinaryAccuracy with the threshold 0.5, or 0 for logits and Hinge. For other losses it
    is BinaryAccuracy with one output, and CategoricalAccuracy with several.
    """
    if loss is None or loss.binary or (outputs == 1 and loss.link is None):
        return BinaryAccuracy(0.5 if loss is None else loss.threshold)
    return SparseCategoricalAccuracy() if loss.sparse else CategoricalAccuracy()
