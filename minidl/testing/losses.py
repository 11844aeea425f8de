"""certify_loss: a loss certified as a layer whose output is one number for the whole batch."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import numpy as np

from minidl.errors import ArgumentError, LayerError, MinidlError
from minidl.layers.base import Layer
from minidl.losses import Loss
from minidl.testing.certificate import Certificate
from minidl.testing.certification import examine
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape

ROWS = 64  # of the table of targets; longer batches go through it again

Draw = Callable[[np.random.Generator, int, int], Array]


def _rows_of_probabilities(rng: np.random.Generator, rows: int, outputs: int) -> Array:
    return rng.dirichlet(np.full(outputs, 2.0), rows) if outputs > 1 else rng.uniform(0.05, 0.95, (rows, 1))


TARGETS: dict[str, Draw] = {
    "real": lambda rng, rows, outputs: 1.3 * rng.standard_normal((rows, outputs)),
    "positive": lambda rng, rows, outputs: 0.1 + rng.gamma(2.0, 0.7, (rows, outputs)),
    "one_hot": lambda rng, rows, outputs: np.eye(outputs)[rng.integers(0, outputs, rows)],
    "probability": _rows_of_probabilities,
    "binary": lambda rng, rows, outputs: rng.integers(0, 2, (rows, outputs)).astype(float),
    "soft": lambda rng, rows, outputs: rng.uniform(0, 1, (rows, outputs)),
    "signs": lambda rng, rows, outputs: rng.choice([-1.0, 1.0], (rows, outputs)),
    "labels": lambda rng, rows, outputs: rng.integers(0, outputs, rows),
}


class LossLayer(Layer):
    """``y = [loss(x, targets)]``, ``dx = dy * loss.backward()``: a loss in a layer's place.

    Parameters
    ----------
    loss : Loss
    targets : str
        Kind of the targets: a key of `TARGETS`.
    weighted : bool
        Whether rows have weights.
    """

    def __init__(self, loss: Loss, targets: str, weighted: bool = False) -> None:
        self.loss = loss
        self.targets = targets
        self.weighted = weighted

    def with_other_targets(self, x: Array) -> None:
        """Call the loss for targets that belong to other rows."""
        self._others = True
        self.forward(x)
        self.loss.backward()
        self._others = False

    @property
    def certified(self) -> Loss:
        """The object whose source a finding points at."""
        return self.loss

    def build(self, input_shape: Shape) -> Shape:
        return ()

    def detached(self) -> Self:
        twin = super().detached()
        twin.loss = copy.copy(self.loss)
        return twin

    def forward(self, x: Array, training: bool = False) -> Array:
        y_true, weight = targets_for(self.targets, len(x), x.shape[-1])
        if self.__dict__.get("_others"):
            y_true, weight = np.roll(y_true, 1, axis=0), np.roll(weight, 1)
        if y_true.dtype.kind == "f":
            y_true = y_true.astype(x.dtype if x.dtype.kind == "f" else float)
        self._y_true = y_true
        if self.weighted:
            self._sample_weight = weight
        y_true.flags.writeable = weight.flags.writeable = False
        value = self.loss.forward(x, y_true, weight.astype(x.dtype) if self.weighted else None)
        if np.ndim(value) != 0:
            raise LayerError(f"{type(self.loss).__name__}: forward: expected one number, got shape {np.shape(value)}.")
        return np.asarray([value])

    def backward(self, dy: Array) -> Array:
        last = self.__dict__.get("_last")
        gradient = self.loss.backward()
        if last is not None and not np.array_equal(*last):
            name = type(self.loss).__name__
            raise LayerError(f"{name}: backward: expected its earlier results to stay, got the same buffer.")
        if not isinstance(gradient, np.ndarray):
            return gradient  # the contract says what is wrong
        self._last = gradient, gradient.copy()
        return np.multiply(gradient, dy[0], dtype=gradient.dtype)


def targets_for(kind: str, rows: int, outputs: int) -> tuple[Array, Array]:
    """Return targets and weights for the first ``rows`` rows, always the same."""
    rng = np.random.default_rng(20)
    table, weights = TARGETS[kind](rng, ROWS, outputs), rng.uniform(0.3, 2.0, ROWS)
    weights[1::7] = 0  # rows that do not count
    index = np.arange(rows) % ROWS
    return table[index], weights[index]


class LossSubject(Subject):
    """A loss under test."""

    whole_batch = True

    def __init__(self, loss: Loss, targets: list[str], domain: Any) -> None:
        super().__init__(LossLayer(loss, targets[0]))
        self.name = repr(loss)
        self.domain = domain
        self.cls = type(
            "LossLayer",
            (LossLayer,),
            {"certify_arguments": {"weighted": [True], "targets": targets[1:], "loss": variants(loss)}},
        )


def variants(loss: Loss) -> list[Loss]:
    """Return copies of ``loss`` with one number or flag of its arguments changed."""
    found = []
    config = loss.get_config()
    for name, value in config.items():
        if isinstance(value, bool):
            tries: list[Any] = [] if name == "from_logits" else [not value]
        elif isinstance(value, float):
            tries = [0.37 * value or 0.2, 2.3 * value + 0.1, 0.7]
        else:
            tries = []
        for other in tries:
            try:
                found.append(type(loss).from_config({**config, name: other}))
            except MinidlError:
                continue
    return found


def input_domain(loss: Loss, targets: str) -> Any:
    """Return what predictions may be: as declared, as the link says, or as measured on forward."""
    declared = getattr(type(loss), "input_domain", None)
    if declared is not None:
        return declared
    if loss.from_logits:
        return "real"
    if loss.link == "softmax":
        return lambda rng, shape: _rows_of_probabilities(rng, shape[0], shape[-1])
    if loss.link == "sigmoid" or _clips(loss, targets):
        return "probability"
    for domain, low in (("real", -1.3), ("positive", 0.3)):
        if _finite(loss, targets, low + np.linspace(0, 2, 6).reshape(2, 3)):
            return domain
    return "probability"


def _finite(loss: Loss, kind: str, y_pred: Array) -> bool:
    return bool(np.isfinite(_value(loss, kind, y_pred)))


def _value(loss: Loss, kind: str, y_pred: Array) -> float:
    y_true, _ = targets_for(kind, *y_pred.shape)
    try:
        with np.errstate(all="ignore"):
            return float(loss.forward(y_pred, y_true))
    except Exception:
        return float("nan")


def _clips(loss: Loss, kind: str) -> bool:
    """Return whether the loss does not change outside [0, 1]: then it is meant for probabilities."""
    pattern = np.linspace(0.5, 1, 6).reshape(2, 3)  # not constant: softmax does not see a shift
    beyond = (-0.5 * pattern, -1.5 * pattern, 1 + 0.5 * pattern, 1 + 1.5 * pattern)
    low, lower, high, higher = (_value(loss, kind, y_pred) for y_pred in beyond)
    return low == lower and high == higher


def kinds_of_targets(loss: Loss) -> list[str]:
    """Return the kinds of targets to use: as declared, as the class's attributes say, or as measured on forward."""
    declared = getattr(type(loss), "target_domain", None)
    if declared is not None:
        return [declared] if isinstance(declared, str) else list(declared)
    if loss.sparse:
        kinds = ["labels"]
    elif loss.link == "softmax":
        kinds = ["probability", "one_hot"]
    elif loss.binary or loss.link == "sigmoid":
        kinds = ["soft", "binary"]
    elif _is_least_at_the_target(loss):
        kinds = ["real", "one_hot"]
    else:
        kinds = ["one_hot", "probability", "signs", "positive", "labels"]
    accepted = [kind for kind in kinds if _accepts(loss, kind)]
    if not accepted:
        raise ArgumentError(
            f"certify_loss: expected {type(loss).__name__} to accept one of the targets {', '.join(kinds)}, got none. "
            "Give the class an attribute target_domain = one of " + ", ".join(map(repr, TARGETS)) + "."
        )
    return accepted if len(kinds) < 5 else accepted[:1]


def _is_least_at_the_target(loss: Loss) -> bool:
    """Return whether real targets make sense: the loss is least where the prediction is the target."""
    y_true, _ = targets_for("real", 4, 3)
    rng = np.random.default_rng(1)
    best = _value_at(loss, y_true, y_true)
    return all(best <= _value_at(loss, y_true + 0.3 * rng.standard_normal(y_true.shape), y_true) for _ in range(6))


def _value_at(loss: Loss, y_pred: Array, y_true: Array) -> float:
    try:
        loss.check_targets(y_true, y_true.shape[-1])
        with np.errstate(all="ignore"):
            return float(loss.forward(y_pred, y_true))
    except Exception:
        return float("nan")


def _accepts(loss: Loss, kind: str) -> bool:
    y_true, _ = targets_for(kind, 4, 3)
    try:
        loss.check_targets(y_true, 3)
    except MinidlError:
        return False
    return any(_finite(loss, kind, y_pred) for y_pred in (np.full((4, 3), 0.3), np.full((4, 3), 1 / 3)))


def certify_loss(
    loss: Loss,
    *,
    input_shape: Shape | None = None,
    level: str = "standard",
    seed: int = 0,
    checks: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    on_fail: str = "raise",
) -> Certificate:
    """Prove ``loss.backward`` right, with and without sample weights, or raise with a report; see `certify`.

    Parameters
    ----------
    loss : Loss
        It stays untouched. Its class may declare ``input_domain`` as a layer does, and ``target_domain``: one of
        "real", "positive", "one_hot", "probability", "binary", "soft", "signs", "labels".
    input_shape : tuple of int, optional
        ``(outputs,)``, by default (3,).

    Raises
    ------
    CertificationError, ArgumentError
        As `certify`.

    Examples
    --------
    >>> from minidl.testing import certify_loss
    >>> certify_loss(minidl.losses.MeanSquaredError()).outcome
    'PASS'
    """
    if isinstance(loss, type) or not isinstance(loss, Loss):
        raise ArgumentError(f"certify_loss: expected an instance of a Loss, got {loss!r}.")
    clone = type(loss).from_config(loss.get_config())
    kinds = kinds_of_targets(clone)
    subject = LossSubject(clone, kinds, input_domain(clone, kinds[0]))
    shape = (3,) if input_shape is None else tuple(input_shape)
    return examine(subject, shape, level, seed, checks, exclude, expected_failures, on_fail, call="certify_loss")
