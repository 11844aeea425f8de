"""The step that the benchmarks write by hand does the same work as minidl's."""

import numpy as np
import pytest
from by_hand import by_hand_epoch, by_hand_step
from networks import Network
from peers import minidl_step

NETWORKS = [
    Network((20, 16, 16, 3)),
    Network((20, 16, 1), activation="tanh", task="binary"),
    Network((20, 16, 2), task="regression"),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.task)
@pytest.mark.parametrize("steps", [1, 10, 205])  # Adam's averages are rescaled every 100 steps
def test_the_losses_after_equal_steps_are_equal(network, steps):
    batches = network.batches(32)
    assert by_hand_step(network, batches)(steps) == pytest.approx(minidl_step(network, batches)(steps), rel=1e-6)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.task)
def test_an_epoch_by_hand_takes_the_steps_of_its_order(network):
    x, y = network.data(128)
    order = np.random.default_rng(0).permutation(128)
    batches = [(x[rows], y[rows]) for rows in np.split(order, 4)]
    assert by_hand_epoch(network, x, y, 32)[0](1) == pytest.approx(by_hand_step(network, batches)(4), rel=1e-6)
