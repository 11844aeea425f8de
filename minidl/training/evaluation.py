"""Evaluation: the exact loss and metrics over a data set, with callbacks for each batch."""

from typing import Any

import numpy as np

from minidl.callbacks import BatchLogs, CallbackList
from minidl.contract import CheckedLoss
from minidl.data import Table
from minidl.training.inputs import Source
from minidl.training.objective import Objective
from minidl.training.trainer import Scores


def evaluate(
    objective: Objective, scores: Scores, source: Source, callbacks: CallbackList, prefix: str = ""
) -> dict[str, Any]:
    """Return the loss (with penalties) and the metrics over a data set by name, starting from fresh ``scores``."""
    callbacks.on_test_begin({})
    logs = measure(objective, scores, source, callbacks).logs(prefix=prefix)
    callbacks.on_test_end(logs)
    return logs


def measure(objective: Objective, scores: Scores, source: Source, callbacks: CallbackList) -> Scores:
    """Return ``scores`` with all batches added, computed on twins of the layers."""
    twin = objective.inference_twin()
    penalty, network, loss = twin.network.penalty(), twin.network, twin.loss
    first: Any = CheckedLoss(loss)
    data = source.data
    batches = data.batches(source.batch_size, source.rows) if isinstance(data, Table) else data.batches()
    for index, (x, y, weight) in enumerate(batches):
        callbacks.on_test_batch_begin(index, {})
        with np.errstate(all="ignore"):
            z = network.infer(x)
            value = (loss if index else first).forward(z, y, weight) + penalty
            if network.with_own_loss:
                value += network.own_losses()
            scores.add(value, len(x))
            if scores.metrics:
                scores.update(y, twin.outputs(z), weight)
        callbacks.on_test_batch_end(index, BatchLogs(scores.logs, value))
    return scores
