"""Freezing: a frozen layer always runs in inference mode, so that its state does not change."""

import functools
from typing import Any


def infer_where_frozen(kind: Any) -> None:
    """Make the frozen layers of a class always run in inference mode, so that their state does not change."""
    forward = kind.forward
    if not hasattr(forward, "infers_where_frozen"):

        @functools.wraps(forward)
        def forward_unless_frozen(self: Any, x: Any, training: bool = False) -> Any:
            return forward(self, x, training and self.trainable)

        vars(forward_unless_frozen)["infers_where_frozen"] = True
        kind.forward = forward_unless_frozen
