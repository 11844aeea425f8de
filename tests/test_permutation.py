"""Permutation: each number once, the same for one seed, and as well mixed as an order that is drawn."""

import itertools
from collections import Counter

import numpy as np
import pytest

from minidl import Dense, Input, Sequential, permutation, randomness
from minidl.callbacks import ModelCheckpoint
from minidl.permutation import Permutation

SIZES = [*range(1, 70), 99, 100, 101, 120, 121, 122, 1000, 4095, 4096, 4097, 65_537, 1_000_003]
SEEDS, SIZE = 200, 10_007


@pytest.fixture(scope="module")
def orders():
    return [Permutation(SIZE, [seed, 0])[:] for seed in range(SEEDS)]


@pytest.mark.parametrize("size", SIZES)
def test_each_number_comes_once(size):
    np.testing.assert_array_equal(np.sort(Permutation(size, [3, size])[:]), np.arange(size))


def test_no_number_has_an_empty_order():
    assert Permutation(0, 0)[:].tolist() == []


@pytest.mark.parametrize("batch", [1, 7, 128, permutation.BLOCK, permutation.BLOCK + 1])
def test_slices_are_those_of_the_whole(batch):
    whole, sliced, size = Permutation(40_000, 5)[:], Permutation(40_000, 5), 40_000 if batch > 1 else 20
    parts = [sliced[start : start + batch] for start in range(0, size, batch)]
    np.testing.assert_array_equal(np.concatenate(parts), whole[:size])


def test_a_slice_may_come_first_from_anywhere():
    whole, other = Permutation(50_000, 5)[:], Permutation(50_000, 5)
    for start in (49_990, 0, 30_000, 20_000):
        np.testing.assert_array_equal(other[start : start + 64], whole[start : start + 64])


def test_the_largest_sizes_have_an_order():
    size = 2**62
    order = Permutation(size, 1)[:1000]
    assert order.min() >= 0
    assert order.max() < size
    assert len(set(order.tolist())) == 1000
    assert abs(order.mean() / size - 0.5) < 5 / np.sqrt(12 * 1000)


def test_the_order_is_that_of_the_seed():
    assert Permutation(100, [1, 2])[:].tolist() == Permutation(100, [1, 2])[:].tolist()
    assert Permutation(100, [1, 2])[:].tolist() != Permutation(100, [1, 3])[:].tolist()
    assert Permutation(12, 0)[:].tolist() == [8, 5, 11, 3, 6, 2, 0, 9, 10, 7, 1, 4]


def test_numbers_are_put_in_order():
    numbers = np.arange(50) * 10
    np.testing.assert_array_equal(Permutation(50, 1, numbers)[5:20], 10 * Permutation(50, 1)[5:20])


# Mixing: each figure is compared with what uniformly drawn orders have, within 5 standard errors over the seeds.


def distance(figures, mean, variance):
    """Return how many standard errors the mean of the figures is away from what it should be."""
    return abs(np.mean(figures) - mean) / np.sqrt(variance / len(figures))


def measures(orders):
    """Return for each property of orders how far they are from uniformly drawn ones."""
    places, edges = np.arange(SIZE), np.linspace(0, SIZE, 21)
    expected = np.histogram2d(places, places, [edges, edges])[0].sum(axis=0) / 20
    correlated = [np.corrcoef(one, other)[0, 1] ** 2 * SIZE for one, other in itertools.pairwise(orders)]
    chi = [((np.histogram2d(places, order, [edges, edges])[0] - expected) ** 2 / expected).sum() for order in orders]
    return {
        "fixed points": distance([(order == places).sum() for order in orders], 1, 1),
        "neighbours that stay neighbours": distance([(abs(np.diff(order)) == 1).sum() for order in orders], 2, 2),
        "correlation with the place": distance([np.corrcoef(o, places)[0, 1] ** 2 * SIZE for o in orders], 1, 2),
        "correlation of neighbours": distance([np.corrcoef(o[1:], o[:-1])[0, 1] ** 2 * SIZE for o in orders], 1, 2),
        "correlation of epochs": distance(correlated, 1, 2),
        "counts in the squares of 20 by 20": distance(chi, 19 * 19, 2 * 19 * 19),
    }


def test_the_order_is_mixed_as_one_that_is_drawn(orders):
    assert {name: figure for name, figure in measures(orders).items() if figure > 5} == {}


@pytest.mark.parametrize("rounds", [1, 2])
def test_fewer_rounds_would_be_noticed(monkeypatch, rounds):
    monkeypatch.setattr(permutation, "ROUNDS", rounds)
    assert max(measures([Permutation(SIZE, [seed, 0])[:] for seed in range(SEEDS)]).values()) > 25


def test_every_order_of_four_numbers_is_about_as_frequent():
    found = Counter(tuple(Permutation(4, seed)[:].tolist()) for seed in range(2400))
    assert len(found) == 24
    assert min(found.values()) > 50  # 100 on average


# In training


def new_model():
    model = Sequential([Input((2,)), Dense(1)], seed=4)
    model.compile("adam", "mse")
    return model


def data(rows):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 2)).astype("float32")
    return x, x.sum(axis=1)


@pytest.fixture
def computed_orders(monkeypatch):
    monkeypatch.setattr(randomness, "STORED", 50)


def rows_of_an_epoch(model, x, y, **arguments):
    """Return the samples of the next epoch in their order, by the value of their first feature."""
    seen = []
    step = model.trainer.step
    model.trainer.step = lambda batch, where: (seen.extend(batch[0][:, 0].tolist()), step(batch, where))[1]
    model.fit(x, y, batch_size=8, verbose=0, **arguments)
    del model.trainer.step
    return seen


def test_an_epoch_takes_each_sample_once(computed_orders):
    x, y = data(100)
    model = new_model()
    first, second = (rows_of_an_epoch(model, x, y) for _ in range(2))
    assert sorted(first) == sorted(second) == sorted(x[:, 0].tolist())
    assert first != second


def test_the_order_is_the_cipher_s_from_a_size_on(computed_orders):
    x, y = data(100)
    assert rows_of_an_epoch(new_model(), x, y) == x[Permutation(100, [4, 0])[:], 0].tolist()
    drawn = np.random.default_rng([4, 0]).permutation(50)
    assert rows_of_an_epoch(new_model(), x[:50], y[:50]) == x[drawn, 0].tolist()


def test_validation_samples_are_not_trained_on(computed_orders):
    x, y = data(100)
    seen = rows_of_an_epoch(new_model(), x, y, validation_split=0.2, split="last")
    assert sorted(seen) == sorted(x[:80, 0].tolist())
    assert seen != x[:80, 0].tolist()


def test_steps_of_an_epoch_are_the_first_of_its_order(computed_orders):
    x, y = data(100)
    assert rows_of_an_epoch(new_model(), x, y, steps_per_epoch=3) == rows_of_an_epoch(new_model(), x, y)[:24]


def test_a_run_resumes_in_the_middle_of_a_computed_order(computed_orders, tmp_path):
    x, y = data(100)
    whole = new_model()
    whole.fit(x, y, batch_size=8, epochs=3, verbose=0)
    begun = new_model()
    saving = ModelCheckpoint(tmp_path / "{epoch}-{batch}.safetensors", save_freq=5)
    begun.fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=saving)
    checkpoints = list(tmp_path.iterdir())
    assert len(checkpoints) == 7
    for checkpoint in checkpoints:
        resumed = new_model()
        resumed.fit(x, y, batch_size=8, epochs=3, verbose=0, resume=checkpoint, callbacks=saving)
        np.testing.assert_array_equal(resumed.get_weights()[0], whole.get_weights()[0])
