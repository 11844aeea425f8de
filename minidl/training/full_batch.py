"""Training with LBFGS, which needs all rows at once: an epoch is one iteration of its solver."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.callbacks import CallbackList
from minidl.errors import NonFiniteError
from minidl.signals import DeferredSignals
from minidl.training.evaluation import measure
from minidl.training.steps import blame
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential
    from minidl.training.run import Run


def train_full_batch(run: "Run", signals: DeferredSignals) -> None:
    """Let the solver train ``run``; one that goes on repeats the iterations before, which its history needs."""
    model = run.model
    plan, values = model.plan, model.parameters.values
    source: Any = run.source  # a Table: batch_size_of has seen to it
    x, y, weight = source.batch(slice(None) if run.rows is None else run.rows)
    done_before, replayed = run.epoch - run.first, 0
    run.start = _moment(model) if run.start is None else _return_to(model, run.start)

    def value_and_gradient(point: Array) -> tuple[float, Array]:
        values[...] = point
        with np.errstate(all="ignore"):
            loss, _ = plan.backpropagate(x, y, weight)
            if not math.isfinite(loss) and run.epoch == run.first:
                raise NonFiniteError(blame(model, x, loss, ("fit", run.epoch, 0)))
        return loss, plan.parameters.gradients

    def on_iteration(loss: float) -> bool:
        nonlocal replayed
        replayed += 1
        if replayed < done_before:
            return False
        if replayed > done_before:
            run.scores = measure(model, run.source, run.rows, run.batch_size, CallbackList(None, model))
            run.end_epoch()
            signals.deliver()
        return begin_epoch()

    def begin_epoch() -> bool:
        """Tell the callbacks that the next epoch begins, or return True if there is none."""
        if run.epoch >= run.epochs or model.stop_training:
            return True
        run.callbacks.on_epoch_begin(run.epoch, {})
        return False

    if run.first < run.epochs and (done_before or not begin_epoch()):
        model.optimizer.minimize(  # type: ignore[attr-defined]  # an LBFGS
            value_and_gradient, values, on_iteration, run.epochs - run.first
        )


def _moment(model: "Sequential") -> dict[str, Any]:
    """Return all that the steps to come depend on, for `_return_to`."""
    return {
        "weights": model.get_weights(),
        "rng": model.rng.bit_generator.state,
        "iterations": model.optimizer.iterations,
    }


def _return_to(model: "Sequential", start: dict[str, Any]) -> dict[str, Any]:
    model.set_weights(start["weights"])
    model.rng.bit_generator.state = start["rng"]
    model.optimizer.iterations = start["iterations"]
    return start
