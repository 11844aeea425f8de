import os
import signal

import pytest

from minidl import signals
from minidl.signals import DEFERRED, DeferredSignals


class Handler:
    """A program's own handler, which counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, number, frame):
        self.calls += 1


@pytest.fixture
def handlers():
    """Install a handler for each signal, and take them away again."""
    before = {number: signal.getsignal(number) for number in DEFERRED}
    own = {number: Handler() for number in DEFERRED}
    for number, handler in own.items():
        signal.signal(number, handler)
    yield own
    for number, handler in before.items():
        signal.signal(number, handler)


each_signal = pytest.mark.parametrize("number", DEFERRED)


@each_signal
def test_a_signal_waits_until_it_is_delivered(handlers, number):
    with DeferredSignals() as deferred:
        os.kill(os.getpid(), number)
        assert handlers[number].calls == 0
        deferred.deliver()
        assert handlers[number].calls == 1
    assert handlers[number].calls == 1


@each_signal
def test_a_signal_that_waits_is_delivered_at_the_end(handlers, number):
    with DeferredSignals():
        os.kill(os.getpid(), number)
    assert handlers[number].calls == 1
    assert signal.getsignal(number) is handlers[number]


@each_signal
def test_a_second_signal_does_not_wait(handlers, number):
    with DeferredSignals():
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert handlers[number].calls == 1


@each_signal
@pytest.mark.parametrize("restored", [0, 1])
def test_a_signal_is_delivered_where_the_end_is_interrupted(handlers, number, restored, monkeypatch):
    """The end restores two handlers, and Ctrl-C may raise before each of them."""
    deferred = DeferredSignals().__enter__()
    install, calls = signal.signal, []

    def interrupt(*arguments):
        calls.append(arguments)
        if len(calls) > restored:
            raise KeyboardInterrupt
        return install(*arguments)

    monkeypatch.setattr(signals.signal, "signal", interrupt)
    with pytest.raises(KeyboardInterrupt):
        deferred.__exit__(None, None, None)
    monkeypatch.undo()
    os.kill(os.getpid(), number)
    assert handlers[number].calls == 1


@each_signal
def test_a_handler_that_python_does_not_know_is_left_alone(handlers, number, monkeypatch):
    foreign = lambda asked: None if asked == number else handlers[asked]  # noqa: E731 - as getsignal reports it
    monkeypatch.setattr(signals.signal, "getsignal", foreign)
    with DeferredSignals():
        os.kill(os.getpid(), number)
        assert handlers[number].calls == 1
