"""minidl: a step and an epoch."""

from typing import Any

import numpy as np
from networks import EPSILON, RATE, Network

from peers.shared import Batches, Epochs, Run, turns


def minidl_model(network: Network) -> Any:
    """Return a compiled model with the initial weights that all contenders share."""
    from minidl import BatchNormalization, Dense, Input, LayerNormalization, ReLU, Sequential, Tanh, optimizers

    *hidden, last = [units for _, units in network.pairs]
    head = {"classes": "softmax", "binary": "sigmoid", "regression": None}[network.task]
    loss = {"classes": "sparse_categorical_crossentropy", "binary": "binary_crossentropy", "regression": "mse"}
    layers: list[Any] = [Dense(units, activation=network.activation) for units in hidden]
    if network.normalization:
        normalization = {"batch": BatchNormalization, "layer": LayerNormalization}[network.normalization]
        activation = {"relu": ReLU, "tanh": Tanh}[network.activation]
        layers = [layer for units in hidden for layer in (Dense(units), normalization(), activation())]
    model = Sequential([Input((network.sizes[0],)), *layers, Dense(last, activation=head)], seed=0)
    model.compile(optimizer=optimizers.Adam(RATE, epsilon=EPSILON), loss=loss[network.task])
    arrays = network.weights()
    for layer in model.layers:
        if isinstance(layer, Dense):
            layer.W, layer.b = arrays.pop(0), arrays.pop(0)
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
