"""Evaluation and prediction, on twins of the layers that share the parameters and keep no cache."""

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl import checks
from minidl.callbacks import CallbackList, ProgressBar
from minidl.callbacks.base import check_callbacks
from minidl.data import Stream, Table
from minidl.sequential.contract import WatchedLoss, infer
from minidl.training.scores import Scores, returned
from minidl.training.sources import make_source, steps_of
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential


def evaluate(
    model: "Sequential", x: Any, y: Any, batch_size: Any, weight: Any, verbose: Any, return_dict: bool, steps: Any,
    callbacks: Any,
) -> Any:  # fmt: skip
    """Return the exact loss and metrics: see `Sequential.evaluate`."""
    model._require_compiled("evaluate")
    model._require_built("evaluate")
    size = checks.integer(batch_size, "evaluate: batch_size", minimum=1)
    source = make_source(model, x, y, weight, None, steps, "evaluate: ")
    count = steps_of(source, None, size, steps, "evaluate: steps")
    hooks = CallbackList([*check_callbacks(callbacks), ProgressBar(verbose, 1, count)], model)
    hooks.on_test_begin({})
    rows = np.arange(min(len(source), steps * size)) if isinstance(source, Table) and steps else None
    logs = measure(model, source, rows, size, hooks).logs()
    hooks.on_test_end(logs)
    return returned(logs, return_dict)


def measure(
    model: "Sequential", source: Table | Stream, rows: Array | None, size: int, callbacks: CallbackList
) -> Scores:
    """Return the loss (penalties included) and the metrics over a data set, on twins of the layers."""
    plan, scores = model.plan, Scores(model)
    chain, loss = plan.for_inference()
    penalty = plan.penalty()
    begins, ends = callbacks.listeners["on_test_batch_begin"], callbacks.listeners["on_test_batch_end"]
    batches = source.batches(size, rows) if isinstance(source, Table) else source.batches()
    for index, (x, y, weight) in enumerate(batches):
        if begins:
            callbacks.on_test_batch_begin(index, {})
        with np.errstate(all="ignore"):
            z = infer(chain, model.output_shape, x, model.dtype)
            value = (loss if index else WatchedLoss(loss)).forward(z, y, weight) + penalty
            scores.add(value, len(x))
            if scores.any:
                scores.update(y, plan.finish(z), weight)
        if ends and callbacks.hears("on_test_batch_end"):
            callbacks.on_test_batch_end(index, scores.logs(value))
    return scores


def predict(model: "Sequential", chain: list[Any], x: Array, size: int, callbacks: Any, verbose: Any) -> Array:
    """Return the outputs with callbacks around the batches: see `Sequential.predict`."""
    hooks = CallbackList([*check_callbacks(callbacks), ProgressBar(verbose, 1, -(-len(x) // size))], model)
    y = np.empty((len(x), *model.output_shape), model.dtype)  # type: ignore[misc]
    hooks.on_predict_begin({})
    for index, start in enumerate(range(0, len(x), size)):
        part = slice(start, start + size)
        hooks.on_predict_batch_begin(index, {})
        y[part] = infer(chain, model.output_shape, x[part], model.dtype)
        hooks.on_predict_batch_end(index, {"outputs": y[part]})
    hooks.on_predict_end({})
    return y
