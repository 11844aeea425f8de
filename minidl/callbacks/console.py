"""Console: what callbacks print, and the logs as text."""

import contextlib
import threading
from numbers import Real
from typing import Any

import numpy as np

console = threading.local()  # ``silent`` is True if another rank of a distributed run prints


def print_line(text: str) -> None:
    """Print a line and flush it; without a console, or with a closed or full one, the line is lost."""
    if not getattr(console, "silent", False):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            print(text, flush=True)  # noqa: T201


def format_logs(logs: Any, separator: str) -> str:
    """Return the numbers and strings of the logs as ``loss: 0.25``, joined by the separator, without arrays."""
    values = {name: np.asarray(value, object) for name, value in (logs or {}).items()}
    items = {name: value.item() for name, value in values.items() if value.ndim == 0}
    shown = {name: f"{float(item):.4g}" if isinstance(item, Real) else item for name, item in items.items()}
    return separator.join(f"{name}: {text}" for name, text in shown.items())
