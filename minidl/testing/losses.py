"""certify_loss: certifies a loss as a layer whose output is one number for the whole batch."""

from collections.abc import Iterator
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Unpack

import numpy as np

from minidl.errors import ArgumentError, MinidlError
from minidl.losses import Loss
from minidl.testing.certificate import Certificate
from minidl.testing.certification import Options, certify
from minidl.testing.loss_layer import TARGETS, WEIGHTS, LossLayer, rows_of_probabilities, targets_for
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape


class LossSubject(Subject):
    """A loss under test; if the kinds of targets are given, it has no companions."""

    whole_batch = True
    modes = (True,)
    excluded = MappingProxyType(dict.fromkeys(("mode", "running", "random"), "a loss has one mode"))
    call = "certify_loss"

    def __init__(self, loss: Loss, weights: str = "none", kinds: list[str] | None = None) -> None:
        self.loss, self.alone, self.kinds = loss, kinds is not None, kinds or kinds_of_targets(loss)
        super().__init__(LossLayer(loss, self.kinds[0], weights))
        self.name, self.domain = repr(loss), input_domain(loss, self.kinds[0])
        tried = {
            "weights": [kind for kind in WEIGHTS if kind != weights],
            "targets": self.kinds[1:],
            "loss": variants(loss),
        }
        declared = {"certify_arguments": tried, "certify_input_shape": (outputs_of(loss),)}
        self.cls = type("LossLayer", (LossLayer,), declared)

    def companions(self) -> Iterator[tuple[str, Subject, tuple[str, ...] | None]]:
        """Yield the same loss with sample weights, and on logits."""
        if self.alone:
            return
        yield "weighted", LossSubject(self.loss, "double", self.kinds), ("contract", "dtype", "state", "batch")
        if self.loss.link is not None and not self.loss.from_logits:
            checks = ("contract", "linear-in-u", "numeric", "extreme")
            yield "on logits", LossSubject(self.loss.copy_with(from_logits=True), kinds=self.kinds), checks

    def own_inputs(self, rng: np.random.Generator, shape: Shape) -> Iterator[tuple[str, Array]]:
        """Yield predictions at and near the targets."""
        targets = targets_for(self.example.targets, shape[0], self.example.loss.columns(shape[-1]))
        if targets.shape == shape and targets.dtype.kind == "f" and self.domain in ("real", "positive"):
            yield "predictions at the targets", targets
            for far in (1e-2, 1e-4, 1e-7):
                yield f"predictions {far:g} off the targets", targets + far * np.abs(rng.standard_normal(shape))


def variants(loss: Loss) -> list[Loss]:
    """Return copies of ``loss`` with one numeric or boolean argument changed."""
    found, config = [], loss.get_config()
    for name, value in config.items():
        tries: list[Any] = [0.37 * value or 0.2, 2.3 * value + 0.1, 0.7] if isinstance(value, float) else []
        if isinstance(value, bool) and name != "from_logits":
            tries = [not value]
        for other in tries:
            with suppress(MinidlError):
                found.append(type(loss).from_config({**config, name: other}))
    return found


def outputs_of(loss: Loss) -> int:
    """Return a number of outputs that a loss accepts: 3, or an even number if targets have another width."""
    if has_own_columns(loss):
        for outputs in (2, 4, 6, 12, 3):
            if any(np.isfinite(_value(loss, kind, np.full((4, outputs), 0.3))) for kind in TARGETS):
                return outputs
    return 3


def has_own_columns(loss: Loss) -> bool:
    """Return whether targets and outputs have different widths."""
    return type(loss).columns is not Loss.columns


def input_domain(loss: Loss, targets: str) -> Any:
    """Return the domain of the predictions: as declared, implied by the link, or measured on forward."""
    declared = "real" if loss.from_logits else getattr(type(loss), "input_domain", None)
    if declared is not None:
        return declared
    if loss.link == "softmax":
        return lambda rng, shape: rows_of_probabilities(rng, shape[0], shape[-1])
    if loss.link == "sigmoid" or _clips(loss, targets):
        return "probability"
    for domain, low in (("real", -1.3), ("positive", 0.3)):
        if np.isfinite(_value(loss, targets, low + np.linspace(0, 2, 2 * outputs_of(loss)).reshape(2, -1))):
            return domain
    return "probability"


def _value(loss: Loss, targets: str | Array, y_pred: Array) -> float:
    """Return the loss of predictions for a kind of targets, or for given targets; NaN if it raises an error."""
    with suppress(Exception), np.errstate(all="ignore"):
        rows, outputs = y_pred.shape
        y_true = targets_for(targets, rows, loss.columns(outputs)) if isinstance(targets, str) else targets
        loss.check_targets(y_true, outputs)
        return float(loss.forward(y_pred, y_true))
    return float("nan")


def _clips(loss: Loss, kind: str) -> bool:
    """Return whether the loss is constant outside [0, 1], which means that it expects probabilities."""
    pattern = np.linspace(0.5, 1, 2 * outputs_of(loss)).reshape(2, -1)  # not constant: softmax is invariant to a shift
    beyond = (-0.5 * pattern, -1.5 * pattern, 1 + 0.5 * pattern, 1 + 1.5 * pattern)
    low, lower, high, higher = (_value(loss, kind, y_pred) for y_pred in beyond)
    return low == lower and high == higher


def kinds_of_targets(loss: Loss) -> list[str]:
    """Return the kinds of targets to use: as declared, implied by the class's attributes, or measured on forward."""
    declared = getattr(type(loss), "target_domain", None)
    if declared is not None:
        return [declared] if isinstance(declared, str) else list(declared)
    if loss.sparse:
        kinds = ["labels"]
    elif loss.link == "softmax":
        kinds = ["probability", "one_hot"]
    elif loss.binary or loss.link == "sigmoid":
        kinds = ["soft", "binary"]
    elif has_own_columns(loss):
        kinds = ["real", "positive", "one_hot", "signs", "labels"]
    elif _is_least_at_the_target(loss):
        kinds = ["real", "one_hot"]
    else:
        kinds = ["one_hot", "probability", "signs", "positive", "labels"]
    somewhere = [np.full((4, outputs_of(loss)), value) for value in (0.3, 1 / 3)]
    accepted = [kind for kind in kinds if np.isfinite([_value(loss, kind, y_pred) for y_pred in somewhere]).any()]
    if not accepted:
        raise ArgumentError(
            f"certify_loss: expected {type(loss).__name__} to accept targets of one kind: {', '.join(kinds)}. "
            "Give the class an attribute target_domain = one of " + ", ".join(map(repr, TARGETS)) + "."
        )
    return accepted if len(kinds) < 5 else accepted[:1]


def _is_least_at_the_target(loss: Loss) -> bool:
    """Return whether real targets are valid, that is, whether the loss is least if predictions equal targets."""
    y_true, rng = targets_for("real", 4, 3), np.random.default_rng(1)
    others = [y_true + 0.3 * rng.standard_normal(y_true.shape) for _ in range(6)]
    return all(_value(loss, y_true, y_true) <= _value(loss, y_true, other) for other in others)


def certify_loss(loss: Loss, *, input_shape: Shape | None = None, **options: Unpack[Options]) -> Certificate:
    """Test ``loss.backward`` with and without sample weights; if something is wrong, raise an error that reports it.

    Parameters
    ----------
    loss : Loss
        It is left unchanged. Its class may declare ``input_domain`` as a layer does, and ``target_domain``: one of
        "real", "positive", "one_hot", "probability", "binary", "soft", "signs", "labels".
    input_shape : tuple of int, optional
        ``(outputs,)``, by default (3,) or a width ``loss.columns`` accepts. The other arguments are those of `certify`.

    Raises
    ------
    CertificationError, ArgumentError
        As in `certify`.

    Examples
    --------
    >>> from minidl.testing import certify_loss
    >>> certify_loss(minidl.losses.MeanSquaredError()).outcome
    'PASS'
    """
    if isinstance(loss, type) or not isinstance(loss, Loss):
        raise ArgumentError(
            f"certify_loss: expected an instance of a Loss, got {loss!r}. For functions there is certify_function."
        )
    __tracebackhide__ = True
    return certify(LossSubject(type(loss).from_config(loss.get_config())), input_shape=input_shape, **options)
