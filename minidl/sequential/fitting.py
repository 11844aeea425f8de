"""What must fit together before a model trains: its last layer and its loss, its shapes and the data."""

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.data import Table, as_array, check_features, check_targets, check_weights, class_factors
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.layers import Dense, Sigmoid, Softmax
from minidl.layers.activations import ActivationLayer
from minidl.losses import Loss

if TYPE_CHECKING:
    from minidl.sequential.model import Sequential

ENDS: dict[type, str] = {Sigmoid: "sigmoid", Softmax: "softmax", Dense: "linear"}


def check_ends(model: "Sequential", loss: Loss) -> None:
    """Raise an `ArgumentError` if ``loss`` wants probabilities or logits and ``model`` ends in the other."""
    leaves = list(model._leaves())
    link, name = loss.link, loss.get_name()
    if link is None or not leaves:
        return
    last = type(leaves[-1])
    ends = ENDS.get(last, "activation" if issubclass(last, ActivationLayer) else None)
    if loss.from_logits and ends in ("sigmoid", "softmax"):
        raise ArgumentError(
            f"compile: loss: expected a model that ends in logits for {name}(from_logits=True), "
            f"got one that ends in {last.__name__}. Leave out one of the two."
        )
    if not loss.from_logits and ends not in (None, link):
        raise ArgumentError(
            f"compile: loss: expected a model that ends in {link.capitalize()} for {name}, got one that ends in "
            f"{last.__name__}. Add {link.capitalize()}() or use another loss."
        )
    if link == "softmax" and model.output_shape is not None and model.output_shape[-1:] == (1,):
        raise ArgumentError(
            f"compile: loss: expected a model with at least 2 outputs for {name}, got 1: the loss would always be 0. "
            "Give it an output for each class, or use binary_crossentropy."
        )


def make_table(model: "Sequential", x: Any, y: Any, sample_weight: Any, class_weight: Any, who: str) -> Table:
    """Return the rows checked against ``model`` and its loss, building the model if it is not built.

    If anything does not fit, nothing has changed.
    """
    trial = model if model._built else built_for(model, x, who)
    x = check_features(x, trial.input_shape, trial._chain[0], trial.dtype, f"{who}x")  # type: ignore[arg-type]
    if not len(x):
        raise DataError(f"{who}x: expected at least one row, got shape {x.shape}.")
    if len(trial.output_shape) != 1:  # type: ignore[arg-type]
        raise ShapeError(f"{model.label}: expected outputs of shape (batch, units), got rows of {trial.output_shape}.")
    outputs = trial.output_shape[0]  # type: ignore[index]
    y = check_targets(y, len(x), outputs, model.loss, model.dtype, f"{who}y")
    weight = check_weights(sample_weight, len(x), model.dtype, f"{who}sample_weight")
    if class_weight is not None:
        loss = model.loss
        if (loss.link is None and not loss.binary) or (loss.binary and outputs > 1):
            raise ArgumentError(
                f"{who}class_weight: expected a loss with one class for each row, got {loss!r} on {outputs} outputs. "
                "Use sample_weight."
            )
        factors = class_factors(class_weight, y, outputs)
        factors = factors if weight is None else weight * factors
        weight = check_weights(factors, len(x), model.dtype, f"{who}class_weight")
    if not model._built:
        model.build(x.shape[1:])
    return Table(x, y, weight, model.dtype)


def built_for(model: "Sequential", x: Any, who: str) -> "Sequential":
    """Return a copy of ``model`` built for ``x``: if anything is wrong, the model itself has not changed."""
    shape = as_array(x, f"{who}x").shape[1:]
    if not shape:
        raise ShapeError(f"{who}x: expected rows of features, got shape {np.shape(x)}. Use x.reshape(-1, 1).")
    trial = copy.deepcopy(model)
    trial.build(shape)
    check_ends(trial, trial.loss)
    return trial
