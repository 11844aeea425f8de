"""Training steps and epochs of minidl and its peers, each in its fastest form.

``..._step(network, batches)`` returns ``run(n)``, which takes n steps on the batches in turn, waits for the last one
and returns its loss. ``..._epoch(network, x, y, batch)`` returns ``run(n)``, which trains for n shuffled epochs, and
``predict(x)``, which returns the scores of the trained model. Peers are optional, so each is imported only where it is
used.
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
