"""Keras on JAX: a step and an epoch."""

from typing import Any

import numpy as np
from networks import EPSILON, RATE, Network

from peers.shared import Batches, Epochs, Run, turns


def keras_model(network: Network, steps: int = 1) -> Any:
    """Return a compiled Keras model on JAX, where jit_compile is the default."""
    import keras

    keras.utils.set_random_seed(0)
    *hidden, last = [units for _, units in network.pairs]
    head = {"classes": "softmax", "binary": "sigmoid", "regression": None}[network.task]
    loss = {"classes": "sparse_categorical_crossentropy", "binary": "binary_crossentropy", "regression": "mse"}
    layers = [keras.layers.Dense(units, activation=network.activation) for units in hidden]
    if network.normalization:
        kinds = {"batch": keras.layers.BatchNormalization, "layer": keras.layers.LayerNormalization}
        normalization, activation = kinds[network.normalization], keras.layers.Activation
        layers = [
            layer
            for units in hidden
            for layer in (keras.layers.Dense(units), normalization(), activation(network.activation))
        ]
    model = keras.Sequential([keras.Input((network.sizes[0],)), *layers, keras.layers.Dense(last, activation=head)])
    optimizer = keras.optimizers.Adam(RATE, epsilon=EPSILON)
    model.compile(optimizer=optimizer, loss=loss[network.task], steps_per_execution=steps)
    arrays = network.weights()
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.set_weights([arrays.pop(0), arrays.pop(0)])
    return model


def keras_step(network: Network, batches: Batches) -> Run:
    model = keras_model(network)

    def run(n: int) -> float:
        for step, (x, y) in enumerate(turns(batches, n), 1):
            if step == n:
                model.reset_metrics()  # otherwise the loss is the mean over all steps so far
            loss = model.train_on_batch(x, y)
        return float(loss)

    return run


def keras_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int, *, steps: int = 1) -> Epochs:
    """Return an epoch of fit; each call of the compiled function takes ``steps`` training steps, at most an epoch."""
    model = keras_model(network, min(steps, len(x) // batch))
    return lambda n: model.fit(x, y, batch_size=batch, epochs=n, verbose=0), lambda x: model.predict(x, verbose=0)
