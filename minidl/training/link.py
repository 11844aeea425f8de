"""The link between the last layer and the loss: a Sigmoid or Softmax, or none, with a loss on logits."""

from minidl.errors import ArgumentError
from minidl.layers import Layer, Sigmoid, Softmax
from minidl.layers.activations import ActivationLayer
from minidl.layers.dense import WeightedSums
from minidl.losses import Loss

LINKS: dict[str, type] = {"sigmoid": Sigmoid, "softmax": Softmax}
ENDS: dict[type, str] = {Sigmoid: "sigmoid", Softmax: "softmax", WeightedSums: "linear", ActivationLayer: "activation"}


def check_end(layers: tuple[Layer, ...], output_shape: tuple[int, ...] | None, loss: Loss) -> None:
    """Raise an `ArgumentError` if ``loss`` expects probabilities or logits and the last layer gives the other."""
    link, name = loss.link, loss.get_name()
    if link is None or not layers:
        return
    last = type(layers[-1])
    end = ENDS.get(last) or next(
        (ENDS[kind] for kind in (WeightedSums, ActivationLayer) if issubclass(last, kind)), None
    )
    if loss.from_logits and end in ("sigmoid", "softmax"):
        raise ArgumentError(
            f"compile: loss: expected a model that ends in logits for {name}(from_logits=True), "
            f"got one that ends in {last.__name__}. Leave out one of the two."
        )
    if not loss.from_logits and end not in (None, link):
        raise ArgumentError(
            f"compile: loss: expected a model that ends in {link.capitalize()} for {name}, got one that ends in "
            f"{last.__name__}. Add {link.capitalize()}() or use another loss."
        )
    if link == "softmax" and output_shape is not None and output_shape[-1:] == (1,):
        raise ArgumentError(
            f"compile: loss: expected a model with at least 2 outputs for {name}, got 1: the loss would always be 0. "
            "Give it an output for each class, or use binary_crossentropy."
        )
