"""From what the user wrote in ``compile(metrics=...)`` to metrics."""

import copy
from typing import TYPE_CHECKING, Any

from minidl.config import resolve
from minidl.errors import ArgumentError
from minidl.metrics.accuracy import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from minidl.metrics.base import FunctionMetric, Metric

if TYPE_CHECKING:
    from minidl.losses import Loss

WHO = "compile: metrics"


def resolve_metrics(specs: Any, loss: "Loss | None", outputs: int | None) -> list[Metric]:
    """Return new metrics for a list of names, metrics and functions ``f(y_true, y_pred)``; none for None.

    ``outputs`` are the columns of the model's output, if they are known. What fits no metric, and a name that comes
    twice, is an `ArgumentError`.
    """
    if specs is None:
        return []
    if not isinstance(specs, (list, tuple)):
        raise ArgumentError(f"{WHO}: expected a list of names, metrics or functions, got {specs!r}. Write [{specs!r}].")
    metrics: list[Metric] = []
    for spec in specs:
        metric = _resolve(spec, loss, outputs)
        name = metric.get_name()
        if not isinstance(name, str):
            raise ArgumentError(f"{WHO}: name: expected a string, got {name!r}.")
        if name in ["loss", "learning_rate", *(other.get_name() for other in metrics)]:
            raise ArgumentError(f"{WHO}: expected different names, got {name!r} twice. Give it a name=.")
        metrics.append(metric)
    return metrics


def _resolve(spec: Any, loss: "Loss | None", outputs: int | None) -> Metric:
    if isinstance(spec, Metric):
        return copy.copy(spec)  # without what it has gathered elsewhere
    if callable(spec) and not isinstance(spec, type):
        return FunctionMetric(spec)
    if isinstance(spec, str) and spec.lower() in ("accuracy", "acc"):
        metric = accuracy(loss, outputs)
    else:
        metric = resolve(spec, Metric, WHO, also=["accuracy"])
        for name in ("threshold", "thresholds"):
            if loss is not None and loss.binary and hasattr(metric, name):
                setattr(metric, name, loss.threshold)
    metric.name = spec  # as in Keras: ["mae"] is logged as "mae"
    return metric


def accuracy(loss: "Loss | None", outputs: int | None) -> Metric:
    """Return what ``"accuracy"`` stands for.

    For a sparse loss, the share of rows whose largest output is at the label; for a binary one (BinaryCrossentropy,
    Hinge), also with several outputs (multi-label), the share of outputs on the right side of 0.5, or of 0 for logits
    and Hinge; for other losses the same with one output, and with several the share of rows whose largest output is
    at the 1 of the target.
    """
    if loss is None or loss.binary or (outputs == 1 and loss.link is None):
        return BinaryAccuracy(0.5 if loss is None else loss.threshold)
    if loss.sparse:
        return SparseCategoricalAccuracy()
    return CategoricalAccuracy()
