"""Prediction with callbacks around the batches."""

import numpy as np

from minidl.callbacks import CallbackList
from minidl.network import Network
from minidl.typing import Array


def predict_with_callbacks(network: Network, x: Array, rows: int, callbacks: CallbackList) -> Array:
    """Return the outputs for checked samples, ``rows`` at a time: see `Sequential.predict`."""
    twin = network.inference_twin()
    y = np.empty((len(x), *network.output_shape), network.dtype)
    callbacks.set_params({"steps": -(-len(x) // rows)})
    callbacks.on_predict_begin({})
    for index, start in enumerate(range(0, len(x), rows)):
        part = slice(start, start + rows)
        callbacks.on_predict_batch_begin(index, {})
        y[part] = twin.infer(x[part])
        callbacks.on_predict_batch_end(index, {"outputs": y[part]})
    callbacks.on_predict_end({})
    return y
