"""Ctrl-C, and exceptions from other threads, at any bytecode of a call: what is left must be whole and usable."""

import ctypes
import random
import signal
import sys
import threading
from pathlib import Path

import numpy as np

import minidl
from minidl import Dense, Dropout, Input, Sequential

PACKAGE = str(Path(minidl.__file__).parent)
X = np.random.default_rng(0).standard_normal((24, 3)).astype("float32")
Y = np.arange(24) % 2


def new_model(optimizer="adam"):
    model = Sequential([Input((3,)), Dense(4, activation="tanh"), Dropout(0.2), Dense(2, activation="softmax")], seed=0)
    if optimizer == "lbfgs":
        model = Sequential([Input((3,)), Dense(4, activation="tanh"), Dense(2, activation="softmax")], seed=0)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def everything(model):
    """Return the bytes of all that a step changes."""
    state = model.optimizer.get_state()
    arrays = [np.asarray(state[name]).tobytes() for name in sorted(state)]
    return model.parameters.values.tobytes(), *arrays, model.randomness.passes


class AtBytecodes:
    """Does ``act`` before each of the numbered bytecodes that run inside the context, of the files in ``folder``."""

    def __init__(self, act, *numbers, folder=PACKAGE):
        self.act, self.numbers, self.folder, self.count = act, set(numbers), folder, 0

    def __enter__(self):
        sys.settrace(self._begin)
        return self

    def __exit__(self, *error):
        sys.settrace(None)

    def _begin(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(self.folder):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._step

    def _step(self, frame, event, argument):
        if event == "opcode":
            self.count += 1
            if self.count in self.numbers:
                self.act()
        return self._step


def press_control_c():
    signal.raise_signal(signal.SIGINT)


def raise_from_outside():
    ident = ctypes.c_ulong(threading.main_thread().ident)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(KeyboardInterrupt))


def calls(folder):
    """Return each call as (make, call, check): ``check`` raises where what is left is not whole or not usable."""
    path = folder / "model.safetensors"

    def steps_of(optimizer, train):
        """The states after each whole step of an uninterrupted run."""
        model, found = new_model(optimizer), []
        found.append(everything(model))
        hook = "on_epoch_end" if optimizer == "lbfgs" else "on_train_batch_end"
        keep = minidl.callbacks.LambdaCallback(**{hook: lambda number, logs: found.append(everything(model))})
        train(model, found, keep)
        return set(found)

    def fit(model, callbacks=None):
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0, validation_split=0.2, callbacks=callbacks)

    def fit_all(model, callbacks=None):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=callbacks)

    def train_on_batch(model, found=None):
        for start in (0, 8, 16):
            model.train_on_batch(X[start : start + 8], Y[start : start + 8])
            if found is not None:
                found.append(everything(model))

    adam = steps_of("adam", lambda model, found, keep: fit(model, [keep]))
    solved = steps_of("lbfgs", lambda model, found, keep: fit_all(model, [keep]))
    single = steps_of("adam", lambda model, found, keep: train_on_batch(model, found))

    def in_states(states):
        def check(model):
            assert everything(model) in states, "not a whole step"
            goes_on(model)

        return check

    def goes_on(model):
        try:
            press_control_c()  # a handler that could not be restored restores itself
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("Ctrl-C has no effect any more")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "the handler is another one"
        assert np.isfinite(model.parameters.values).all()
        if model.optimizer.full_batch:
            model.fit(X, Y, verbose=0)
        else:
            model.fit(X, Y, batch_size=8, verbose=0)
            model.train_on_batch(X[:8], Y[:8])
        model.evaluate(X, Y, verbose=0)
        model.save(path)

    def loads(model):
        if path.exists():
            minidl.load_model(path)
        goes_on(model)

    def saved():
        model = new_model()
        model.save(path)
        return model

    return {
        "fit": (new_model, fit, in_states(adam)),
        "fit, lbfgs": (lambda: new_model("lbfgs"), fit_all, in_states(solved)),
        "train_on_batch": (new_model, train_on_batch, in_states(single)),
        "evaluate": (new_model, lambda model: model.evaluate(X, Y, verbose=0), goes_on),
        "predict": (new_model, lambda model: model.predict(X, batch_size=5), goes_on),
        "save": (new_model, lambda model: model.save(path), loads),
        "load": (saved, lambda model: minidl.load_model(path), loads),
    }


def campaign(folder, count, seed=0):
    """Interrupt ``count`` times; return the failures as (call, kind, bytecodes, what), and how many came through."""
    source, failures, raised = random.Random(seed), [], 0
    table, lengths = calls(folder), {}
    for name, (make, call, _) in table.items():
        model = make()
        with AtBytecodes(None) as counter:
            call(model)
        lengths[name] = counter.count
    kinds = {"single": (press_control_c, 1), "double": (press_control_c, 2), "outside": (raise_from_outside, 1)}
    names = list(table)
    for index in range(count):
        name, kind = names[index % len(names)], list(kinds)[index // len(names) % len(kinds)]
        make, call, check = table[name]
        act, times = kinds[kind]
        first = source.randrange(1, lengths[name] + 1)
        numbers = [first, first + source.choice([1, 5, 50, 500])][:times]
        model = make()
        try:
            with AtBytecodes(act, *numbers):
                call(model)
        except KeyboardInterrupt:
            raised += 1
        except BaseException as error:  # the interruption became another error
            failures.append((name, kind, numbers, repr(error)))
        finally:
            sys.settrace(None)
        try:
            check(model)
        except BaseException as error:
            failures.append((name, kind, numbers, repr(error)[:200]))
            signal.signal(signal.SIGINT, signal.default_int_handler)
    return failures, raised
