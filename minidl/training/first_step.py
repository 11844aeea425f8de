"""The first step: every call of a layer and of the loss is compared with its contract.

A wrong custom layer is thus named at once, and all later steps run without the checks.
"""

from typing import Any

import numpy as np

from minidl.data import read_only
from minidl.errors import LayerError
from minidl.layers.checked import call_guarded, expect_array
from minidl.losses import Loss
from minidl.training.objective import Objective
from minidl.typing import Array


def checked(objective: Objective) -> Objective:
    """Return the same objective with all its calls checked."""
    loss: Any = CheckedLoss(objective.loss)
    return objective.replaced(objective.network.checked(), loss)


class CheckedLoss:
    """Forward and backward of ``loss``, with what they return checked."""

    def __init__(self, loss: Loss) -> None:
        self.loss, self.name = loss, type(loss).__name__

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        """Run the loss's forward; it must return a number."""
        self.shape, self.dtype = y_pred.shape, y_pred.dtype
        arrays = read_only(y_pred), read_only(y_true), sample_weight
        value = call_guarded(self.loss, f"{self.name}: forward", "forward", *arrays)
        real = isinstance(value, (int, float, np.integer, np.floating))
        if not real and not (isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind == "f"):
            got = f"shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
            raise LayerError(f"{self.name}: forward: expected it to return a number, got {got}. Use self.mean.")
        return value

    def backward(self) -> Array:
        """Run the loss's backward; it must return an array like the predictions."""
        dy = self.loss.backward()
        expect_array(dy, f"{self.name}: backward", self.shape, self.dtype)
        return dy
