"""Trainer: what `compile` makes, an optimizer with a loss and metrics, and the training step.

It works on a network and knows nothing of the model around it.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.callbacks import BatchLogs, CallbackList, History
from minidl.data import Batch, Table
from minidl.errors import NonFiniteError, StateError
from minidl.losses import Loss
from minidl.metrics import resolve_metrics
from minidl.network import Network
from minidl.optimizers import Optimizer
from minidl.solvers import Solver
from minidl.training.first_step import CheckedLoss, checked
from minidl.training.inputs import Inputs, Source
from minidl.training.objective import Objective
from minidl.training.scores import Scores, as_returned
from minidl.typing import Array

LARGE = 1e25  # an update of this size could overflow float32

Where = tuple[str, int, int]  # call, epoch and batch, for messages


class Trainer:
    """An optimizer, a loss and metrics, connected to the network that they train.

    Parameters
    ----------
    optimizer : Optimizer or Solver
    loss : Loss or None
        None where only an optimizer has been chosen so far.
    metrics, weighted_metrics : list or None
        As given to `compile`.
    certify : callable, optional
        ``certify(model, x, y)`` is called with the first batch and raises for a wrong gradient.

    Attributes
    ----------
    network : Network
        Set by `connect`, as are ``objective`` and ``inputs``.
    run : Run or None
        The `fit` under way.
    history : History or None
        Of the last `fit`.
    stop_training : bool
        Set by callbacks: training ends after the epoch, or after the batch.
    """

    network: Network
    objective: Objective
    inputs: Inputs
    scores: Scores

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
        self.optimizer.segments = list(network.parameters.slices.values())
        self.first = True  # the first step is checked

    def new_scores(self) -> Scores:
        """Return fresh metrics and a fresh running loss."""
        outputs = self.network.output_shape[-1]
        plain, weighted = (resolve_metrics(m, self.loss, outputs) for m in (self.metrics, self.weighted_metrics))
        return Scores(plain, weighted)

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies hold: all but what belongs to a network or to a `fit` under way."""
        kept = ("optimizer", "loss", "metrics", "weighted_metrics", "certify", "history", "stop_training")
        return {name: getattr(self, name) for name in kept} | {"run": None}

    # Training

    def train_on_batch(self, batch: Batch, *, return_dict: bool) -> Any:
        """Take one step; return the loss and the metrics of this batch: see `Sequential.train_on_batch`."""
        if self.optimizer.full_batch:
            raise StateError(
                f"train_on_batch: {type(self.optimizer).__name__} needs all samples at once. "
                "Call fit, or use another optimizer."
            )
        loss, z = self.step(batch)
        logs = {"loss": loss}
        if self.scores.metrics:
            self.scores.reset()
            self.scores.update(batch[1], self.objective.outputs(z), batch[2])
            logs = self.scores.logs(loss)
        return as_returned(logs, return_dict)

    def step(self, batch: Batch, where: Where = ("train_on_batch", 0, 0)) -> tuple[float, Array]:
        """Take one training step on a checked batch; return its loss and the logits or outputs.

        Raises
        ------
        NonFiniteError, LayerError, CertificationError
            Before anything has changed.
        """
        network, randomness = self.network, self.network.randomness
        states, passes = [state.copy() for state in network.states], randomness.passes
        if self.certify is not None:
            self.certify(network.root(), *batch[:2])
            self.certify = None
        try:
            return self._attempt(batch, where)
        except BaseException:
            randomness.passes = passes
            for state, before in zip(network.states, states, strict=True):
                state[...] = before
            raise

    @np.errstate(all="ignore")  # instead, what is not finite is looked for
    def _attempt(self, batch: Batch, where: Where) -> tuple[float, Array]:
        objective = checked(self.objective) if self.first else self.objective
        loss, z = objective.loss_and_gradients(*batch)
        self.first = False
        parameters = self.network.parameters
        square = parameters.square_of_gradients()
        if not math.isfinite(loss) or not (math.isfinite(square) or np.isfinite(parameters.gradients).all()):
            raise NonFiniteError(self.non_finite(batch[0], loss, where))
        self._update(square, where)
        return loss, z

    def _update(self, square: float, where: Where) -> None:
        """Let the optimizer take its step; frozen values stay, and one that overflows is taken back."""
        optimizer, values, gradients = self.optimizer, self.network.parameters.values, self.network.parameters.gradients
        frozen = [(part, values[part].copy()) for part in self.network.frozen_parts()]
        rate = optimizer.learning_rate
        if max(1.0, math.sqrt(square)) * rate < LARGE and rate * (optimizer.weight_decay or 0.0) <= 2.0:
            optimizer.step(values, gradients)
        else:
            before, state = values.copy(), optimizer.get_state()
            optimizer.step(values, gradients)
            if not np.isfinite(values).all():
                values[...] = before
                optimizer.set_state(state)
                raise NonFiniteError(
                    f"{_place(where)}the update overflowed {values.dtype} (learning rate {rate:g}). "
                    "The weights are those before it. Lower the learning rate or clip the gradients."
                )
        for part, value in frozen:
            values[part] = value

    def non_finite(self, x: Array, loss: float, where: Where) -> str:
        """Return the message that names the first array that is not finite."""
        layer = self.objective.network.first_non_finite(x)
        first = f"the output of {layer}" if layer else "the loss itself"
        if layer is None and math.isfinite(loss):
            parameters = self.network.parameters
            bad = [name for name in reversed(list(parameters)) if not np.isfinite(parameters.gradient(name)).all()]
            path, _, name = bad[0].rpartition("/")
            first = f"the gradient d{name} of layer {path!r}"
        return (
            f"{_place(where)}expected a finite loss and finite gradients, got loss {loss:g}; "
            f"the first array that is not finite is {first}. "
            f"The weights are those of the last finite step. Lower the learning rate "
            f"({self.optimizer.learning_rate:g} now), scale the data, or clip the gradients."
        )

    # Evaluation

    def evaluate(self, source: Source, callbacks: CallbackList, *, return_dict: bool) -> Any:
        """Return the exact loss and metrics: see `Sequential.evaluate`."""
        callbacks.on_test_begin({})
        logs = self.measure(source, callbacks).logs()
        callbacks.on_test_end(logs)
        return as_returned(logs, return_dict)

    def measure(self, source: Source, callbacks: CallbackList) -> Scores:
        """Return the loss (penalties included) and the metrics over a data set, on twins of the layers."""
        scores, twin = self.new_scores(), self.objective.inference_twin()
        penalty, network, loss = twin.network.penalty(), twin.network, twin.loss
        first: Any = CheckedLoss(loss)
        data = source.data
        batches = data.batches(source.batch_size, source.rows) if isinstance(data, Table) else data.batches()
        for index, (x, y, weight) in enumerate(batches):
            callbacks.on_test_batch_begin(index, {})
            with np.errstate(all="ignore"):
                z = network.infer(x)
                value = (loss if index else first).forward(z, y, weight) + penalty
                scores.add(value, len(x))
                if scores.metrics:
                    scores.update(y, twin.outputs(z), weight)
            callbacks.on_test_batch_end(index, BatchLogs(scores.logs, value))
        return scores


def _place(where: Where) -> str:
    call, epoch, batch = where
    return f"fit: epoch {epoch + 1}, batch {batch}: " if call == "fit" else f"{call}: "
