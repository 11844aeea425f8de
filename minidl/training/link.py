"""The link between the last layer and the loss: Sigmoid or Softmax, or none for a loss on logits."""

from typing import Any

from minidl.attribute_names import is_builtin
from minidl.errors import ArgumentError
from minidl.layers import Layer, Sigmoid, Softmax, Tanh
from minidl.layers.activations import ActivationLayer
from minidl.layers.dense import WeightedSums
from minidl.losses import Loss
from minidl.losses.regression import NumberLoss

LINKS: dict[str, type] = {"sigmoid": Sigmoid, "softmax": Softmax}
ENDS: dict[type, str] = {Sigmoid: "sigmoid", Softmax: "softmax", WeightedSums: "linear", ActivationLayer: "activation"}


def check_end(layers: tuple[Layer, ...], output_shape: tuple[int, ...] | None, loss: Loss) -> None:
    """Raise an `ArgumentError` if ``loss`` expects probabilities and the last layer gives logits, or vice versa."""
    link, name, who = loss.link, loss.get_name(), "compile: loss: expected a model"
    if link is None or not layers:
        return
    last = type(layers[-1])
    kinds = [kind for kind in (last, WeightedSums, ActivationLayer) if kind in ENDS and issubclass(last, kind)]
    end = ENDS[kinds[0]] if kinds else None
    if loss.from_logits and end in ("sigmoid", "softmax"):
        got = f"one that ends in {last.__name__}. Leave out one of the two."
        raise ArgumentError(f"{who} that ends in logits for {name}(from_logits=True), got {got}")
    if not loss.from_logits and end not in (None, link):
        got = f"one that ends in {last.__name__}. Add {link.capitalize()}() or use another loss."
        raise ArgumentError(f"{who} that ends in {link.capitalize()} for {name}, got {got}")
    if link == "softmax" and output_shape is not None and output_shape[-1:] == (1,):
        fix = "Give it an output for each class, or use binary_crossentropy."
        raise ArgumentError(f"{who} with at least 2 outputs for {name}, got 1: the loss would always be 0. {fix}")


def check_accuracy(metrics: Any, loss: Loss, last: Layer) -> None:
    """Raise an `ArgumentError` for ``"accuracy"`` among the metrics of a regression, where it is meaningless."""
    regression = isinstance(loss, NumberLoss) and not isinstance(last, (Sigmoid, Softmax, Tanh))
    if regression and is_builtin(type(last)) and {"accuracy", "acc"} & {m for m in metrics or () if isinstance(m, str)}:
        got = "'accuracy'. Use 'mae' or R2Score(); for classes end the model in Softmax or Sigmoid."
        raise ArgumentError(f"compile: metrics: expected metrics of numbers for {loss.get_name()}, got {got}")
