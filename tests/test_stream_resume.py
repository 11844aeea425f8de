"""Streams that draw random numbers resume where they were."""

import numpy as np
import pytest

from minidl import Dense, Input, Sequential
from minidl.callbacks import ModelCheckpoint

X = np.random.default_rng(0).normal(size=(48, 3))


class Noisy:
    """Batches with new noise each time they are iterated."""

    def __init__(self):
        self.rng = np.random.default_rng(1)

    def __iter__(self):
        for x in np.split(X, 4):
            yield x + 0.1 * self.rng.normal(size=x.shape), x[:, :1]


class NoisyByNumber:
    def __init__(self):
        self.rng = np.random.default_rng(1)

    def __len__(self):
        return 4

    def __getitem__(self, number):
        if not 0 <= number < 4:
            raise IndexError(number)
        x = X[12 * number : 12 * number + 12]
        return x + 0.1 * self.rng.normal(size=x.shape), x[:, :1]


class Shuffled(Noisy):
    def __iter__(self):
        for rows in np.split(self.rng.permutation(48), 4):
            yield X[rows], X[rows, :1]


def endless():
    rng = np.random.default_rng(1)
    while True:
        rows = rng.integers(0, 48, 12)
        yield X[rows], X[rows, :1]


STREAMS = {
    "an iterable": (Noisy, {}),
    "batches by number": (NoisyByNumber, {}),
    "shuffled": (Shuffled, {}),
    "part of an iterable": (Noisy, {"steps_per_epoch": 3}),
    "an endless generator": (endless, {"steps_per_epoch": 5}),
}


@pytest.mark.parametrize("save_freq", ["epoch", 3])
@pytest.mark.parametrize(("make", "arguments"), STREAMS.values(), ids=STREAMS)
def test_a_stream_that_draws_random_numbers_resumes_exactly(make, arguments, save_freq, tmp_path):
    def fit(epochs, folder, **more):
        model = Sequential([Input((3,)), Dense(1)], seed=0)
        model.compile("adam", "mse")
        saver = ModelCheckpoint(folder / "run", save_freq=save_freq)
        model.fit(make(), epochs=epochs, callbacks=[saver], verbose=0, **arguments, **more)
        return model.parameters.values.copy()

    whole = fit(4, tmp_path / "whole")
    fit(2, tmp_path / "parts")
    np.testing.assert_array_equal(fit(4, tmp_path / "parts", resume=tmp_path / "parts"), whole)
