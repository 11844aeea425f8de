"""What each rank runs: a function of its communicator and a folder. Run by MPI as ``programs.py NAME FOLDER``."""

import os
import signal
import sys
import time
import zlib
from pathlib import Path

import numpy as np

from minidl import Dense, Dropout, Input, Sequential, callbacks
from minidl.distributed import distributed

EPOCHS = 4


def data(rows=103):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 6)).astype("float32")
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


def network(optimizer="adam", seed=0, rate=0.0, **options):
    dropout = [Dropout(rate)] if rate else []
    layers = [Input((6,)), Dense(16, activation="relu", kernel_regularizer="l2"), *dropout, Dense(3, "softmax")]
    model = Sequential(layers, seed=seed, **options)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model, comm, shards=None, rows=103, **options):
    x, y = data(rows)
    options = {"epochs": EPOCHS, "batch_size": 20, "verbose": 0, "validation_split": 0.2, **options}
    with distributed(model, comm, shards):
        return model.fit(x, y, **options)


def summary(model, history):
    """Return the weights and the history, to the bit."""
    logs = {name: [float(value).hex() for value in values] for name, values in history.history.items()}
    return zlib.crc32(model.parameters.values.tobytes()), logs


def plain(comm, folder):
    model = network()
    return summary(model, fit(model, comm))


def sharded(comm, folder):
    model = network(rate=0.3)
    return summary(model, fit(model, comm, shards=4))


def stopped(comm, folder):
    """Every callback that decides or writes, each rank with its own files."""
    model, name = network("sgd"), str(comm.Get_rank())
    hooks = [
        callbacks.EarlyStopping(monitor="val_accuracy", min_delta=1, patience=3, verbose=1),
        callbacks.ReduceLROnPlateau(monitor="loss", min_delta=10, patience=1, verbose=1),
        callbacks.ModelCheckpoint(Path(folder) / name / "{epoch}.safetensors"),
        callbacks.CSVLogger(Path(folder) / name / "log.csv"),
    ]
    history = fit(model, comm, epochs=20, verbose=2, callbacks=hooks)
    return summary(model, history)


def first_half(comm, folder):
    model = network(rate=0.3)
    hooks = [callbacks.ModelCheckpoint(Path(folder) / "{epoch}.safetensors")]
    fit(model, comm, shards=4, epochs=EPOCHS // 2, callbacks=hooks)


def second_half(comm, folder):
    model = network(rate=0.3)
    model.layers[0].W[...] = 0.5  # the file has the weights
    hooks = [callbacks.ModelCheckpoint(Path(folder) / "{epoch}.safetensors")]
    history = fit(model, comm, shards=4, callbacks=hooks, resume=Path(folder))
    return summary(model, history)


class Raising(callbacks.Callback):
    def __init__(self, error, epoch=1):
        self.error, self.epoch = error, epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise self.error


class Leaving(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            self.model.stop_training = True


def fault(comm, what):
    """Let the last rank differ in ``what``; return what happens on this one."""
    odd = comm.Get_rank() == comm.Get_size() - 1
    model = network(seed=3 if odd and what == "seed" else 0)
    x, y = data(83 if odd and what == "rows" else 103)
    options = {"epochs": 3, "batch_size": 20, "verbose": 0}
    if odd:
        if what == "one value":
            x = x.copy()
            x[57, 2] += 1e-3
        elif what == "labels":
            y = y.copy()
            y[-1] = (y[-1] + 1) % 3
        elif what == "batch size":
            options["batch_size"] = 25
        elif what == "epochs":
            options["epochs"] = 2
        elif what == "callback":
            options["callbacks"] = [Raising(ZeroDivisionError("a bug"))]
        elif what == "leaves":
            options["callbacks"] = [Leaving()]
        elif what == "data error":
            y = y - 1
        elif what == "weights":
            model.layers[0].b[0] = 1e-3
        elif what == "uncompiled":
            model = Sequential([Input((6,)), Dense(3)], seed=0)
    before = model.get_weights()
    try:
        with distributed(model, comm):
            model.fit(x, y, **options)
    except Exception as error:
        finite = all(np.isfinite(array).all() for array in model.get_weights())
        same = all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
        return type(error).__name__, str(error), finite, same
    return "nothing", "", True, False


def faults(comm, folder):
    return {what: fault(comm, what) for what in FAULTS}


FAULTS = {
    "seed": "seed",
    "weights": "weights",
    "uncompiled": "StateError",
    "rows": "samples",
    "one value": "checksum of x",
    "labels": "checksum of y",
    "batch size": "batch",
    "data error": "DataError",
    "epochs": "epochs",
    "leaves": "has left the training",
    "callback": "ZeroDivisionError: a bug",
}


def killed(comm, folder):
    """Die in the third epoch without a word."""

    class Killing(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2 and comm.Get_rank() == 1:
                time.sleep(0.2)  # rank 0 has written its file by then
                os.kill(os.getpid(), signal.SIGKILL)

    hooks = [callbacks.ModelCheckpoint(Path(folder) / "{epoch}.safetensors"), Killing()]
    fit(network(), comm, callbacks=hooks)


def rest(comm, folder):
    """Resume the run that was killed."""
    hooks = [callbacks.ModelCheckpoint(Path(folder) / "{epoch}.safetensors")]
    model = network()
    return summary(model, fit(model, comm, callbacks=hooks, resume=Path(folder) / "2.safetensors"))


def main():
    from mpi4py import MPI

    name, folder = sys.argv[1:]
    result = globals()[name](MPI.COMM_WORLD, folder)
    found = MPI.COMM_WORLD.allgather(result)
    if MPI.COMM_WORLD.Get_rank() == 0:
        Path(folder, "results.txt").write_text(repr(found))


if __name__ == "__main__":
    main()
