"""Errors: their messages stay short, whatever value a call has received."""

import gc
import linecache
import pickle
import weakref
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Sequential, callbacks, errors, metrics
from minidl.optimizers import Adam

LONG = "a" * 1_000_000
VALUES = [LONG, list(range(200_000)), dict.fromkeys(range(200_000), 0), {*range(200_000)}, LONG.encode()]
MODEL = Sequential([Input((3,)), Dense(2)])
X = np.ones((2, 3))


def compiled():
    MODEL.compile("sgd", "mse")
    return MODEL


CALLS = {
    "units": lambda value: Dense(value),
    "activation": lambda value: Dense(2, activation=value),
    "name": lambda value: Dense(2, name=[value]),
    "rate": lambda value: Adam(value),
    "keyword": lambda value: Adam(**{str(value): 1}),
    "optimizer": lambda value: MODEL.compile(value, "mse"),
    "metrics": lambda value: MODEL.compile("sgd", "mse", metrics=value),
    "layer": lambda value: MODEL.add(value),
    "key": lambda value: MODEL[str(value)],
    "attribute": lambda value: setattr(MODEL, "network", value),
    "split": lambda value: compiled().fit(X, X[:, :2], split=value),
    "callbacks": lambda value: compiled().fit(X, X[:, :2], callbacks=[value]),
    "verbose": lambda value: compiled().fit(X, X[:, :2], verbose=value),
    "class_weight": lambda value: compiled().fit(X, X[:, :2], class_weight=value),
    "x": lambda value: compiled().predict(value),
    "seed": lambda value: Sequential(seed=value),
}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("call", CALLS)
def test_a_long_value_does_not_fill_the_message(call, value):
    with pytest.raises(errors.MinidlError) as caught:
        CALLS[call](value)
    assert len(str(caught.value)) < 4000
    assert sum(map(len, caught.value.args)) < 4000


def test_an_error_takes_another_exception_as_its_message():
    assert str(errors.DataError(OSError("no such disk"))) == "no such disk"


def test_the_beginning_and_the_fix_of_a_long_message_remain():
    error = errors.ArgumentError(f"Dense: units: expected an integer, got {LONG}. Write Dense(3).")
    assert str(error).startswith("Dense: units: expected an integer, got aaaa")
    assert " [...] " in str(error)
    assert str(error).endswith("aaa. Write Dense(3).")


def test_a_message_of_many_short_lines_is_complete():
    text = "\n".join(f"line {number}" for number in range(2000))
    assert str(errors.ModelFileError(text)) == text


def test_a_message_of_2000_characters_is_complete_and_a_longer_one_is_not():
    assert str(errors.DataError("b" * 2000)) == "b" * 2000
    assert len(str(errors.DataError("b" * 2001))) < 2001


@pytest.mark.parametrize("name", [*errors.__all__, "MissingPackageError"])
def test_an_error_survives_pickling(name):
    error = getattr(errors, name)(f"who: expected X, got {LONG}. Fix.")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)


def test_an_error_needs_no_message():
    assert str(errors.StateError()) == ""
    assert isinstance(minidl.errors.CacheError("a"), AttributeError)


SECONDS = 1_700_000_000.0 + np.arange(20)[:, None]
TARGETS = np.zeros((20, 1))


def one_output(**options):
    model = Sequential([Input((1,)), Dense(1)], seed=0)
    model.compile(metrics=["mse"], **({"optimizer": "sgd", "loss": "mse"} | options))
    return model


class Predicts(callbacks.Callback):
    """Evaluates other data in an epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.evaluate(SECONDS, TARGETS, verbose=0)  # the line


class CountsBatches(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


WARNINGS = {
    "expected an end": lambda: one_output().evaluate(iter([(TARGETS, TARGETS)] * 10_001), verbose=0),  # the line
    "x: column 0": lambda: one_output().fit(SECONDS, TARGETS, verbose=0),  # the line
    "y: column 0": lambda: one_output().train_on_batch(TARGETS, SECONDS),  # the line
    "fit: x: batch 0: x: column 0": lambda: one_output().fit([(SECONDS, TARGETS)], verbose=0),  # the line
    "x: column 0: different": lambda: one_output().fit(TARGETS, TARGETS, callbacks=[Predicts()], verbose=0),
    "fit: LBFGS": lambda: one_output(optimizer="lbfgs").fit(  # the line
        TARGETS, TARGETS, callbacks=[CountsBatches()], verbose=0
    ),
    "metric 'mean_squared_error'": lambda: metrics.MeanSquaredError()([[1.0]], np.array([[np.nan]])),  # the line
}


@pytest.mark.parametrize("text", WARNINGS)
def test_a_warning_names_the_users_line(text):
    with pytest.warns(UserWarning, match=text) as warned:
        WARNINGS[text]()
    assert [linecache.getline(one.filename, one.lineno).rstrip()[-10:] for one in warned] == ["# the line"]


def test_every_warning_of_the_package_finds_the_users_line():
    sources = {path.name: path.read_text() for path in Path(minidl.__file__).parent.rglob("*.py")}
    assert [name for name, source in sources.items() if "warnings.warn(" in source] == ["errors.py"]


class Unreadable:
    """An array that cannot be read."""

    def __init__(self, array):
        self.array = array

    def __array__(self, *arguments, **options):
        raise ValueError("no array")


class Fails(minidl.Layer):
    def forward(self, x, training=False):
        raise ValueError("no forward")

    def backward(self, dy):
        return dy


class Widens(Fails):
    def forward(self, x, training=False):
        return x.astype(np.float64)


def failing(layer):
    model = Sequential([Input((1,)), layer])
    model.compile("sgd", "mse")
    return model


FAILURES = {
    "an exception in predict": lambda x: failing(Fails()).predict(x),
    "a broken contract in predict": lambda x: failing(Widens()).predict(x),
    "an exception in fit": lambda x: failing(Fails()).fit(x, x, verbose=0),
    "an exception in evaluate": lambda x: failing(Fails()).evaluate(x, x, verbose=0),
    "an array that cannot be read": lambda x: one_output().predict(Unreadable(x)),
    "a value that is not finite": lambda x: one_output().fit(x, x * np.nan, verbose=0),
    "another shape": lambda x: one_output().fit(x, np.zeros((3, 1)), verbose=0),
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_exception_does_not_keep_the_samples_alive(name):
    x = np.ones((20, 1), np.float32)
    held = weakref.ref(x)
    gc.disable()
    try:
        with pytest.raises((minidl.MinidlError, ValueError)) as caught:
            FAILURES[name](x)
        del x, caught
        assert held() is None  # no cycle of references that only the garbage collector would free
    finally:
        gc.enable()
