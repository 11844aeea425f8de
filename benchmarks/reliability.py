"""The cost of reliability: checking the data, saving, and checkpoints, on a 784-128-10 network.

The limits are those in docs/promises.md; every figure is a median over interleaved rounds.
"""

import functools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import common
import numpy as np

from minidl import Dense, Input, Sequential
from minidl.callbacks import ModelCheckpoint
from minidl.saving import read_file

STEPS = 100  # between checkpoints
BATCH = 128


def network() -> Sequential:
    layers = [Input((784,)), Dense(128, activation="relu"), Dense(10, activation="softmax")]
    model = Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interleaved(rounds: int, *calls: Callable[[], Any]) -> list[list[float]]:
    """Return the seconds of each call in every round; each round makes the calls in turn."""
    for call in calls:
        call()
    return [list(times) for times in zip(*([seconds(call) for call in calls] for _ in range(rounds)), strict=True)]


class Saving(ModelCheckpoint):
    """A ModelCheckpoint that adds up the seconds it takes."""

    spent = 0.0

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        start = time.perf_counter()
        super()._save(epoch, logs)
        self.spent += time.perf_counter() - start


def validation(rounds: int, rows: int) -> tuple[str, float, float]:
    """Measure the check of all data once, as a fraction of one epoch."""
    x = np.random.default_rng(0).random((rows, 784), dtype=np.float32)
    y = np.arange(rows) % 10
    model = network()
    table = model.connected("fit").inputs.table
    check, epoch = interleaved(rounds, lambda: table(x, y), lambda: model.fit(x, y, batch_size=BATCH, verbose=0))
    share = statistics.median(a / b for a, b in zip(check, epoch, strict=True))
    return f"checking {rows:,} rows, part of an epoch", share, 0.03


def saving(rounds: int, folder: Path) -> tuple[str, float, float]:
    """Measure one save, and numpy.savez of the same arrays, which neither syncs nor adds a checksum."""
    model = network()
    model.fit(np.ones((BATCH, 784)), np.zeros(BATCH, int), verbose=0)
    model.save(folder / "model")
    arrays = read_file(folder / "model")[1]
    save, savez = interleaved(
        rounds * 5, lambda: model.save(folder / "model"), lambda: np.savez(folder / "arrays.npz", **arrays)
    )
    return "one save, times numpy.savez", statistics.median(a / b for a, b in zip(save, savez, strict=True)), 2.0


def checkpoints(rounds: int, folder: Path) -> tuple[str, float, float]:
    """Measure a checkpoint every 100 of 1,000 steps as a fraction of training; the first also reads all data."""
    x = np.random.default_rng(0).random((STEPS * BATCH, 784), dtype=np.float32)
    y = np.arange(len(x)) % 10
    shares = []
    for _ in range(rounds):
        model, saving = network(), Saving(folder / "checkpoint", save_freq=STEPS)
        taken = seconds(functools.partial(model.fit, x, y, BATCH, 10, verbose=0, callbacks=saving))
        shares.append(saving.spent / (taken - saving.spent))
    return f"a checkpoint every {STEPS} steps, part of the training", statistics.median(shares), 0.02


def main() -> None:
    arguments = common.options(__doc__)
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        rows = 10_000 if arguments.quick else 60_000
        found = [
            validation(arguments.rounds, rows),
            saving(arguments.rounds, folder),
            checkpoints(arguments.rounds, folder),
        ]
    rows = [
        [what, f"{figure:.4f}", f"{limit:g}", "kept" if figure <= limit else "MISSED"] for what, figure, limit in found
    ]
    table = common.table(["", "measured", "limit", ""], rows)
    common.report("reliability", arguments, {"what reliability costs": table}, found)


if __name__ == "__main__":
    main()
