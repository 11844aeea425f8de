"""DeferredSignals: Ctrl-C and SIGTERM wait until the training step that they hit is complete."""

import signal
import threading
from types import FrameType
from typing import Any, Self

HELD = (signal.SIGINT, signal.SIGTERM)


class DeferredSignals:
    """Context in which SIGINT and SIGTERM are held back until `deliver`; a second one goes through at once.

    Their own handlers then run: Ctrl-C raises KeyboardInterrupt, SIGTERM raises SystemExit with 143 where
    the program has no handler. Only the main thread receives signals; in others this does nothing.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self.handlers = {number: signal.getsignal(number) for number in HELD}
            for number in HELD:
                signal.signal(number, self._hold)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        if error[0] is None:
            self.deliver()

    def _hold(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            self.deliver()
        self.received = number

    def deliver(self) -> None:
        """Let a signal that was held back do what it does without this context."""
        number, self.received = self.received, None
        if number is None:
            return
        handler = self.handlers[number]
        if callable(handler):
            handler(number, None)
        elif handler == signal.SIG_DFL:
            raise SystemExit(128 + number)
