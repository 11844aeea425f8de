"""Monitor: one value of the logs, and which way is better.

`EarlyStopping`, `ReduceLROnPlateau` and `ModelCheckpoint` watch their value through it.
"""

import math
from typing import Any

from minidl import checks
from minidl.errors import ArgumentError

BETTER_WHEN_HIGHER = ("acc", "auc", "precision", "recall", "f1", "r2", "score", "top_k")
BETTER_WHEN_LOWER = ("loss", "error", "crossentropy", "entropy", "mse", "mae", "huber", "cosh", "poisson", "hinge")


class Monitor:
    """Reads ``name`` from the logs and compares it; ``who``, the callback's name, opens the messages.

    ``mode`` says which way is better: "min", "max", or "auto", which goes by the name: losses and errors fall,
    accuracies and scores rise. A change smaller than ``min_delta`` is no improvement.
    """

    def __init__(self, name: Any, mode: str, min_delta: float, who: str) -> None:
        if not isinstance(name, str) or not name:
            raise ArgumentError(f"{who}: monitor: expected the name of a value in the logs, got {name!r}.")
        self.name, self.who = name, who
        self.min_delta = checks.number(min_delta, f"{who}: min_delta", at_least=0)
        if checks.choice(mode, f"{who}: mode", ("auto", "min", "max")) == "auto":
            falls = any(word in name for word in BETTER_WHEN_LOWER)
            if not falls and not any(word in name for word in BETTER_WHEN_HIGHER):
                raise ArgumentError(
                    f"{who}: mode: expected 'min' or 'max', got 'auto', and {name!r} does not tell which is better."
                )
            mode = "min" if falls else "max"
        self.sign = 1 if mode == "max" else -1

    @property
    def worst(self) -> float:
        """What every value improves on."""
        return -self.sign * math.inf

    def read(self, logs: dict[str, Any] | None) -> float:
        """Return the value in the logs, or raise an `ArgumentError` that names what they hold."""
        logs = logs or {}
        if self.name not in logs:
            fix = " Pass validation_data or validation_split to fit." if self.name.startswith("val_") else ""
            known = ", ".join(repr(name) for name in logs)
            raise ArgumentError(
                f"{self.who}: monitor: expected one of {known}; got {self.name!r}."
                f"{fix or checks.did_you_mean(self.name, logs)}"
            )
        return float(logs[self.name])

    def improves(self, value: float, best: float) -> bool:
        """Return whether ``value`` is better than ``best`` by more than ``min_delta``."""
        return self.sign * value > self.sign * best + self.min_delta
