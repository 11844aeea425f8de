"""Data larger than the memory: ``fit`` reads a memory-mapped file a batch at a time.

Run: ``python examples/memory_mapped.py [--rows N]``; N rows take N * 400 bytes on the disk, of which a batch at a time
is in memory. It reaches over 90% accuracy on the validation set.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from minidl import Dense, Input, Sequential

FEATURES, PART = 100, 10_000  # numbers in a row; rows written at a time


def write(folder, rows, weights):
    """Write x.npy and y.npy: a row of 100 numbers each, and whether their weighted sum is above 0."""
    x = np.lib.format.open_memmap(folder / "x.npy", mode="w+", dtype="float32", shape=(rows, FEATURES))
    y = np.lib.format.open_memmap(folder / "y.npy", mode="w+", dtype="uint8", shape=(rows,))
    rng = np.random.default_rng(0)
    for start in range(0, rows, PART):
        part = rng.normal(size=(min(PART, rows - start), FEATURES))
        x[start : start + PART] = part
        y[start : start + PART] = part @ weights > 0
    x.flush()
    y.flush()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    arguments = parser.parse_args()

    with TemporaryDirectory() as folder:
        write(Path(folder), arguments.rows, np.random.default_rng(1).normal(size=FEATURES))
        x = np.load(Path(folder) / "x.npy", mmap_mode="r")
        y = np.load(Path(folder) / "y.npy", mmap_mode="r")
        print(f"{x.nbytes / 1e6:,.0f} MB on the disk")
        model = Sequential([Input((FEATURES,)), Dense(32, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=256, epochs=3, validation_split=0.1, verbose=0)
        print(f"validation accuracy: {history.history['val_accuracy'][-1]:.1%}")
        del x, y  # before the files go


if __name__ == "__main__":
    main()
