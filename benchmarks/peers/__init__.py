"""One training step, and one epoch, of minidl and of each peer at its best.

``..._step(network, batches)`` returns ``run(n)``: n steps on the batches in turn, waiting for the last, whose loss it
returns.
``..._epoch(network, x, y, batch)`` returns ``run(n)``, n shuffled epochs in batches, and ``predict(x)``, the scores of
the rows with what has been learnt. Peers are optional, hence imported where they are used.
"""

from peers.of_jax import jax_epoch, jax_loop_epoch, jax_parts, jax_step
from peers.of_keras import keras_epoch, keras_model, keras_step
from peers.of_minidl import minidl_epoch, minidl_model, minidl_step
from peers.of_sklearn import sklearn_epoch, sklearn_model, sklearn_step
from peers.of_torch import torch_epoch, torch_loader_epoch, torch_parts, torch_predict, torch_step
from peers.shared import products

__all__ = [
    "jax_epoch",
    "jax_loop_epoch",
    "jax_parts",
    "jax_step",
    "keras_epoch",
    "keras_model",
    "keras_step",
    "minidl_epoch",
    "minidl_model",
    "minidl_step",
    "products",
    "sklearn_epoch",
    "sklearn_model",
    "sklearn_step",
    "torch_epoch",
    "torch_loader_epoch",
    "torch_parts",
    "torch_predict",
    "torch_step",
]
