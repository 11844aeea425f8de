"""DeferredSignals: delays Ctrl-C and SIGTERM until the current training step is complete."""

import signal
import sys
import threading
from types import CodeType, FrameType
from typing import Any, Self

DEFERRED = (signal.SIGINT, signal.SIGTERM)


class DeferredSignals:
    """Context that delays SIGINT and SIGTERM until `deliver`; a second signal is delivered at once.

    Inside the functions ``whole``, a second signal is delayed too, and only a third is delivered at once. The original
    handlers then run: Ctrl-C raises KeyboardInterrupt; SIGTERM raises SystemExit(143) if the program has no handler.
    Only the main thread receives signals; in other threads this does nothing. A handler not installed from Python
    cannot be restored, so its signal is not delayed.
    """

    received: int | None = None
    count = 0
    delivered = ""  # name of the last signal delivered
    ended = False

    def __init__(self, *whole: CodeType) -> None:
        self.whole = whole
        self.handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self.owner = sys._getframe(1).f_code
            self.handlers = {number: own for number in DEFERRED if (own := signal.getsignal(number)) is not None}
            for number in self.handlers:
                signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        self.ended = True  # a signal between two of the next lines is delivered at once
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        if error[0] is None:
            self.deliver()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        running = set()
        while frame is not None:
            running.add(frame.f_code)
            frame = frame.f_back
        self.count += 1
        if self.ended or self.owner not in running:  # an exception came before all handlers were restored
            self.__exit__(KeyboardInterrupt)
        waits = not running.isdisjoint(self.whole) and self.count < 3
        if self.received is not None and not waits:
            self.deliver()
        self.received = number
        if self.ended:
            self.deliver()

    def deliver(self) -> None:
        """Deliver a delayed signal to its original handler."""
        number, self.received = self.received, None
        if number is None:
            return
        self.delivered = signal.Signals(number).name
        handler = self.handlers[number]
        if callable(handler):
            handler(number, None)
        elif handler == signal.SIG_DFL:
            raise SystemExit(128 + number)
