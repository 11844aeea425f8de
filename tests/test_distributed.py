"""Training on several ranks: equal bits, equal decisions, and an error on all ranks if one cannot continue.

Each promise is tested with threads, and with processes under MPI where mpi4py and mpiexec are installed.
"""

import ast
import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minidl import Dense, Input, Sequential, layers, load_model
from minidl.callbacks import Callback
from minidl.distributed import DistributedError, ThreadCommunicator, distributed, run_in_threads
from minidl.errors import ArgumentError, MissingPackageError, NonFiniteError, StateError
from tests.ranks import programs
from tests.ranks.programs import FAULTS, data, fit, network, summary

PROGRAMS = Path(programs.__file__)


def threads(name, ranks, folder):
    """Return what a program gives on each rank, run by threads."""
    return run_in_threads(lambda comm: getattr(programs, name)(comm, folder), ranks)


def start_mpi(name, ranks, folder):
    pytest.importorskip("mpi4py")
    mpiexec = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if mpiexec is None:
        pytest.skip("needs mpiexec: pip install mpich")
    return subprocess.run(
        [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", PROGRAMS, name, folder],
        env={**os.environ, "PYTHONPATH": str(PROGRAMS.parent.parent.parent), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def mpi(name, ranks, folder):
    """Return what a program gives on each rank, run by processes."""
    done = start_mpi(name, ranks, folder)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(Path(folder, "results.txt").read_text())


HOW = pytest.mark.parametrize("run", [threads, mpi])
RANKS = pytest.mark.parametrize("ranks", [2, 3, 4])


@functools.cache
def alone():
    """Return what training without a group gives."""
    model = network()
    x, y = data()
    return summary(model, model.fit(x, y, epochs=programs.EPOCHS, batch_size=20, verbose=0, validation_split=0.2))


def numbers(logs):
    return {name: [float.fromhex(value) for value in values] for name, values in logs.items()}


@HOW
def test_one_rank_gives_the_bits_of_no_rank(run, tmp_path):
    assert run("plain", 1, tmp_path) == [alone()]


@HOW
@RANKS
def test_all_ranks_have_the_same_bits_and_the_history_of_one_process(run, ranks, tmp_path):
    first, *others = run("plain", ranks, tmp_path)
    assert all(other == first for other in others)
    for name, values in numbers(alone()[1]).items():
        assert numbers(first[1])[name] == pytest.approx(values, rel=1e-5)


@functools.cache
def sharded_alone():
    (found,) = threads("sharded", 1, None)
    return found


@HOW
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_with_shards_the_number_of_ranks_changes_no_bit(run, ranks, tmp_path):
    assert run("sharded", ranks, tmp_path) == [sharded_alone()] * ranks


@HOW
@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 2), (2, 1)])
def test_a_run_resumed_on_another_number_of_ranks_equals_the_uninterrupted_one(run, before, after, tmp_path):
    run("first_half", before, tmp_path)
    assert run("second_half", after, tmp_path) == [sharded_alone()] * after


@HOW
@RANKS
def test_callbacks_decide_the_same_everywhere_and_rank_0_alone_writes(run, ranks, tmp_path, capfd):
    first, *others = run("stopped", ranks, tmp_path)
    assert all(other == first for other in others)
    epochs = len(first[1]["loss"])
    assert epochs < 20
    assert len(set(first[1]["learning_rate"])) > 1
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["0"]
    assert len(list((tmp_path / "0").glob("*.safetensors"))) == epochs
    assert len((tmp_path / "0" / "log.csv").read_text().splitlines()) == 1 + epochs
    if run is threads:
        assert capfd.readouterr().out.count("stopped early") == 1


@HOW
@RANKS
def test_a_rank_that_differs_or_fails_ends_all_with_an_error_that_names_it(run, ranks, tmp_path):
    results = run("faults", ranks, tmp_path)
    for what, expected in FAULTS.items():
        for rank, result in enumerate(results):
            kind, text, finite, _ = result[what]
            own = rank == ranks - 1 and what in ("uncompiled", "data error", "callback")
            assert kind != "nothing", what
            assert finite
            if not own:
                assert (kind, f"rank {ranks - 1}" in text, expected in text) == ("DistributedError", True, True), text


def test_a_killed_rank_ends_all_and_leaves_a_checkpoint_that_loads(tmp_path):
    done = start_mpi("killed", 2, tmp_path)
    assert done.returncode != 0
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == ["1.safetensors", "2.safetensors"]
    assert not list(tmp_path.glob(".*"))
    model = load_model(tmp_path / "2.safetensors")
    assert model.epoch == 2
    first, second = mpi("rest", 2, tmp_path)
    assert first == second
    assert numbers(first[1])["loss"] == pytest.approx(numbers(alone()[1])["loss"], rel=1e-5)


# Single points, with threads


def both(function, ranks=2):
    """Return what ``function(comm)`` gives on each rank."""
    return run_in_threads(function, ranks)


@pytest.mark.parametrize("shards", [None, 8])
@pytest.mark.parametrize("rows", [1, 3, 5])
def test_batches_smaller_than_the_number_of_parts_are_complete(rows, shards):
    x, y = data(rows)

    def run(comm):
        model = network()
        with distributed(model, comm, shards):
            model.train_on_batch(x, y)
        return model.get_weights()

    model = network()
    model.train_on_batch(x, y)
    for found, expected in zip(both(run, 4)[3], model.get_weights(), strict=True):
        assert found == pytest.approx(expected, abs=2e-6)


def test_weighted_samples_and_classes_count_as_on_one_process():
    x, y = data()
    options = {
        "epochs": 2, "verbose": 0, "class_weight": {0: 1.0, 1: 3.0, 2: 0.5}, "sample_weight": np.linspace(0, 2, len(x)),
    }  # fmt: skip

    def run(comm):
        model = network("sgd")
        with distributed(model, comm):
            model.fit(x, y, **options)
        return model.parameters.values

    model = network("sgd")
    model.fit(x, y, **options)
    assert both(run, 3)[1] == pytest.approx(model.parameters.values, abs=1e-6)


class Counting(layers.Layer):
    """Keeps a running mean of its inputs, as batch normalisation does."""

    def build(self, input_shape):
        self.add_state("mean", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        if training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
        return x - self.mean

    def backward(self, dy):
        return dy


def counting():
    model = Sequential([Input((6,)), Counting(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("shards", [None, 4])
def test_layer_state_is_that_of_the_whole_batch_on_every_rank(shards):
    x, y = data(64)

    def run(comm):
        model = counting()
        with distributed(model, comm, shards):
            model.fit(x, y, epochs=2, verbose=0)
        return model.layers[0].mean.copy()

    model = counting()
    model.fit(x, y, epochs=2, verbose=0)
    first, second = both(run)
    assert np.array_equal(first, second)
    assert first == pytest.approx(model.layers[0].mean, abs=1e-6)


def test_a_frozen_layers_state_and_weights_keep_their_bits():
    x, y = data(99)

    def run(comm):
        model = counting()
        model.layers[0].mean = np.full(6, 1 / 3)
        model.layers[0].trainable = False
        with distributed(model, comm):
            model.fit(x, y, epochs=1, verbose=0)
        return model.layers[0].mean.copy()

    for found in both(run, 3):
        assert np.array_equal(found, np.full(6, 1 / 3, "float32"))


def test_every_part_draws_its_own_random_numbers():
    def run(comm):
        model = Sequential([Input((64,)), layers.Dropout(0.5), Dense(1)], seed=0)
        model.compile("sgd", "mse")
        with distributed(model, comm):
            model.train_on_batch(np.ones((2, 64)), np.ones(2))
        return model.layers[0]._scale.copy()

    first, second = both(run)
    assert first.shape == second.shape == (1, 64)
    assert not np.array_equal(first, second)


def test_a_solver_finds_what_it_finds_alone():
    x, y = data()

    def run(comm):
        model = network("lbfgs", dtype="float64")
        with distributed(model, comm):
            model.fit(x, y, epochs=8, verbose=0)
        return model.parameters.values

    model = network("lbfgs", dtype="float64")
    model.fit(x, y, epochs=8, verbose=0)
    first, second = both(run)
    assert np.array_equal(first, second)
    assert first == pytest.approx(model.parameters.values, abs=1e-6)


def test_a_training_loop_gets_the_gradients_of_the_whole_batch():
    x, y = data()

    def run(comm):
        model = network()
        with distributed(model, comm):
            loss, gradients = model.loss_and_gradients(x, y)
            return loss, gradients.copy()

    loss, gradients = network().loss_and_gradients(x, y)
    for found_loss, found in both(run, 4):
        assert found_loss == pytest.approx(loss, rel=1e-6)
        assert found == pytest.approx(gradients, abs=1e-6)


@pytest.mark.parametrize("odd", [False, True])
def test_batches_of_a_stream_are_compared_one_by_one(odd):
    x, y = data(80)

    def run(comm):
        model = network()

        def batches():
            for start in range(0, 80, 20):
                part = x[start : start + 20].copy()
                part[3, 1] += float(odd and start == 40 and comm.Get_rank() == 1)
                yield part, y[start : start + 20]

        with distributed(model, comm):
            model.fit(batches(), epochs=1, verbose=0)
        return model.parameters.values

    if odd:
        with pytest.raises(DistributedError, match="rank 1: checksum of the batch"):
            both(run)
    else:
        assert np.array_equal(*both(run))


def test_metrics_of_a_single_step_are_those_of_the_whole_batch():
    x, y = data(40)

    def run(comm):
        model = network()
        with distributed(model, comm):
            return model.train_on_batch(x, y), model.evaluate(x, y, verbose=0)

    model = network()
    expected = model.train_on_batch(x, y), model.evaluate(x, y, verbose=0)
    for found in both(run, 3):
        assert np.allclose(found, expected, rtol=1e-5)


def test_a_loss_that_is_not_finite_is_the_same_error_on_every_rank():
    x, y = data()

    def run(comm):
        model = network("sgd")
        model.layers[0].W[...] = 1e38
        before = model.get_weights()
        with pytest.raises(NonFiniteError, match="epoch 1, batch 0"), distributed(model, comm):
            model.fit(x, y, epochs=1, verbose=0)
        return all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))

    assert both(run) == [True, True]


class Failing(layers.Layer):
    """Fails in the third training pass on rank 1."""

    rank = 0
    passes = 0

    def forward(self, x, training=False):
        self._passes = vars(self).get("_passes", 0) + training
        if self.rank == 1 and self._passes == 3:
            raise OverflowError("in the middle of a step")
        return x

    def backward(self, dy):
        return dy


def test_an_error_in_the_middle_of_a_step_leaves_the_last_whole_step_everywhere():
    x, y = data()

    def run(comm):
        layer = type("Failing", (Failing,), {"rank": comm.Get_rank()})()
        model = Sequential([Input((6,)), layer, Dense(1)], seed=0)
        model.compile("adam", "mse")
        error = None
        try:
            with distributed(model, comm):
                model.fit(x, y, batch_size=20, verbose=0)
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
        return error, model.optimizer.iterations, model.parameters.values.tobytes()

    first, second = both(run)
    assert "rank 1: OverflowError: in the middle of a step" in first[0]
    assert second[0].startswith("OverflowError")
    assert first[1:] == second[1:]
    assert first[1] == 2


def test_weights_that_drift_apart_are_noticed_at_the_end():
    class Drift(Callback):
        def on_train_end(self, logs=None):
            self.model.layers[0].b[0] += 1e-6

    x, y = data()

    def run(comm):
        model = network()
        with distributed(model, comm):
            model.fit(x, y, verbose=0, callbacks=[Drift()] if comm.Get_rank() else None)

    with pytest.raises(DistributedError, match="rank 1: weights"):
        both(run)


def test_after_the_block_the_model_trains_alone_again():
    x, y = data()

    def run(comm):
        model = network()
        fit(model, comm)
        if comm.Get_rank() == 0:
            model.fit(x, y, verbose=0)
        model.compile("sgd", "sparse_categorical_crossentropy")
        return True

    assert both(run) == [True, True]


INSIDE = {
    "compile": lambda model: model.compile("sgd", "mse"),
    "add": lambda model: (model.add(Dense(3)), model.train_on_batch(*data())),
    "another block": lambda model: distributed(model, one()).__enter__(),
}


def one():
    return run_in_threads(lambda comm: comm, 1)[0]


@pytest.mark.parametrize("what", INSIDE)
def test_what_would_end_the_group_silently_is_refused_inside(what):
    model = network()
    with pytest.raises(StateError, match="distributed"), distributed(model, one()):
        INSIDE[what](model)


@pytest.mark.parametrize("make", [lambda: Sequential([Dense(3)]), lambda: Sequential([Input((3,)), Dense(3)])])
def test_a_model_that_cannot_train_yet_is_refused(make):
    with pytest.raises(StateError, match="distributed: expected a"), distributed(make(), one()):
        pass


@pytest.mark.parametrize(("shards", "ranks"), [(3, 1), (0, 1), (-2, 1), (2.0, 1), (4, 3), (2, 4), (True, 1)])
def test_shards_that_cannot_be_shared_are_refused(shards, ranks):
    def run(comm):
        with pytest.raises(ArgumentError, match="shards: expected a power of 2"):
            fit(network(), comm, shards)

    run_in_threads(run, ranks)


@pytest.mark.parametrize("comm", [3, "world", object()])
def test_something_other_than_a_communicator_is_refused(comm):
    with pytest.raises(ArgumentError, match="comm: expected a communicator of mpi4py"), distributed(network(), comm):
        pass


def test_without_mpi4py_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", None)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with (
        pytest.raises(MissingPackageError, match=r"minidl.distributed: .*pip install mpi4py, or 'minidl\[mpi\]'"),
        distributed(network()),
    ):
        pass


def test_an_error_in_a_thread_ends_the_others():
    def run(comm: ThreadCommunicator):
        if comm.Get_rank() == 1:
            raise KeyError("mine")
        comm.allgather(1)

    with pytest.raises(KeyError, match="mine"):
        run_in_threads(run, 3)
