"""A training step: gradients, a look at whether they are finite, the optimizer; all or nothing."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.errors import NonFiniteError
from minidl.training.scores import Scores, returned
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential

CAREFUL = 1e25  # an update of this size could overflow float32


Where = tuple[str, int, int]  # call, epoch and batch, for messages


def step(
    model: "Sequential", x: Array, y: Any, weight: Array | None, where: Where = ("step", 0, 0)
) -> tuple[float, Array]:
    """Take one training step on a checked batch; return its loss and the trunk's output.

    Raises
    ------
    NonFiniteError, CertificationError
        Before anything has changed.
    """
    states = [state.copy() for state in model.plan.states]
    if model.check_gradients is not None:
        _certify_once(model, x, y)
    try:
        return _attempt(model, x, y, weight, where)
    except BaseException:
        for state, before in zip(model.plan.states, states, strict=True):
            state[...] = before
        raise


@np.errstate(all="ignore")  # instead, what is not finite is looked for
def _attempt(model: "Sequential", x: Array, y: Any, weight: Array | None, where: Where) -> tuple[float, Array]:
    plan, optimizer = model.plan, model.optimizer
    values, gradients = plan.parameters.values, plan.parameters.gradients
    loss, z = plan.backpropagate(x, y, weight)
    square = plan.square_of_gradients()
    if not math.isfinite(loss) or not (math.isfinite(square) or np.isfinite(gradients).all()):
        raise NonFiniteError(blame(model, x, loss, where))
    frozen = [(part, values[part].copy()) for part in plan.frozen]
    rate = optimizer.learning_rate
    if max(1.0, math.sqrt(square)) * rate < CAREFUL and rate * (optimizer.weight_decay or 0.0) <= 2.0:
        optimizer.step(values, gradients)
    else:
        _careful_step(model, where)
    for part, value in frozen:
        values[part] = value
    return loss, z


def _certify_once(model: "Sequential", x: Array, y: Any) -> None:
    """Certify each layer on the first batch after `compile`."""
    if not model._certified:
        from minidl.testing import certify_model

        certify_model(model, x, y, level="quick")
        model._certified = True


def _careful_step(model: "Sequential", where: Where) -> None:
    """Take a step that may overflow, and take it back if it does."""
    values, before = model.parameters.values, model.parameters.values.copy()
    state = model.optimizer.get_state()
    model.optimizer.step(values, model.parameters.gradients)
    if not np.isfinite(values).all():
        rate = model.optimizer.learning_rate
        values[...] = before
        model.optimizer.set_state(state)
        raise NonFiniteError(
            f"{_place(where)}the update overflowed {values.dtype} (learning rate {rate:g}). "
            "The weights are those before it. Lower the learning rate or clip the gradients."
        )


def blame(model: "Sequential", x: Array, loss: float, where: Where) -> str:
    """Return the message that names the first array that is not finite."""
    plan = model.plan
    first = None
    for training in (False, True):
        y = x
        for layer in plan.for_inference()[0]:
            y = layer.forward(y, training) if first is None else y
            if first is None and not np.isfinite(y).all():
                first = f"the output of {layer.label}" + (" in training" if training else "")
    if first is None and math.isfinite(loss):
        bad = [
            name for name in reversed(list(model.parameters)) if not np.isfinite(model.parameters.gradient(name)).all()
        ]
        path, _, name = bad[0].rpartition("/")
        first = f"the gradient d{name} of layer {path!r}"
    return (
        f"{_place(where)}expected a finite loss and finite gradients, got loss {loss:g}; "
        f"the first array that is not finite is {first or 'the loss itself'}. "
        f"The weights are those of the last finite step. Lower the learning rate "
        f"({model.optimizer.learning_rate:g} now), scale the data, or clip the gradients."
    )


def _place(where: Where) -> str:
    call, epoch, batch = where
    return f"fit: epoch {epoch + 1}, batch {batch}: " if call == "fit" else f"{call}: "


def train_on_batch(model: "Sequential", x: Any, y: Any, weight: Any, class_weight: Any, return_dict: bool) -> Any:
    """Take one step: see `Sequential.train_on_batch`."""
    model._require_compiled("train_on_batch")
    x, y, weight = model.table(x, y, weight, class_weight).batch(slice(None))
    loss, z = step(model, x, y, weight, ("train_on_batch", 0, 0))
    logs = {"loss": loss}
    if model.metrics or model.weighted_metrics:
        scores = Scores(model)
        scores.update(y, model.plan.finish(z), weight)
        logs = scores.logs(loss)
    return returned(logs, return_dict)
