"""Prediction: the outputs for samples, from twins of the layers, so that another thread can train meanwhile."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.callbacks import CallbackList
from minidl.data import Stream, Words, check_features, is_stream
from minidl.errors import ArgumentError
from minidl.layers import Layer
from minidl.network import Network
from minidl.typing import Array

PREDICTION = Words("", "predict: x", "predict: steps")
ROWS = 1024  # processed at a time by default


def predict(network: Network, x: Array, rows: int | None) -> Array:
    """Return the outputs for checked samples, ``rows`` at a time.

    A twin serves many predictions: until an attribute of a layer is set, which clears the layer's public attributes.
    """
    rows = rows or ROWS
    try:
        twin, states = network.idle_twins.pop()  # atomic: no other thread gets the same one
        current = all([layer.get("_attributes") is public for layer, public, _ in states])  # noqa: C419 - faster
    except IndexError:
        current = False
    if not current:
        layers = network.layers
        publics = [layer.public_attributes() for layer in layers]  # before the twin, which may then be newer
        twin = network.inference_twin()
        # a list of layers can change unnoticed, and so can what a twin of another kind is made from
        keeps = all(type(one).inference_twin is Layer.inference_twin and not one.names_of_layers for one in layers)
        states = [*zip(map(vars, layers), publics, map(vars, twin.layers), strict=True)] if keeps else []
    if len(x) <= rows:
        y: Array = twin.infer(x[:])
    else:
        y = np.empty((len(x), *network.output_shape), network.dtype)
        for start in range(0, len(x), rows):
            y[start : start + rows] = twin.infer(x[start : start + rows])
    if states:
        for _, public, own in states:  # drop the caches, which hold the user's data
            own.clear()
            own.update(public)
        network.idle_twins.append((twin, states))
    return y


def predict_batches(network: Network, x: Any, rows: int | None, steps: int | None, callbacks: CallbackList) -> Array:
    """Return the outputs for samples, ``rows`` at a time, or for an iterable of batches: see `Sequential.predict`."""

    def features(item: Any, who: str) -> Array:
        with_targets = isinstance(item, (tuple, list)) and np.ndim(item[0]) > len(network.input_shape)
        return check_features(item[0] if with_targets else item, network, f"{who}x")

    rows, steps = rows or ROWS, None if steps is None else checks.integer(steps, PREDICTION.steps, minimum=1)
    if is_stream(x, None):
        batches = Stream(x, features, steps, PREDICTION).batches()
    else:
        x = check_features(x, network, on_disk=True)
        count = -(-len(x) // rows)
        if steps is not None and steps > count:
            raise ArgumentError(f"predict: steps: expected at most {count}, the number of batches, got {steps}.")
        steps = steps or count
        batches = (x[start : start + rows] for start in range(0, steps * rows, rows))
    twin, outputs = network.inference_twin(), [np.empty((0, *network.output_shape), network.dtype)]
    callbacks.set_params({"steps": steps})
    callbacks.on_predict_begin({})
    for index, batch in enumerate(batches):
        callbacks.on_predict_batch_begin(index, {})
        outputs.append(twin.infer(batch))
        callbacks.on_predict_batch_end(index, {"outputs": outputs[-1]})
    callbacks.on_predict_end({})
    return np.concatenate(outputs)
