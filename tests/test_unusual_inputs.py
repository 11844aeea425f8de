"""Good but unusual inputs: each gives what the plain array gives, to the bit, and is never modified."""

import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import minidl
from minidl import Dense, Dropout, Input, Sequential

ROWS = 24
X = np.random.default_rng(0).integers(-4, 5, (ROWS, 3)).astype("float32")  # whole numbers fit every type
Y = X.sum(axis=1, keepdims=True) / 4
LABELS = np.arange(ROWS) % 4
WEIGHT = np.linspace(0.5, 2, ROWS).astype("float32")


def regression(dtype="float32"):
    model = Sequential([Input((3,)), Dense(4, activation="tanh"), Dropout(0.1), Dense(1)], seed=0, dtype=dtype)
    model.compile("adam", "mse", ["mae"])
    return model


def classifier(loss="sparse_categorical_crossentropy", last="softmax", units=4):
    model = Sequential([Input((3,)), Dense(units, activation=last)], seed=0)
    model.compile("adam", loss, ["accuracy"])
    return model


def results(model, x, y, weight=None):
    """What every call gives: as bytes, to be compared to the bit."""
    found = [model.predict(x), model.evaluate(x, y, sample_weight=weight, verbose=0), model.test_on_batch(x, y, weight)]
    found.append(model.train_on_batch(x, y, weight))
    model.fit(x, y, epochs=2, batch_size=7, sample_weight=weight, verbose=0, validation_split=0.2)
    found += [*model.get_weights(), *model.history.history.values()]
    return [np.asarray(item).tobytes() for item in found]


class Wrapped:
    """Anything that says how to become an array."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype)


def unaligned(array):
    raw = np.frombuffer(bytearray(b"\0" + array.tobytes()), array.dtype, array.size, offset=1)
    return raw.reshape(array.shape)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def strided(array):
    wide = np.full((2 * len(array), *(2 * length for length in array.shape[1:])), 99, array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def mapped(array):
    path = Path("mapped")
    array.tofile(path)
    return np.memmap(path, array.dtype, "r", shape=array.shape)


def unmasked(array):
    return np.ma.masked_array(array, mask=np.zeros(array.shape, bool))


VARIANTS = {
    "list of lists": lambda array: array.tolist(),
    "list of arrays": list,
    "tuple of tuples": lambda array: tuple(map(tuple, array.tolist())),
    "data frame": pd.DataFrame,
    "data frame with names": lambda array: pd.DataFrame({f"column {i}": column for i, column in enumerate(array.T)}),
    "data frame with another index": lambda array: pd.DataFrame(array, index=np.arange(len(array))[::-1] * 7),
    "anything with __array__": Wrapped,
    "object array": lambda array: array.astype(object),
    "float64": lambda array: array.astype("f8"),
    "longdouble": lambda array: array.astype(np.longdouble),
    "float16": lambda array: array.astype("f2"),
    "int8": lambda array: array.astype("i1"),
    "int64": lambda array: array.astype("i8"),
    "fortran order": np.asfortranarray,
    "transposed twice": lambda array: array.T.copy().T,
    "negative strides": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "every second": strided,
    "unaligned": unaligned,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "read-only": read_only,
    "memory-mapped": mapped,
    "masked array without masked entries": unmasked,
    "subclass": lambda array: array.view(type("Mine", (np.ndarray,), {})),
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", VARIANTS)
def test_x_in_any_form_gives_what_the_plain_array_gives(name):
    x = VARIANTS[name](X)
    before = np.array(x, dtype=object, copy=True)
    assert results(regression(), x, Y) == results(regression(), X, Y)
    np.testing.assert_array_equal(np.array(x, dtype=object), before)


@pytest.mark.parametrize("name", [name for name in VARIANTS if "data frame" not in name and "int" not in name])
def test_y_in_any_form_gives_what_the_plain_array_gives(name):
    y = VARIANTS[name](Y)
    assert results(regression(), X, y) == results(regression(), X, Y)


@pytest.mark.parametrize(
    "name",
    ["list of arrays", "anything with __array__", "float64", "big-endian", "read-only", "every second", "unaligned"],
)
def test_weights_in_any_form_give_what_the_plain_array_gives(name):
    assert results(regression(), X, Y, VARIANTS[name](WEIGHT)) == results(regression(), X, Y, WEIGHT)


@pytest.mark.parametrize("kind", ["i1", "u1", "i4", "u8", "f4", "f8", "object", ">i2"])
def test_labels_of_any_type_are_labels(kind):
    plain = results(classifier(), X, LABELS)
    assert results(classifier(), X, LABELS.astype(kind)) == plain
    assert results(classifier(), X, LABELS.astype(kind)[:, None]) == plain


def test_labels_may_be_a_series_with_any_index_or_a_list():
    plain = results(classifier(), X, LABELS)
    assert results(classifier(), X, pd.Series(LABELS, index=LABELS[::-1])) == plain
    assert results(classifier(), X, pd.Series(LABELS, dtype="category").astype(int)) == plain
    assert results(classifier(), X, LABELS.tolist()) == plain


def test_rows_of_y_may_be_flat_for_one_output():
    assert results(regression(), X, Y[:, 0]) == results(regression(), X, Y)
    assert results(regression(), X, pd.Series(Y[:, 0], index=np.arange(ROWS) + 5)) == results(regression(), X, Y)


def test_truth_values_are_zero_and_one():
    model = lambda: classifier("binary_crossentropy", "sigmoid", 1)  # noqa: E731 - a fresh one each time
    assert results(model(), X > 0, Y > 0) == results(model(), (X > 0).astype("f4"), (Y > 0).astype("f4"))


def test_soft_labels_are_targets():
    binary = classifier("binary_crossentropy", "sigmoid", 1)
    assert np.isfinite(binary.train_on_batch(X, np.linspace(0, 1, ROWS))).all()
    rows = np.random.default_rng(0).dirichlet(np.ones(4), ROWS)
    assert np.isfinite(classifier("categorical_crossentropy").train_on_batch(X, rows)).all()


def test_one_row_of_zero_strides_counts_as_all_rows():
    assert results(regression(), np.broadcast_to(X[0], X.shape), Y) == results(
        regression(), np.repeat(X[:1], ROWS, 0), Y
    )


def test_one_row_is_enough():
    model = regression()
    history = model.fit(X[:1], Y[:1], epochs=2, batch_size=100, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.predict(X[:1]).shape == (1, 1)
    assert np.isfinite(model.evaluate(X[:1], Y[:1], verbose=0)).all()


def test_a_batch_larger_than_the_data_is_all_rows():
    one, other = regression(), regression()
    one.fit(X, Y, batch_size=10**12, epochs=2, verbose=0)
    other.fit(X, Y, batch_size=ROWS, epochs=2, verbose=0)
    assert one.history.history == other.history.history
    assert one.predict(X, batch_size=10**12).tobytes() == one.predict(X).tobytes()


def test_a_last_batch_of_one_row_counts_as_one_row():
    model = Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile(minidl.optimizers.SGD(0.0), "mse")
    history = model.fit(X[:9], Y[:9], batch_size=4, verbose=0).history
    assert history["loss"][0] == pytest.approx(model.evaluate(X[:9], Y[:9], batch_size=9, verbose=0), rel=1e-6)
    assert model.evaluate(X[:9], Y[:9], batch_size=4, verbose=0) == pytest.approx(history["loss"][0], rel=1e-6)


def test_predicting_no_rows_gives_no_rows():
    y = regression().predict(X[:0])
    assert y.shape == (0, 1)
    assert y.dtype == "float32"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0.0, 1.0, 1e-30, 1e30, -1e30, 1e-42])
def test_constant_huge_and_tiny_values_are_silent(value, dtype):
    x = np.full((ROWS, 3), value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Sequential(
            [Input((3,)), Dense(4, activation="sigmoid"), Dense(4, activation="softmax")], seed=0, dtype=dtype
        )
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        loss = model.fit(x, LABELS, verbose=0).history["loss"]
        assert np.isfinite(loss).all()
        assert np.isfinite(model.predict(x)).all()


@pytest.mark.parametrize("last", ["sigmoid", None])
@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("value", [1.0, 1e-30, 1e-42, 1e30, 3e38])
def test_the_callers_error_state_is_not_disturbed_by_underflow(value, kind, last):
    with np.errstate(all="ignore"):
        x = np.random.default_rng(0).uniform(-value, value, (ROWS, 3)).astype(kind)
    y = (LABELS > 1).astype("f4")
    model = regression() if last is None else classifier("binary_crossentropy", last, 1)
    with np.errstate(all="raise"):
        model.predict(x)
        model(x)
        model.loss_and_gradients(x, y)
        model.evaluate(x, y, verbose=0)
        if value < 1e30:
            model.fit(x, y, verbose=0)
            model.train_on_batch(x, y)


def test_no_call_changes_numpys_state():
    before = (np.geterr(), list(warnings.filters), np.random.get_state()[1].tobytes())  # noqa: NPY002 - the state itself
    results(classifier(), X, LABELS)
    assert (np.geterr(), list(warnings.filters), np.random.get_state()[1].tobytes()) == before  # noqa: NPY002


def test_what_is_given_may_be_read_only_everywhere():
    x, y, weight = read_only(X), read_only(LABELS), read_only(WEIGHT)
    assert results(classifier(), x, y, weight) == results(classifier(), X, LABELS, WEIGHT)


BIG = textwrap.dedent("""
    import resource, sys
    import numpy as np
    from minidl import Dense, Input, Sequential

    rows = int(sys.argv[1])
    x = np.lib.format.open_memmap("x.npy", "w+", "float32", (rows, 256))
    y = np.lib.format.open_memmap("y.npy", "w+", "float32", (rows, 1))
    del x, y
    x, y = np.load("x.npy", mmap_mode="r"), np.load("y.npy", mmap_mode="r")
    model = Sequential([Input((256,)), Dense(8, activation="relu"), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x[:2048], y[:2048], batch_size=1024, verbose=0)
    model.predict(x[:2048])
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (used + x.nbytes // 2, hard))  # mapped files do not count
    model.fit(x, y, batch_size=1024, verbose=0)
    assert model.predict(x, batch_size=1024).shape == (rows, 1)
    print("streamed")
""")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to limit memory")
def test_a_mapped_file_twice_as_large_as_the_memory_is_streamed(tmp_path):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", BIG, "200000"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(Path(minidl.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == "streamed\n", result.stderr
