"""minidl: a step and an epoch."""

from typing import Any

import numpy as np
from networks import EPSILON, RATE, Network

from peers.shared import Batches, Epochs, Run, turns


def minidl_model(network: Network) -> Any:
    """Return the compiled model with the common initial weights."""
    from minidl import Dense, Input, Sequential, optimizers

    *hidden, last = [units for _, units in network.pairs]
    head = {"classes": "softmax", "binary": "sigmoid", "regression": None}[network.task]
    loss = {"classes": "sparse_categorical_crossentropy", "binary": "binary_crossentropy", "regression": "mse"}
    layers = [Input((network.sizes[0],)), *[Dense(units, activation=network.activation) for units in hidden]]
    model = Sequential([*layers, Dense(last, activation=head)], seed=0)
    model.compile(optimizer=optimizers.Adam(RATE, epsilon=EPSILON), loss=loss[network.task])
    model.set_weights(network.weights())
    return model


def minidl_step(network: Network, batches: Batches) -> Run:
    model = minidl_model(network)

    def run(n: int) -> float:
        for x, y in turns(batches, n):
            loss = model.train_on_batch(x, y)
        return loss

    return run


def minidl_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    model = minidl_model(network)
    return lambda n: model.fit(x, y, batch_size=batch, epochs=n, verbose=0), model.predict
