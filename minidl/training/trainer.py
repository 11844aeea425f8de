"""Trainer: an optimizer, a loss and metrics, as set by `compile`, and the training step.

It works on a network and knows nothing about the model around it.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.callbacks import History
from minidl.contract import update_of
from minidl.data import Batch
from minidl.errors import ArgumentError, NonFiniteError, StateError
from minidl.losses import Loss
from minidl.metrics import Metric, resolve_metrics
from minidl.network import Network
from minidl.numeric import SERIAL, dot_for
from minidl.optimizers import Optimizer
from minidl.solvers import Solver
from minidl.training.inputs import Inputs
from minidl.training.non_finite import Where, non_finite, overflow
from minidl.training.objective import Objective
from minidl.typing import Array

# Limit on the learning rate, and its cube on the sum of squared gradients: beyond it, the update, or the squares that
# an optimizer accumulates over thousands of steps, could overflow float32.
LARGE, LARGE_SQUARE = 1e10, 1e30


class Scores:
    """The running loss, the unweighted metrics (``plain``) and the weighted ones (``weighted``)."""

    def __init__(self, plain: list[Metric], weighted: list[Metric]) -> None:
        self.plain, self.weighted = list(map(update_of, plain)), list(map(update_of, weighted))
        self.metrics: dict[str, Metric] = {}  # in the order of the logs
        for metric in (*plain, *weighted):  # as in Keras, a name in both lists refers to the unweighted metric
            name = metric.get_name()
            self.metrics[f"weighted_{name}" if name in self.metrics else name] = metric
        self.reset()

    def reset(self) -> None:
        """Reset the loss and metrics for a new epoch or data set."""
        self.loss, self.rows = 0.0, 0
        for metric in self.metrics.values():
            metric.reset()

    def add(self, loss: float, rows: int) -> None:
        """Add the mean loss of ``rows`` samples."""
        self.loss += loss * rows
        self.rows += rows

    def update(self, y: Array, y_pred: Array, weight: Array | None) -> None:
        """Update the metrics with a batch."""
        for update in self.plain:
            update(y, y_pred)
        for update in self.weighted:
            update(y, y_pred, weight)

    def logs(self, loss: float | None = None, prefix: str = "") -> dict[str, Any]:
        """Return the loss (the mean over the samples unless given) and the metrics, by name."""
        logs = {f"{prefix}loss": self.loss / max(self.rows, 1) if loss is None else loss}
        for name, metric in self.metrics.items():
            logs[f"{prefix}{name}"] = value = metric.result()
            if type(value) is not float and np.asarray(value).dtype.kind not in "fiub":
                raise ArgumentError(f"metric {name!r}: expected result to return numbers, got {value!r}.")
        return logs


class Trainer:
    """An optimizer, a loss and metrics, connected to the network that they train.

    Parameters
    ----------
    optimizer : Optimizer or Solver
    loss : Loss or None
        None if only an optimizer has been set so far.
    metrics, weighted_metrics : list or None
        As given to `compile`.
    certify : callable, optional
        ``certify(model, x, y)`` is called with the first batch and raises an error for a wrong gradient.

    Attributes
    ----------
    network : Network
        Set by `connect`, as are ``objective`` and ``inputs``.
    group : Group or None
        The processes of a distributed training; set by `minidl.distributed`.
    run : Run or None
        The `fit` in progress.
    history : History or None
        The history of the last `fit`.
    stop_training : bool
        Set by callbacks: training ends after the epoch, or after the batch.
    """

    network: Network
    objective: Objective
    inputs: Inputs
    scores: Scores
    group: Any = None

    def __init__(
        self,
        optimizer: Optimizer | Solver,
        loss: Loss | None,
        metrics: Any,
        weighted_metrics: Any,
        certify: Callable[[Any, Array, Array], object] | None = None,
    ) -> None:
        self.optimizer: Any = optimizer
        self.loss = loss
        self.metrics, self.weighted_metrics = metrics, weighted_metrics
        self.certify = certify
        self.run: Any = None
        self.history: History | None = None
        self.stop_training = False

    def connect(self, network: Network) -> None:
        """Train ``network`` from now on; an `ArgumentError` if the loss does not fit its last layer."""
        if vars(self).get("network") is network:
            return
        assert self.loss is not None
        self.objective = Objective(network, self.loss)
        self.network, self.inputs = network, Inputs(network, self.loss)
        self.scores = self.new_scores()
        self.dot = dot_for(network.dtype)
        self.gradients = np.split(network.parameters.gradients, range(SERIAL, network.parameters.values.size, SERIAL))
        self.optimizer.segments = dict(network.parameters.slices)
        self.checked: Objective | None = self.objective.checked()  # only used in the first step

    def check_idle(self, call: str) -> None:
        """Raise a `StateError`, opened by ``call``, during a `fit` and, except for `fit`, a distributed training."""
        running = self.run is not None and self.run.is_under_way()
        if running or (self.group is not None and call != "fit"):
            fix = "Wait until fit, or the `with distributed(...)`, has ended, or use a copy: model.copy()."
            raise StateError(f"{call}: this model is being trained already. {fix}")

    def new_scores(self) -> Scores:
        """Return fresh metrics and a fresh running loss."""
        outputs = self.network.output_shape[-1]
        return Scores(*(resolve_metrics(given, self.loss, outputs) for given in (self.metrics, self.weighted_metrics)))

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies, without anything that belongs to a network or a `fit` in progress."""
        kept = ("optimizer", "loss", "metrics", "weighted_metrics", "certify", "history", "stop_training")
        return {name: getattr(self, name) for name in kept} | {"run": None, "group": None}

    # Training

    @np.errstate(all="ignore")
    def train_on_batch(self, batch: Batch, *, return_dict: bool) -> Any:
        """Take one step; return the loss and the metrics of this batch: see `Sequential.train_on_batch`."""
        if self.optimizer.full_batch:
            name = type(self.optimizer).__name__
            raise StateError(f"train_on_batch: {name} needs all samples at once. Call fit, or use another optimizer.")
        loss, z = self.step(batch)
        if not self.scores.metrics:
            return in_keras_form({"loss": loss}, return_dict)
        scores = self.scores if self.run is None else self.new_scores()  # a fit in progress uses them
        scores.reset()
        scores.update(batch[1], self.objective.outputs(z), batch[2])
        return in_keras_form(scores.logs(loss), return_dict)

    def step(self, batch: Batch, where: Where = ("train_on_batch", 0, 0)) -> tuple[float, Array]:
        """Take one training step on a checked batch; return its loss and the logits or outputs.

        Floating-point warnings must be off: the step checks for non-finite values instead.

        Raises
        ------
        NonFiniteError, LayerError, CertificationError
            Before any parameter, state or optimizer value has changed.
        """
        network, optimizer, gradients = self.objective.network, self.optimizer, self.network.parameters.gradients
        passes, iterations = network.randomness.passes, optimizer.iterations
        states = list(map(np.ndarray.copy, network.states))
        try:
            if self.certify is not None:
                self.certify(self.network.root(), *batch[:2])
                self.certify = None
            loss, z = (self.checked or self.objective).loss_and_gradients(*batch)
            self.checked = None
            # sum of squares, in blocks for one BLAS thread: not finite if a gradient is not, or exceeds 1e19
            square = sum(map(self.dot, self.gradients, self.gradients))
            if not math.isfinite(loss + square) and not (math.isfinite(loss) and np.isfinite(gradients).all()):
                raise NonFiniteError(non_finite(self.objective, optimizer, batch[0], loss, where))
            rate, decay = optimizer.learning_rate, optimizer.weight_decay
            if square >= LARGE_SQUARE or rate >= LARGE or (decay and rate * decay > 2.0):
                self._update_or_undo(network, where)
            elif network.frozen_parts() or network.constraints:
                self._update(network)
            else:
                optimizer.step(network.parameters.values, gradients)
            return loss, z
        except BaseException:
            if optimizer.iterations == iterations:  # otherwise the step has completed
                network.randomness.passes = passes
                for state, old in zip(network.states, states, strict=True):
                    state[...] = old
            raise

    def _update_or_undo(self, network: Network, where: Where) -> None:
        """Take an optimizer step that may overflow, and undo it if it does."""
        optimizer, values = self.optimizer, network.parameters.values
        before, state = values.copy(), optimizer.get_state()
        self._update(network)
        if not all(np.isfinite(array).all() for array in (values, *optimizer.state.values())):
            values[...] = before
            optimizer.set_state(state)
            raise NonFiniteError(overflow(optimizer, values, where))

    def _update(self, network: Network) -> None:
        """Take an optimizer step, then restore frozen values and apply the constraints."""
        optimizer, values, iterations = self.optimizer, network.parameters.values, self.optimizer.iterations
        frozen = [(part, values[part].copy()) for part in network.frozen_parts()]
        limited: list[tuple[slice, Array]] = []

        def limit() -> None:  # may be repeated after an interruption, with the same result
            if not limited:
                limited.extend([*((part, rule(view).ravel()) for part, rule, view in network.constraints), *frozen])
            for part, value in limited:
                values[part] = value

        try:
            optimizer.step(values, network.parameters.gradients)
            limit()
        except BaseException:
            if optimizer.iterations > iterations:
                limit()
            raise


def in_keras_form(logs: dict[str, Any], as_dict: bool) -> Any:
    """Return the logs as Keras does: the loss if there are no metrics, otherwise a list or a dict."""
    return logs if as_dict else logs["loss"] if len(logs) == 1 else list(logs.values())
