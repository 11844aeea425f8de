"""Prediction with callbacks for each batch, or for an iterable of batches."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.callbacks import CallbackList
from minidl.data import Stream, Words, check_features, is_stream
from minidl.errors import ArgumentError
from minidl.network import Network
from minidl.typing import Array

PREDICTION = Words("", "predict: x", "predict: steps")


def predict_batches(network: Network, x: Any, rows: int, steps: int | None, callbacks: CallbackList) -> Array:
    """Return the outputs for samples, ``rows`` at a time, or for an iterable of batches: see `Sequential.predict`."""

    def features(item: Any, who: str) -> Array:
        with_targets = isinstance(item, (tuple, list)) and np.ndim(item[0]) > len(network.input_shape)
        return check_features(item[0] if with_targets else item, network, f"{who}x")

    steps = None if steps is None else checks.integer(steps, PREDICTION.steps, minimum=1)
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
