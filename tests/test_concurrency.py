"""Threads, processes and lifetimes: nothing disturbs a training pass, and nothing is kept alive."""

import contextlib
import copy
import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Dropout, Input, Layer, LeakyReLU, ReLU, Sequential
from minidl.layers.tree import walk

X = np.random.default_rng(0).standard_normal((64, 10)).astype("float32")
LABELS = (X[:, 0] > 0).astype(int)


def network(seed=0, dropout=0.0):
    model = Sequential(
        [
            Input((10,)),
            Dense(16, activation="relu"),
            Dropout(dropout),
            Dense(8, activation="tanh"),
            Dense(2, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


@contextlib.contextmanager
def disturb(model, jobs):
    """Run ``jobs`` in threads, over and over, until the context ends; raise what they raised."""
    stop, failures = threading.Event(), []

    def loop(job):
        try:
            while not stop.is_set():
                job(model)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=loop, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


@pytest.fixture
def swift_switching():
    """Let threads take turns a thousand times as often as Python's default."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(interval)


def gradients_beside_predictions(steps):
    """Train while four threads use the model; return how many gradients differ from those of training alone."""
    alone, watched = network(), network()
    jobs = [
        lambda model: model.predict(X[:3]),
        lambda model: model.predict(X, batch_size=5),
        lambda model: model.evaluate(X[:7], LABELS[:7], verbose=0),
        lambda model: model.predict(X[5:6]),
    ]
    wrong = 0
    with disturb(watched, jobs):
        for step in range(steps):
            rows = slice(step % 50, step % 50 + 8)
            for model in (alone, watched):
                model.train_on_batch(X[rows], LABELS[rows])
            wrong += not np.array_equal(alone.parameters.gradients, watched.parameters.gradients)
    assert np.array_equal(alone.parameters.values, watched.parameters.values)
    return wrong


def test_predictions_in_four_threads_disturb_no_gradient(swift_switching):
    assert gradients_beside_predictions(300) == 0


@pytest.mark.slow
def test_predictions_in_four_threads_disturb_none_of_10000_gradients(swift_switching, record_property):
    wrong = gradients_beside_predictions(10_000)
    record_property("figure", f"threads: {wrong} wrong gradients in 10,000 steps beside four predicting threads")
    assert wrong == 0


def test_shared_caches_would_be_noticed(swift_switching, monkeypatch):
    for kind in {type(layer) for layer in network().network.layers}:  # not Layer's: a twin of its kind is kept, its
        monkeypatch.setattr(kind, "inference_twin", lambda layer: layer, raising=False)  # caches dropped
    with pytest.raises((AssertionError, minidl.MinidlError, ValueError)):
        # a busy machine may let the threads take turns for a while
        assert sum(gradients_beside_predictions(300) for _ in range(20)) == 0


def test_two_models_in_two_threads_train_as_one_after_the_other():
    def train(seed, found):
        model = network(seed, dropout=0.3)
        model.fit(X, LABELS, epochs=10, batch_size=8, verbose=0)
        found[seed] = model.parameters.values.tobytes()

    serial, parallel = {}, {}
    for seed in (1, 2):
        train(seed, serial)
    threads = [threading.Thread(target=train, args=(seed, parallel)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert parallel == serial


def test_a_fit_that_another_thread_overtakes_while_it_reads_its_data_is_refused():
    begun, refused = threading.Event(), threading.Event()

    class Hold(minidl.callbacks.Callback):
        def on_train_begin(self, logs=None):
            begun.set()
            refused.wait(10)

    class Overtaken:
        def __array__(self, dtype=None, copy=None):
            if not begun.is_set():
                thread.start()
                begun.wait(10)
            return X

    model, alone = network(), network()
    arguments = {"batch_size": 8, "verbose": 0}
    thread = threading.Thread(target=model.fit, args=(X, LABELS), kwargs={**arguments, "callbacks": [Hold()]})
    with pytest.raises(minidl.errors.StateError, match="fit: this model is being trained already"):
        model.fit(Overtaken(), LABELS, **arguments)
    refused.set()
    thread.join()
    alone.fit(X, LABELS, **arguments)
    assert model.parameters.values.tobytes() == alone.parameters.values.tobytes()


def trained_bytes(seed=0):
    model = network(seed, dropout=0.3)
    model.fit(X, LABELS, epochs=3, batch_size=8, validation_split=0.2, verbose=0)
    return model.parameters.values.tobytes()


def child(connection):
    connection.send(trained_bytes())
    connection.close()


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_equal_seeds_give_equal_bits_after_a_fork():
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=(theirs,))
    process.start()
    found = ours.recv()
    process.join()
    assert found == trained_bytes() == trained_bytes()


def trained_network():
    model = network(dropout=0.3)
    model.fit(X, LABELS, epochs=2, batch_size=8, verbose=0)
    return model


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("make", [network, trained_network, lambda: Sequential([Dense(3), minidl.Softmax()], seed=1)])
def test_a_copy_predicts_and_continues_as_the_original(name, make):
    model = make()
    twin = COPIES[name](model)
    if model.output_shape is None:
        for each in (model, twin):
            each.build((10,))
            each.compile("sgd", "sparse_categorical_crossentropy")
    assert twin.predict(X).tobytes() == model.predict(X).tobytes()
    for each in (model, twin):
        each.fit(X, LABELS, epochs=2, batch_size=8, verbose=0)
    assert twin.parameters.values.tobytes() == model.parameters.values.tobytes()
    assert twin.history.history == model.history.history


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_and_its_original_share_nothing(name):
    model = trained_network()
    before = model.parameters.values.tobytes()
    twin = COPIES[name](model)
    twin.fit(X, LABELS, verbose=0)
    twin.layers[0].W[...] = 0
    assert model.parameters.values.tobytes() == before
    assert not np.shares_memory(twin.parameters.values, model.parameters.values)
    assert np.shares_memory(twin.layers[0].W, twin.parameters.values)


def test_a_pickle_holds_the_weights_and_no_caches():
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy")
    big = np.random.default_rng(0).standard_normal((50_000, 10)).astype("float32")
    model.fit(big, (big[:, 0] > 0).astype(int), batch_size=50_000, verbose=0)
    model.predict(big)
    assert len(pickle.dumps(model)) <= model.parameters.values.nbytes + (64 << 10)
    for _, layer in walk(copy.deepcopy(model).sublayers()):
        assert not any(isinstance(value, np.ndarray) for name, value in vars(layer).items() if name[0] == "_")


def growth(turns):
    """Bytes that a turn of training and predicting leaves behind."""
    model = network(dropout=0.1)

    def turn():
        model.train_on_batch(X[:8], LABELS[:8])
        model.predict(X[:8])

    for _ in range(300):
        turn()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(turns):
        turn()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / turns


def test_memory_does_not_grow_with_the_steps():
    assert growth(500) <= 100


@pytest.mark.slow
def test_memory_does_not_grow_in_10000_steps(record_property):
    bytes_a_turn = growth(10_000)
    record_property("figure", f"memory: {bytes_a_turn:.2f} bytes of growth a turn of train_on_batch and predict")
    assert bytes_a_turn <= 100


def test_a_deleted_model_is_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        model = network()
        model.fit(X, LABELS, verbose=0, validation_split=0.2)
        model.predict(X)
        model.evaluate(X, LABELS, verbose=0)
        memory = weakref.ref(model), weakref.ref(model.layers[0]), weakref.ref(model.parameters.values)
        del model
        assert [reference() for reference in memory] == [None, None, None]
    finally:
        gc.enable()


def test_predictions_in_four_threads_get_their_own_outputs(swift_switching):
    model = network()
    expected = model.predict(X)

    def check(part):
        return lambda model: np.testing.assert_allclose(model.predict(X[part]), expected[part], rtol=1e-5)

    with disturb(model, [check(slice(start, start + 16)) for start in range(0, 64, 16)]):
        time.sleep(0.2)
    assert 1 <= len(model.network.idle_twins) <= 5


class Scale(Layer):
    """``y = factor * x``, after ``inner`` if there is one; setting `gain` calls `meanwhile` first."""

    inner = None
    factor = 1.0

    @property
    def gain(self):
        return self.factor

    @gain.setter
    def gain(self, value):
        self.meanwhile()  # what another thread does at this moment
        self.__dict__["factor"] = value

    def forward(self, x, training=False):
        return self.factor * (x if self.inner is None else self.inner.forward(x, training))

    def backward(self, dy):
        return self.factor * (dy if self.inner is None else self.inner.backward(dy))


def test_a_prediction_while_an_attribute_is_being_set_does_not_keep_the_old_value():
    layer = Scale()
    model = Sequential([Input((10,)), layer])
    layer.meanwhile = lambda: model.predict(X)
    layer.gain = 2.0
    assert np.array_equal(model.predict(X), 2 * X)


def test_a_step_while_a_layer_is_being_frozen_does_not_keep_it_unfrozen(monkeypatch):
    model = network()

    def step_meanwhile(value, who):
        model.train_on_batch(X, LABELS)
        return value

    monkeypatch.setattr("minidl.layers.attributes.flag", step_meanwhile)
    model.layers[0].trainable = False
    before = model.layers[0].W.copy()
    model.train_on_batch(X, LABELS)
    assert np.array_equal(model.layers[0].W, before)


def test_predict_notices_that_an_attribute_is_deleted():
    layer = Scale()
    layer.factor = 3.0
    model = Sequential([Input((10,)), layer])
    model.predict(X)
    del layer.factor
    assert np.array_equal(model.predict(X), X)


def test_predictions_leave_alone_the_caches_of_a_layer_that_is_set_inside_another_after_the_first():
    layer = Scale()
    model = Sequential([Input((10,)), layer])
    model.predict(X)
    layer.inner = ReLU()
    model.forward(X, training=True)
    for _ in range(3):
        model.predict(-X)
    assert np.array_equal(model.backward(np.ones_like(X)), X > 0)


def test_predict_keeps_nothing_of_its_samples_and_outputs():
    model = network()
    model.predict(X)
    x = X.copy()
    y = model.predict(x)
    memory = weakref.ref(x), weakref.ref(y)
    del x, y
    assert [reference() for reference in memory] == [None, None]


def test_a_prediction_that_fails_leaves_nothing_of_its_samples():
    class Moody(Layer):
        def forward(self, x, training=False):
            self._x = x
            if x[0, 0] == 7:
                raise RuntimeError("not today")
            return x

        def backward(self, dy):
            return dy

    model = Sequential([Input((10,)), Moody(), Dense(2)], seed=0)
    expected, x = model.predict(X), np.full((1, 10), 7, "float32")
    with pytest.raises(RuntimeError):
        model.predict(x)
    memory = weakref.ref(x)
    del x
    gc.collect()
    assert memory() is None
    assert np.array_equal(model.predict(X), expected)


@pytest.mark.parametrize("whole", [True, False])
def test_a_setting_changed_between_two_predictions_takes_effect(whole):
    model = Sequential([Input((10,)), Dense(4), LeakyReLU(0.5)], seed=0)
    rows = {} if whole else {"batch_size": 7}
    before = model.predict(X, **rows)
    model.layers[1].negative_slope = 0.25
    after = model.predict(X, **rows)
    np.testing.assert_array_equal(after, np.where(before >= 0, before, before / 2))


def test_a_layer_counts_no_predictions_of_its_twins():
    class Counts(Layer):
        def __init__(self):
            self.calls = 0

        def forward(self, x, training=False):
            self.calls = self.calls + 1
            return x + self.calls

        def backward(self, dy):
            return dy

    model = Sequential([Input((10,)), Counts(), Dense(2)], seed=0)
    first = model.predict(X)
    assert np.array_equal(model.predict(X), first)
    assert model.layers[0].calls == 0


def test_a_layer_added_to_a_list_in_a_layer_runs_in_the_next_prediction():
    class Several(Layer):
        def __init__(self, parts):
            self.parts = parts

        def forward(self, x, training=False):
            for part in self.parts:
                x = part.forward(x, training)
            return x

        def backward(self, dy):
            return dy

    model = Sequential([Input((10,)), Several([])], seed=0)
    assert np.array_equal(model.predict(X), X)
    model.layers[0].parts.append(ReLU())
    assert np.array_equal(model.predict(X), np.maximum(X, 0))


SCRIPT = """
import os, sys, time
import numpy as np
from minidl import Dense, Input, Sequential
from minidl.callbacks import Callback

class Tell(Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.snapshot = self.model.parameters.values.tobytes()
        if batch == 3:
            print("training", flush=True)
        time.sleep(0.002)
    def on_train_end(self, logs=None):
        whole = self.model.snapshot == self.model.parameters.values.tobytes()
        print("ended", whole, logs is None, flush=True)

x = np.ones((5000, 4))
model = Sequential([Input((4,)), Dense(8), Dense(1)])
model.compile("adam", "mse")
try:
    model.fit(x, x[:, 0], batch_size=1, epochs=99, verbose=0, callbacks=[Tell()])
except KeyboardInterrupt:
    print("usable", np.isfinite(model.predict(x[:2])).all(), flush=True)
    raise
"""


@pytest.mark.skipif(os.name == "nt", reason="other signals on Windows")
@pytest.mark.parametrize(("number", "code", "lines"), [
    (signal.SIGINT, -signal.SIGINT, ["ended True True", "usable True"]),
    (signal.SIGTERM, 128 + signal.SIGTERM, ["ended True True"]),
])  # fmt: skip
def test_a_signal_ends_training_after_a_whole_step(number, code, lines):
    environment = {**os.environ, "PYTHONPATH": str(Path(minidl.__file__).parent.parent)}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout.readline() == "training\n"
    time.sleep(0.05)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert output.split("\n")[:-1] == lines, errors
    assert process.returncode == code
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
