"""The objective of distributed training, which replaces the trainer's; the code that calls it does not change.

Each rank computes its part of a batch; one sum yields the loss, gradients and layer state of the whole batch.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from minidl.callbacks.console import console
from minidl.data import Table
from minidl.distributed.group import DONE, FAILED, STEP, TAGS, DistributedError, Group, digest
from minidl.errors import StateError
from minidl.packages import import_package
from minidl.training import Objective, Trainer
from minidl.typing import Array, Model

VERIFIED = 100  # steps between comparisons of the weights
SAMPLED = 1000  # number of rows of a file on disk to compare


@contextmanager
def distributed(model: Model, comm: Any = None, shards: int | None = None) -> Iterator[None]:
    """Train ``model`` on all ranks of ``comm``: ``with distributed(model, comm): model.fit(...)``.

    Every rank runs the same program on the same data. Each rank computes its part of each batch, and one sum over
    the ranks gives all of them the loss and the gradients of the whole batch, so that metrics, callbacks and
    weights are the same everywhere. Files are written, and progress is shown, by rank 0 only.

    Parameters
    ----------
    model : Sequential
        Built and compiled, with the same seed on every rank.
    comm : mpi4py.MPI.Comm, optional
        ``MPI.COMM_WORLD`` by default; or a `ThreadCommunicator`.
    shards : int, optional
        Cuts each batch into this fixed number of parts, a power of 2 that the ranks share evenly. The result then has
        the same bits on 1, 2, 4, ... ranks, at the cost of smaller matrices. By default, one part per rank.

    Raises
    ------
    DistributedError
        On every rank, if one of them fails, leaves early, or has a different model, seed, step or data; the message
        names the rank. The weights are those of the last step that all ranks have completed.
    MissingPackageError
        Without ``comm`` and without the package mpi4py: ``pip install mpi4py``.
    """
    if comm is None:
        comm = import_package("mpi4py.MPI", "minidl.distributed", "mpi").COMM_WORLD
    group, failure = Group(comm, shards), None
    trainer: Any = None
    try:
        trainer = model.connected("distributed")
        model.built("distributed")
        if trainer.group is not None:
            raise StateError("distributed: this model is in another `with distributed(...)` already.")
        about = _about(model, trainer, group)
    except BaseException as error:
        failure = error
        about = {"error": f"{type(error).__name__}: {error}"}
    try:
        group.compare(about)
    except DistributedError:
        if failure is None:
            raise
    if failure is not None:
        raise failure
    with _in_place(trainer, group):
        try:
            yield
        except BaseException as error:
            _leave(trainer, group, FAILED, f"{type(error).__name__}: {error}")
            raise
        _leave(trainer, group, DONE, {"weights": digest(trainer.network.parameters.values)})


@contextmanager
def _in_place(trainer: Trainer, group: Group) -> Iterator[None]:
    """Make ``trainer`` use the objective of the group inside the block."""
    plain, checked = trainer.objective, trainer.checked
    trainer.objective = DistributedObjective(plain, trainer, group)
    trainer.checked = None if checked is None else DistributedObjective(checked, trainer, group)
    trainer.group, console.silent = group, group.rank > 0
    try:
        yield
    finally:
        trainer.objective, trainer.checked = plain, None if trainer.checked is None else checked
        trainer.group, console.silent = None, False


def _about(model: Model, trainer: Trainer, group: Group) -> dict[str, Any]:
    """Return the settings and checksums that ranks compare before training."""
    state = trainer.optimizer.get_state()
    arrays = [state.pop(name) for name in sorted(state) if isinstance(state[name], np.ndarray)]
    return {
        "layers": f"{model!r} {model.input_shape} {model.dtype}",
        "seed": model.seed,
        "passes and epochs": (model.randomness.passes, model.randomness.epochs),
        "weights": digest(trainer.network.parameters.values, *trainer.network.states),
        "optimizer": f"{trainer.optimizer!r} {state}",
        "optimizer's arrays": digest(*arrays),
        "loss and metrics": f"{trainer.loss!r} {trainer.metrics!r} {trainer.weighted_metrics!r}",
        "frozen": trainer.network.frozen_parts(),
        "shards": group.shards,
        "NumPy": np.__version__,
    }


def _leave(trainer: Trainer, group: Group, status: float, what: Any) -> None:
    """End training on all ranks; a rank that ends alone, or after an error, ends it for all."""
    if group.over or group.size == 1:
        return
    vector = np.zeros(DistributedObjective.length(trainer, group), trainer.network.dtype)
    tag = what["weights"] % TAGS if status == DONE else 0
    vector[: 2 * group.size] = group.header(status, tag)
    try:
        group.check(group.sum(vector), status, what)
        group.over = True
    except DistributedError:
        if status == DONE:
            raise


class DistributedObjective(Objective):
    """The loss of a network's outputs, and its gradients, computed by all ranks of a group.

    Parameters
    ----------
    plain : Objective
        The objective that it replaces.
    trainer : Trainer
    group : Group
    """

    def __init__(self, plain: Objective, trainer: Trainer, group: Group) -> None:
        self.__dict__.update(vars(plain))
        self.plain, self.trainer, self.group = plain, trainer, group
        self.run: Any = None  # the run whose data has been compared

    @staticmethod
    def length(trainer: Trainer, group: Group) -> int:
        """Return the length of the vector that is summed: header, loss in two parts, gradients, changes of state."""
        network = trainer.network
        return 2 * group.size + 2 + network.parameters.values.size + sum(state.size for state in network.states)

    def inference_twin(self) -> Self:
        twin: Any = self.plain.inference_twin()  # evaluation is the same on every rank
        return twin

    def loss_and_gradients(self, x: Array, y: Array, weight: Array | None) -> tuple[float, Array]:
        group, network = self.group, self.network
        if group.alone:
            return self.plain.loss_and_gradients(x, y, weight)
        passes, states = network.randomness.passes, [state.copy() for state in network.states]
        z = np.zeros((len(x), *network.output_shape), network.dtype)
        what, failure = self._what(x, y, weight), None
        try:
            vector = self._own_sum((x, y, weight), states, z)
            vector[: 2 * group.size] = group.header(STEP, hash(tuple(what.values())) % TAGS)
        except BaseException as error:  # the others are waiting for this rank's part
            failure = error
            vector = np.zeros(self.length(self.trainer, group), network.dtype)
            vector[: 2 * group.size] = group.header(FAILED)
        finally:
            network.randomness.passes, network.randomness.part = passes + 1, 0
        total = group.sum(vector)
        try:
            group.check(total, STEP, what if failure is None else f"{type(failure).__name__}: {failure}")
        except DistributedError:
            if failure is None:
                raise
        if failure is not None:
            raise failure
        self._compare_data()
        loss = self._take(total[2 * group.size :], states)
        if group.size > 1 and self.trainer.scores.metrics:
            z = self._sum_of_outputs(z)
        return loss, z

    def _own_sum(self, batch: tuple[Array, Array, Array | None], states: list[Array], z: Array) -> Array:
        """Return the weighted sum over this rank's parts, in the order of a binary tree; fill their rows of ``z``."""
        network, group, (x, y, weight) = self.network, self.group, batch
        gradients, start = network.parameters.gradients, 2 * group.size
        passes = network.randomness.passes
        waiting: list[Array] = []  # sums of 1, 2, 4, ... parts, the largest first
        for number, (part, rows) in enumerate(group.own_parts(len(x)), start=1):
            vector = np.zeros(self.length(self.trainer, group), network.dtype)
            fraction = (rows.stop - rows.start) / len(x)
            if fraction:
                network.randomness.passes, network.randomness.part = passes, part
                for state, before in zip(network.states, states, strict=True):
                    state[...] = before
                outputs = network.forward(x[rows], True)
                loss = self.loss.forward(outputs, y[rows], None if weight is None else weight[rows])
                network.backward_parameters(self.loss.backward())
                loss = (loss + network.own_losses()) * fraction
                vector[start] = loss
                vector[start + 1] = loss - vector[start] if math.isfinite(loss) else 0  # the rounding error of float32
                np.multiply(gradients, fraction, out=vector[start + 2 : start + 2 + gradients.size])
                place = start + 2 + gradients.size
                for state, before in zip(network.states, states, strict=True):
                    vector[place : place + state.size] = ((state - before) * fraction).reshape(-1)
                    place += state.size
                z[rows] += outputs
            while number % 2 == 0:  # the sum before it has as many parts
                vector = waiting.pop() + vector
                number //= 2
            waiting.append(vector)
        return waiting[0]

    def _take(self, total: Array, states: list[Array]) -> float:
        """Set the gradients and layer state to those of the whole batch; return its loss, penalties included."""
        network = self.network
        gradients = network.parameters.gradients
        gradients[...] = total[2 : 2 + gradients.size]
        place = 2 + gradients.size
        for state, before in zip(network.states, states, strict=True):
            state[...] = before + total[place : place + state.size].reshape(state.shape)
            place += state.size
        loss = float(total[0]) + float(total[1])
        if network.penalties:
            loss += network.penalty(gradients=True)
        for part in network.frozen_parts():
            gradients[part] = 0
        return loss

    def _sum_of_outputs(self, z: Array) -> Array:
        whole = np.empty_like(z)
        self.group.communicator.Allreduce(z, whole)  # each row comes from one rank: the sum is exact
        return whole

    # Checks that all ranks agree

    def _what(self, x: Array, y: Array, weight: Array | None) -> dict[str, Any]:
        """Return a description of this rank's step, in numbers that have the same hash in every process."""
        network, run = self.network, self.trainer.run
        known = run is not None and isinstance(run.source.data, Table)  # compared when the run began
        return {
            "training passes": network.randomness.passes,
            "samples in the batch": len(x),
            "in fit": run is not None,
            "checksum of the batch": 0 if known else digest(x, y, weight),
            "checksum of the weights": (
                0 if network.randomness.passes % VERIFIED else digest(network.parameters.values)
            ),
        }

    def _compare_data(self) -> None:
        """Compare the data of a `fit` across ranks at its first step; a stream is compared batch by batch."""
        run = self.trainer.run
        if run is self.run or self.group.size == 1:
            return
        self.run = run
        about: dict[str, Any] = {"epochs": None}
        if run is not None:
            about |= {"epochs": (run.epoch, run.last), "batch": run.batch, "batch_size": run.source.batch_size}
            data = run.source.data
            if isinstance(data, Table):
                about["samples"] = len(data) if run.source.rows is None else len(run.source.rows)
                for name in ("x", "y", "sample_weight"):
                    about[f"checksum of {name}"] = _checksum(getattr(data, name))
        self.group.compare(about)


def _checksum(array: Array | None) -> int:
    """Return a checksum of all rows of an array in memory, or of up to 1,000 rows of a file on disk."""
    if not isinstance(array, np.memmap):
        return digest(array)
    return digest(array[np.unique(np.linspace(0, len(array) - 1, SAMPLED).astype(int))])
