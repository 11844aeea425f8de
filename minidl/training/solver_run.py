"""SolverRun: a `fit` with a solver, which needs all samples at once; an epoch is one iteration."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.attribute_names import is_builtin
from minidl.callbacks import CallbackList, History, LambdaCallback
from minidl.callbacks.base import overrides
from minidl.data import Table
from minidl.errors import NonFiniteError, StateError, warn
from minidl.signals import DeferredSignals
from minidl.training.evaluation import measure
from minidl.training.non_finite import non_finite
from minidl.training.run import Run
from minidl.typing import Array

OF_BATCHES = ("on_train_batch_begin", "on_train_batch_end")


class SolverRun(Run):
    """A run in which a solver trains; when resumed, it repeats earlier iterations to rebuild the solver's history."""

    complete: dict[str, Any] | None = None  # the state of the last complete iteration, for `_return_to`

    def train(self, resume: Callable[[], None] | None = None) -> History:
        """Train as in `Run.train`, after checking that a solver supports the model.

        Raises
        ------
        StateError
            For layers that draw random numbers, because a solver needs a deterministic loss, and for constraints.
        """
        who = f"fit: {type(self.trainer.optimizer).__name__}"
        if self.trainer.network.constraints:
            raise StateError(f"{who} has no constraints. Use another optimizer, or leave them out.")
        for _, layer in self.trainer.network.parts:
            if getattr(layer, "stochastic", False):
                fix = f"Leave out {layer.label}, or use another optimizer."
                raise StateError(f"{who}: expected the same loss at the same point, got random numbers. {fix}")
        for callback in self.callbacks:
            own = not is_builtin(type(callback)) or isinstance(callback, LambdaCallback)
            if own and any(overrides(callback, hook) for hook in OF_BATCHES):
                unused = f"{type(callback).__name__} has hooks for training batches, which are not called"
                warn(f"{who}: trains on all samples at once: {unused}.")
        return super().train(resume)

    def _train_epochs(self, signals: DeferredSignals) -> None:
        try:
            self._minimize(signals)
        except BaseException:
            if self.complete is not None:
                self._return_to(self.complete)
            raise

    def _minimize(self, signals: DeferredSignals) -> None:
        trainer, source, solver = self.trainer, self.source.data, self.trainer.optimizer
        assert isinstance(source, Table)
        batch = source.batch(slice(None) if self.source.rows is None else self.source.rows)
        done_before, repeated, parameters = self.epoch - self.first, 0, trainer.network.parameters
        values, gradients = parameters.values, parameters.gradients
        if self.start is None:
            self.start = self._moment()
        else:
            self._return_to(self.start)
        self.complete = self._moment()

        def value_and_gradient(point: Array) -> tuple[float, Array]:
            values[...] = point
            with np.errstate(all="ignore"):
                loss, _ = trainer.objective.loss_and_gradients(*batch)
                if not math.isfinite(loss) and self.epoch == self.first:
                    raise NonFiniteError(non_finite(trainer.objective, solver, batch[0], loss, ("fit", self.epoch, 0)))
            return loss, gradients

        def on_iteration(loss: float) -> bool:
            nonlocal repeated
            repeated, self.complete = repeated + 1, self._moment()
            if repeated < done_before:
                return False
            if repeated > done_before:
                self._end_iteration(signals)
            return begin_epoch()

        def begin_epoch() -> bool:
            """Call the callbacks for the next epoch; return True if training ends instead."""
            if self.epoch >= self.last or trainer.stop_training:
                return True
            self.callbacks.on_epoch_begin(self.epoch, {})
            return bool(trainer.stop_training)

        if done_before or not begin_epoch():
            self.ended = solver.minimize(value_and_gradient, values, on_iteration, self.last - self.first)

    def _end_iteration(self, signals: DeferredSignals) -> None:
        self.scores = measure(self.trainer.objective, self.trainer.new_scores(), self.source, CallbackList(None, None))
        self.end_epoch()
        signals.deliver()

    def _moment(self) -> dict[str, Any]:
        """Return the state on which further steps depend, for `_return_to`."""
        network = self.trainer.network
        return {
            "values": network.parameters.values.copy(),
            "states": [state.copy() for state in network.states],
            "passes": network.randomness.passes,
            "iterations": self.trainer.optimizer.iterations,
        }

    def _return_to(self, start: dict[str, Any]) -> None:
        network = self.trainer.network
        network.parameters.values[...] = start["values"]
        for state, before in zip(network.states, start["states"], strict=True):
            state[...] = before
        network.randomness.passes = start["passes"]
        self.trainer.optimizer.iterations = start["iterations"]
