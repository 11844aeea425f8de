"""Freezing: a frozen layer computes as in inference, so that its state stays, from wherever it is called."""

import functools
from typing import Any


def infer_where_frozen(kind: Any) -> None:
    """Let the frozen layers of a class run in inference, from wherever they are called, so that their state stays."""
    forward = kind.forward
    if not hasattr(forward, "infers_where_frozen"):

        @functools.wraps(forward)
        def forward_unless_frozen(self: Any, x: Any, training: bool = False) -> Any:
            return forward(self, x, training and self.trainable)

        vars(forward_unless_frozen)["infers_where_frozen"] = True
        kind.forward = forward_unless_frozen
