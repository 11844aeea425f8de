"""Arrays: everything array-like is taken, collections of arrays are told in words, no precision is lost silently."""

import array
import warnings
from collections import deque

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.utils.class_weight import compute_class_weight

from minidl import (
    ArgumentError,
    DataError,
    Dense,
    Embedding,
    Flatten,
    Input,
    Sequential,
    ShapeError,
    callbacks,
    layers,
    losses,
    optimizers,
)
from minidl.data import Table, as_array, split_rows
from minidl.data.arrays import CHECKED, check_finite, warn_of_rounding
from minidl.data.classes import balanced, class_factors
from minidl.data.conversion import is_mapping, is_numbered
from minidl.data.stored import StoredArray
from minidl.data.tables import in_memory

ROWS = 24
X = np.random.default_rng(0).integers(-4, 5, (ROWS, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True) / 4


def regression(features=3, dtype="float32"):
    model = Sequential([Input((features,)), Dense(1)], seed=0, dtype=dtype)
    model.compile("adam", "mse")
    return model


def having(**ways):
    """Return an object of a class with these methods alone."""
    return type("Having", (), {name: (lambda self, *a, way=way, **k: way(*a, **k)) for name, way in ways.items()})()


def refuse(*arguments, **keywords):
    raise TypeError("not this way")


# What is taken


@pytest.mark.parametrize(
    "x",
    [
        X.view(np.matrix),
        scipy.sparse.csr_array(X).toarray(),
        scipy.sparse.csr_matrix(X).todense(),
        having(__dlpack__=X.__dlpack__, __dlpack_device__=X.__dlpack_device__),
        having(to_numpy=lambda: X),
        having(__array__=refuse, to_numpy=lambda: X),
        having(__array__=lambda dtype=None, copy=None: X, to_numpy=refuse),
        having(__array__=refuse, to_numpy=refuse, __dlpack__=X.__dlpack__, __dlpack_device__=X.__dlpack_device__),
        memoryview(X),
        X.view(np.recarray),
    ],
)
def test_an_array_is_read_in_any_way_that_it_offers(x):
    model = regression()
    np.testing.assert_array_equal(model.predict(x), model.predict(X))
    assert model.evaluate(x, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert regression().train_on_batch(x, Y) == regression().train_on_batch(X, Y)


@pytest.mark.parametrize(
    "y", [Y.view(np.matrix), having(__dlpack__=Y.__dlpack__, __dlpack_device__=Y.__dlpack_device__)]
)
def test_targets_are_read_in_any_way_that_they_offer(y):
    assert regression().evaluate(X, y, verbose=0) == regression().evaluate(X, Y, verbose=0)


def test_weights_of_one_column_are_weights():
    weight = np.linspace(0, 2, ROWS)
    expected = regression().fit(X, Y, sample_weight=weight, verbose=0).history
    assert regression().fit(X, Y, sample_weight=weight[:, None], verbose=0).history == expected
    assert regression().fit(X, Y, sample_weight=pd.DataFrame(weight), verbose=0).history == expected


@pytest.mark.parametrize(
    "x",
    [
        X[:, 0],
        X[:, 0].tolist(),
        pd.Series(X[:, 0]),
        array.array("f", X[:, 0]),
        deque(X[:, 0]),
        memoryview(X[:, 0].copy()),
    ],
)
def test_a_vector_is_one_feature(x):
    model = regression(1)
    np.testing.assert_array_equal(model.predict(x), model.predict(X[:, :1]))
    assert model.fit(x, Y, verbose=0).history == regression(1).fit(X[:, :1], Y, verbose=0).history
    unbuilt = Sequential([Dense(1)], seed=0)
    unbuilt.compile("adam", "mse")
    unbuilt.fit(x, Y, verbose=0)
    assert unbuilt.input_shape == (1,)


def test_a_range_is_one_feature():
    np.testing.assert_array_equal(regression(1).predict(range(5)), regression(1).predict(np.arange(5)))


@pytest.mark.parametrize("shape", [(None, 4, 2), [None, 4, 2]])
def test_build_takes_none_for_the_batch_axis(shape):
    model = Sequential([Flatten(), Dense(2)])
    assert model.build(shape) == (2,)
    assert model.predict(np.ones((5, 4, 2))).shape == (5, 2)


@pytest.mark.parametrize("shape", [(None, 3), (3,), [3]])
def test_build_takes_the_shape_of_a_vector_with_or_without_the_batch_axis(shape):
    model = Sequential([Dense(2)])
    model.build(shape)
    assert model.input_shape == (3,)


# Shapes that do not fit, in whole messages

ONE_SAMPLE = " This is the shape of one sample: put samples together in a batch, or use x[np.newaxis]."
FEATURES = [  # input shape, shape of x, fix
    ((1,), (ROWS, 3), ""),
    ((3,), (ROWS, 2), ""),
    ((3,), (3,), ONE_SAMPLE),
    ((3,), (4,), " For one sample use x.reshape(1, -1)."),
    ((3,), (ROWS, 1, 3), " Add Flatten() before it."),
    ((12,), (ROWS, 3, 4), " Add Flatten() before it."),
    ((6,), (ROWS, 3, 4), ""),
    ((4, 3), (4, 3), ONE_SAMPLE),
    ((4, 3), (ROWS, 12), ""),
    ((4, 3), (ROWS, 2, 2), ""),
]


@pytest.mark.parametrize(("shape", "wrong", "fix"), FEATURES)
def test_features_of_another_shape_are_refused_with_the_fix_that_applies(shape, wrong, fix):
    model = Sequential([Input(shape), *([Flatten()] if len(shape) > 1 else []), Dense(1)])
    expected = f"expected input of shape (batch, {', '.join(map(str, shape))}), got {wrong}.{fix}"
    with pytest.raises(ShapeError) as caught:
        model(np.ones(wrong, "float32"))
    assert str(caught.value).endswith(f"(layer 0): {expected}")


class TwoColumns(losses.MeanSquaredError):
    """A loss that takes two targets for each output."""

    def columns(self, outputs):
        return 2 * outputs


SPARSE, ONE_HOT = "sparse_categorical_crossentropy", "categorical_crossentropy"
TARGETS = [  # loss, outputs, shape of y, message
    ("mse", 1, (23,), "expected a row for each of x: x has 24 rows, y has 23."),
    ("mse", 1, (1, ROWS), "expected a row for each of x: x has 24 rows, y has 1. Its shape is (1, 24): use y.T."),
    ("mse", 1, (ROWS, 3), "expected shape (24, 1), as the model's output for these rows, got (24, 3)."),
    ("mse", 1, (ROWS, 1, 1), "expected shape (24, 1), as the model's output for these rows, got (24, 1, 1)."),
    ("mse", 2, (ROWS, 1), "expected shape (24, 2), as the model's output for these rows, got (24, 1)."),
    (TwoColumns(), 1, (ROWS, 1), "expected shape (24, 2), as two_columns takes it for these rows, got (24, 1)."),
    (ONE_HOT, 4, (ROWS,), "expected shape (24, 4), as the model's output for these rows, got (24,)."
     f' For integer labels use loss="{SPARSE}".'),
    (SPARSE, 4, (ROWS, 4), f'expected labels of shape (24,), got (24, 4). For one-hot targets use loss="{ONE_HOT}".'),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "outputs", "shape", "message"), TARGETS)
def test_targets_of_another_shape_are_refused_with_the_fix_that_applies(loss, outputs, shape, message):
    model = Sequential([Input((3,)), Dense(outputs, activation="softmax" if outputs == 4 else None)])
    model.compile("sgd", loss)
    with pytest.raises(ShapeError) as caught:
        model.train_on_batch(X, np.zeros(shape, "float32"))
    assert str(caught.value) == f"y: {message}"


def test_targets_of_one_number_a_row_may_be_flat_or_one_column():
    model = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", SPARSE)
    labels = np.arange(ROWS) % 2
    assert model.test_on_batch(X, labels[:, None]) == model.test_on_batch(X, labels)
    assert regression().test_on_batch(X, Y[:, 0]) == regression().test_on_batch(X, Y)


# What is no array


@pytest.fixture
def archive(tmp_path):
    np.savez(tmp_path / "data.npz", x=X, y=Y)
    with np.load(tmp_path / "data.npz") as data:
        yield data


def test_a_collection_of_arrays_by_name_is_told_in_words(archive):
    group = type("Group", (dict,), {})(x=X, y=Y)
    for x in (archive, dict(archive), group):
        for call in (lambda x: regression().fit(x, Y), lambda x: regression().predict(x), regression()):
            with pytest.raises(
                DataError, match=r"x: expected an array .*with arrays named 'x', 'y'\. Pass one of them"
            ):
                call(x)
    with pytest.raises(DataError, match=r"sample_weight: expected an array .*NpzFile with arrays named"):
        regression().fit(X, Y, sample_weight=archive)


@pytest.mark.parametrize("samples", [list(zip(X, Y[:, 0], strict=True)), list(zip(X, Y, strict=True))])
def test_a_list_of_samples_is_told_in_words(samples):
    for call in (lambda: regression().fit(samples), lambda: regression().predict(samples)):
        with pytest.raises(DataError, match=r"x: expected an array, got samples \(x, y\)\. Take them apart"):
            call()


@pytest.mark.parametrize("samples", [[(X[0], 1.0, 2.0)], [(X[0], Y[0])], [[X[0], Y[0], 2.0]] * 3])
def test_a_list_of_any_number_of_samples_is_told_in_words(samples):
    samples = [tuple(np.atleast_1d(part) for part in sample) for sample in samples]
    with pytest.raises(DataError, match=r"x: expected an array, got samples \(x, y\)\. Take them apart"):
        regression().predict(samples)


@pytest.mark.parametrize("ragged", [[[1, 2, 3], [4, 5]], [X, X[:9], X[:8], X[:7]], [1, [2]]])
def test_other_ragged_lists_are_called_ragged(ragged):
    with pytest.raises(DataError, match=r"x: expected an array, got something ragged or unreadable"):
        as_array(ragged, "x")


@pytest.mark.parametrize(
    ("value", "numbered", "mapping"),
    [
        (X, False, False),
        (X.tolist(), False, False),
        (having(__getitem__=lambda number: X), True, False),
        (having(__getitem__=lambda number: X, __iter__=lambda: iter(X)), False, False),
        (having(__iter__=lambda: iter(X)), False, False),
        ({"x": X}, False, True),
        (pd.Series(X[:, 0]), False, False),
        (None, False, False),
    ],
)
def test_items_by_number_and_arrays_by_name_are_known(value, numbered, mapping):
    assert is_numbered(value) is numbered
    assert is_mapping(value) is mapping


@pytest.mark.parametrize("both", [(X, Y), [X, Y], (X, Y, np.ones(ROWS))])
def test_arrays_in_one_argument_are_told_in_words(both):
    with pytest.raises(
        DataError, match=r"x: expected an array, got arrays \(x, y\) as one argument\. Pass them one by"
    ):
        regression().fit(both)


class Samples:
    """A data set by number, as PyTorch's, of samples in place of batches."""

    def __len__(self):
        return ROWS

    def __getitem__(self, number):
        return X[number], Y[number]


@pytest.mark.parametrize("samples", [Samples(), iter(zip(X, Y, strict=True)), map(tuple, zip(X, Y, strict=True))])
def test_samples_in_place_of_batches_are_told_in_words(samples):
    with pytest.raises(ShapeError, match=r"fit: x: batch 0: Dense.* the shape of one sample: put samples together"):
        regression().fit(samples, verbose=0)


def test_items_by_number_without_a_length_are_no_batches():
    with pytest.raises(DataError, match=r"x: expected an array, got Having, which has no __iter__\. Add it"):
        regression().fit(having(__getitem__=lambda number: (X, Y)), verbose=0)


def test_pictures_in_place_of_batches_are_told_in_words():
    model = Sequential([Input((4, 3)), Flatten(), Dense(1)])
    with pytest.raises(ShapeError, match=r"the shape of one sample: .* x\[np\.newaxis\]"):
        model.predict(iter(np.ones((5, 4, 3))))


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ((row for row in X), "generator, an iterator. Make it a list"),
        (iter(X), "iterator, an iterator. Make it a list"),
        ({1.0, 2.0}, "set '"),
        ("data.csv", "str 'data.csv'"),
        (b"bytes", "bytes"),
        (None, r"None\.$"),
        (dict.fromkeys("abcdefg", X), r"dict with arrays named 'a', 'b', 'c', 'd', 'e'\. Pass one of them"),
    ],
)
def test_iterators_and_sets_are_no_arrays(x, words):
    with pytest.raises(DataError, match=f"x: expected an array with a row for each example, got .*{words}"):
        regression().fit(x, Y)


# Precision

SECONDS = 1.7e9 + np.arange(ROWS)
ROUNDED = {
    "times in seconds": SECONDS,
    "whole numbers": np.arange(2**24, 2**24 + ROWS),
    "negative whole numbers": -np.arange(2**31, 2**31 + ROWS),
    "unsigned numbers": np.arange(2**31, 2**31 + ROWS, dtype="uint64"),
    "a small spread": 1000 + 1e-6 * np.arange(ROWS),
    "two values": np.where(np.arange(ROWS) % 2, 1e8, 1e8 + 1),
    "too small": 1e-50 * np.arange(ROWS),
}
EXACT = {
    "normal numbers": np.random.default_rng(0).standard_normal(ROWS),
    "times an hour apart": 1.7e9 + 3600.0 * np.arange(ROWS),
    "even numbers": np.arange(2**24, 2**24 + 2 * ROWS, 2),
    "a constant": np.full(ROWS, 1.7e9 + 1),
    "large and small": np.geomspace(1e-9, 1e9, ROWS),
    "dates as numbers": 20260101 + np.arange(ROWS) // 31 * 100,
    "one large": np.r_[np.arange(ROWS - 1), 1e9 + 1],
}


def with_column(values):
    return pd.DataFrame({"a": X[:, 0], "time": values, "b": X[:, 1]})


CALLS = {
    "fit": lambda model, x: model.fit(x, Y, verbose=0),
    "fit with batches": lambda model, x: model.fit(iter([(x, Y)]), verbose=0),
    "validation": lambda model, x: model.fit(X, Y, validation_data=(x, Y), verbose=0),
    "evaluate": lambda model, x: model.evaluate(x, Y, verbose=0),
    "train_on_batch": lambda model, x: model.train_on_batch(x, Y),
    "test_on_batch": lambda model, x: model.test_on_batch(x, Y),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ROUNDED)
def test_a_column_that_float32_cannot_tell_apart_is_named(name, call):
    words = r"x: column 'time': different values become equal in float32\. Scale them.*dtype=\"float64\""
    with pytest.warns(UserWarning, match=words):
        CALLS[call](regression(), with_column(ROUNDED[name]))
    with pytest.warns(UserWarning, match="x: column 1: different values"):
        CALLS[call](regression(), with_column(ROUNDED[name]).to_numpy())


def test_only_the_first_batch_is_warned_of():
    model = regression()
    with pytest.warns(UserWarning, match="x: column 'time'"):
        model.train_on_batch(with_column(SECONDS), Y)
    model.train_on_batch(with_column(SECONDS), Y)
    with pytest.warns(UserWarning, match="fit: x: batch 0: x: column 'time'") as caught:
        model.fit([(with_column(SECONDS), Y)] * 3, epochs=2, verbose=0)
    assert len(caught) == 1


@pytest.mark.parametrize("name", EXACT)
def test_a_column_that_float32_tells_apart_is_silent(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regression().fit(with_column(EXACT[name]), Y, verbose=0)


@pytest.mark.parametrize("name", [name for name in ROUNDED if name != "too small"])
def test_float64_tells_them_apart(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regression(dtype="float64").evaluate(with_column(ROUNDED[name]), Y, verbose=0)


@pytest.mark.parametrize("y", [np.arange(2**24, 2**24 + ROWS), SECONDS[:, None], SECONDS.tolist()])
def test_targets_that_float32_cannot_tell_apart_are_named(y):
    where = "y: column 0" if np.ndim(y) > 1 else "y"
    with pytest.warns(UserWarning, match=f"^{where}: different values become equal in float32"):
        regression().evaluate(X, y, verbose=0)


def test_only_the_first_targets_are_warned_of():
    model = regression()
    with pytest.warns(UserWarning, match="y: column 0"):
        model.train_on_batch(X, SECONDS[:, None])
    model.train_on_batch(X, SECONDS[:, None])


ODD = 2**24 + 1 + 2 * np.arange(ROWS)  # every second of them is rounded up, the others down
LARGE_STEP = 2.0**-10  # of float32 at 2**13


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (np.r_[0, ODD], True),  # whole numbers beyond 2**24, which vary much
        (np.r_[0.5, ODD], False),
        (np.r_[0, ODD - 1], False),
        (2**13 - np.r_[0, LARGE_STEP * np.linspace(1022, 1023.9, 99)], True),  # just below 1,024 steps
        (2**13 - np.r_[0, LARGE_STEP * np.linspace(1022, 1024, 99)], False),
        (1e-45 * np.repeat([0, 1, 100, 700], 6) * np.linspace(1, 1.01, ROWS), True),  # below the normal numbers
    ],
)
def test_which_columns_are_examined_is_a_matter_of_rounding_steps(values, named):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_rounding(values[:, None], "x", np.dtype("float32"), values)
    assert [str(one.message).partition(".")[0] for one in caught] == (
        ["x: column 0: different values become equal in float32"] if named else []
    )


def test_five_columns_are_named_in_full():
    with pytest.warns(UserWarning, match="x: column 0, 1, 2, 3, 4: different values"):
        regression(5).evaluate(np.repeat(SECONDS[:, None], 5, axis=1), Y, verbose=0)


def test_numbers_that_a_model_takes_as_ids_are_not_rounded():
    model = Sequential([Input((2,)), Embedding(9, 2), Flatten(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(model.train_on_batch(np.ones((ROWS, 2)), Y))


class Noting:
    """An array on disk that notes the slices that are read."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.read = array, array.shape, array.dtype, []

    def __getitem__(self, rows):
        self.read.append((rows.start or 0, rows.stop))
        return self.array[rows]


@pytest.mark.parametrize(("width", "step"), [(1, CHECKED), (4, CHECKED // 4), (CHECKED + 1, 1)])
def test_an_array_on_disk_is_examined_in_parts(width, step):
    source = Noting(np.zeros((2 * step + 1, width)))
    check_finite(StoredArray(source, "x"), "x", np.dtype("float32"))
    assert source.read == [(0, step), (step, 2 * step), (2 * step, 3 * step)]
    warn_of_rounding(StoredArray(source, "x"), "x", np.dtype("float32"), source)
    assert source.read[3:] == [(0, step)]


def test_whole_numbers_on_disk_are_finite_unread():
    source = Noting(np.zeros((4, 2), int))
    check_finite(StoredArray(source, "x"), "x", np.dtype("float32"))
    assert source.read == []


def test_integers_of_32_bits_that_float32_cannot_tell_apart_are_named():
    with pytest.warns(UserWarning, match="x: column 0: different values become equal in float32"):
        regression(1).evaluate(np.arange(2**24, 2**24 + ROWS, dtype="int32"), Y, verbose=0)


@pytest.mark.parametrize(("lost", "words"), [(1, []), (2, ["x: column 0: different values become equal in float32"])])
def test_up_to_one_in_a_hundred_values_may_become_equal_silently(lost, words):
    values = 2.0**24 + 2 * np.arange(100)  # even numbers are exact
    values[1 : 2 * lost : 2] = values[0 : 2 * lost : 2] + 1
    values[: 2 * lost] += 400 + 4 * np.repeat(np.arange(lost), 2)  # pairs that are rounded to the same multiple of 4
    assert len(np.unique(values.astype("f4"))) == len(np.unique(values)) - lost == 100 - lost
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        regression(1).evaluate(values, np.zeros(100), verbose=0)
    assert [str(one.message).partition(".")[0] for one in caught] == words


def test_labels_are_not_rounded():
    model = Sequential([Input((3,)), Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.evaluate(X, np.arange(ROWS) % 2, verbose=0)


def test_many_columns_are_counted():
    with pytest.warns(UserWarning, match="x: column 0, 1, 2, 3, 4 and 2 more: different values"):
        regression(7).evaluate(np.repeat(SECONDS[:, None], 7, axis=1), Y, verbose=0)


def test_a_pixel_is_named_by_its_position():
    model = Sequential([Input((2, 2)), Flatten(), Dense(1)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).random((ROWS, 2, 2))
    x[:, 1, 0] = SECONDS
    with pytest.warns(UserWarning, match="x: column 1, 0: different values"):
        model.evaluate(x, Y, verbose=0)


def test_a_few_equal_neighbours_in_a_large_column_are_silent():
    values = np.random.default_rng(0).lognormal(15, 1, 200_000).round()  # whole numbers, a few beyond 2**24
    assert len(np.unique(values.astype("f4"))) < len(np.unique(values))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regression(1).evaluate(values, np.zeros(len(values)), 10_000, verbose=0)


def test_batches_of_contiguous_rows_are_views():
    table = Table(X, Y, None, "float32", "float32")
    x, y, _ = table.batch(slice(2, 4))
    assert np.shares_memory(x, X)
    assert np.shares_memory(y, Y)


@pytest.mark.parametrize(
    ("array", "kept", "dtype"),
    [
        (X, True, "f4"),
        (X.astype("f8"), False, "f4"),
        (np.asfortranarray(X), False, "f4"),
        (X.astype("i4"), False, "f4"),
        (X.astype("i1"), True, "i1"),  # as float32 it would need four times the memory
        (X.astype("f2"), True, "f2"),
    ],
)
def test_an_array_in_memory_is_converted_once_unless_that_takes_more_memory(array, kept, dtype):
    array = array[:]
    result = in_memory(array, np.dtype("f4"))
    assert (result is array or np.shares_memory(result, array)) is kept
    assert result.dtype == dtype
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, X)


@pytest.mark.parametrize("view", [lambda array: array, lambda array: array[1:, ::2]])
def test_an_array_on_disk_is_not_converted(view, tmp_path):
    np.save(tmp_path / "x.npy", X.astype("f8"))
    array = view(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert in_memory(array, np.dtype("f4")) is array


def test_a_masked_array_without_masked_entries_is_its_data():
    array = as_array(np.ma.masked_array(X, np.zeros(X.shape, bool)), "x")
    assert type(array) is np.ndarray
    np.testing.assert_array_equal(array, X)
    np.testing.assert_array_equal(as_array(np.ma.masked_array(X), "x"), X)


def test_as_array_copies_only_where_it_must():
    for x in (X, X[::2], X.astype("f8"), X > 0):
        assert as_array(x, "x") is x
    assert np.shares_memory(as_array(X.view(np.matrix), "x"), X)


# Numbers without axes


@pytest.mark.parametrize(
    "rate", [np.array(0.1), lambda step: np.where(step < 2, 0.1, 0.01), lambda step: np.clip(np.float32(0.5), 0, 0.1)]
)
def test_a_rate_may_be_an_array_without_axes(rate):
    model = Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile(optimizers.SGD(rate), "mse")
    model.fit(X, Y, batch_size=8, verbose=0)
    assert model.optimizer.learning_rate == pytest.approx(0.1 if not callable(rate) else float(rate(3)))


def test_a_scheduler_may_return_an_array_without_axes():
    scheduler = callbacks.LearningRateScheduler(lambda epoch, rate: np.where(epoch < 1, rate, rate / 2))
    history = regression().fit(X, Y, epochs=3, verbose=0, callbacks=[scheduler]).history
    assert history["learning_rate"] == [0.001, 0.0005, 0.00025]


@pytest.mark.parametrize("kind", [int, float, np.float32, np.int8, bool, np.bool_])
def test_classes_in_class_weight_may_be_any_whole_numbers(kind):
    def weighed(class_weight):
        model = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
        model.compile("adam", "sparse_categorical_crossentropy")
        return model.fit(X, np.arange(ROWS) % 2, class_weight=class_weight, verbose=0).history

    assert weighed({kind(0): 1.0, kind(1): np.array(3.0)}) == weighed({0: 1.0, 1: 3.0})


def test_class_weights_are_those_of_the_classes_of_labels_rows_and_single_outputs():
    weights = {0: 0.25, 1: 3.0}
    for y in (np.array([1, 0, 1]), np.array([1.0, 0.0, 1.0]), np.array([[0, 1], [1, 0], [0, 1]]), [[1], [0], [1]]):
        assert class_factors(weights, np.array(y), np.shape(y)[-1] if np.ndim(y) > 1 else 2).tolist() == [3, 0.25, 3]
    assert class_factors({1: 0.0}, np.array([0, 1, 2]), 3).tolist() == [1, 0, 1]


@pytest.mark.parametrize(("outputs", "classes"), [(1, 2), (2, 2), (3, 3)])
def test_the_classes_of_class_weight_end_with_the_outputs(outputs, classes):
    y = np.zeros((4, 1)) if outputs == 1 else np.zeros(4, int)
    assert class_factors({classes - 1: 2.0}, y, outputs).tolist() == [1, 1, 1, 1]
    with pytest.raises(ArgumentError, match=rf"class_weight: expected classes in \[0, {classes}\), got {classes}\."):
        class_factors({classes: 2.0}, y, outputs)


@pytest.mark.parametrize("wrong", ["balance", "Balanced", [1, 2], None, np.ones(2)])
def test_class_weights_are_balanced_or_a_dict(wrong):
    with pytest.raises(ArgumentError, match=r'class_weight: expected "balanced" or a dict of class to weight, got'):
        class_factors(wrong, np.array([0, 1]), 2)


def test_balanced_weights_are_those_of_scikit_learn():
    y = np.array([0, 0, 0, 2, 2, 5])
    expected = compute_class_weight("balanced", classes=np.unique(y), y=y)
    assert balanced(y) == dict(zip([0, 2, 5], expected, strict=True))
    assert class_factors("balanced", y, 6)[[0, 3, 5]].tolist() == expected.tolist()
    assert class_factors("balanced", y, 6, np.array([0, 3])).tolist() == [1, 1, 1, 1, 1, 1]
    assert class_factors("balanced", y, 6, np.array([0, 1, 2, 3]))[[0, 3]].tolist() == [2 / 3, 2.0]


def test_class_weights_multiply_sample_weights_in_the_dtype_of_the_model():
    model = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", SPARSE)
    y, weight = np.arange(ROWS) % 2, np.linspace(0.5, 2, ROWS)
    twice = model.train_on_batch(X, y, weight, class_weight={1: 4.0})
    again = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
    again.compile("sgd", SPARSE)
    assert twice == again.train_on_batch(X, y, weight * np.where(y == 1, 4.0, 1.0))
    with pytest.raises(DataError, match=r"class_weight: expected values that fit float32, got 5\.4\d*e\+39 at row 1"):
        model.train_on_batch(X, y, np.full(ROWS, 2.0**66), class_weight={1: 2.0**66})


@pytest.mark.parametrize(
    ("loss", "outputs", "activation", "takes"),
    [
        ("mse", 1, None, False),
        ("mse", 3, None, False),
        ("binary_crossentropy", 1, "sigmoid", True),
        ("binary_crossentropy", 2, "sigmoid", False),
        ("hinge", 1, None, True),
        ("hinge", 2, None, False),
        (ONE_HOT, 2, "softmax", True),
        (SPARSE, 2, "softmax", True),
    ],
)
def test_class_weights_need_a_loss_with_one_class_for_each_row(loss, outputs, activation, takes):
    model = Sequential([Input((3,)), Dense(outputs, activation=activation)], seed=0)
    model.compile("sgd", loss)
    y = np.zeros(ROWS, int) if loss == SPARSE else np.eye(3)[np.zeros(ROWS, int), :outputs]
    if takes:
        assert np.isfinite(model.train_on_batch(X, y, class_weight={0: 2.0}))
    else:
        with pytest.raises(ArgumentError, match=r"class_weight: expected a loss with one class .* Use sample_weight"):
            model.train_on_batch(X, y, class_weight={0: 2.0})


@pytest.mark.parametrize(("rows", "part", "training"), [(10, 0.2, 8), (10, 0.25, 7), (7, 0.5, 3), (5, 0.6, 2)])
def test_the_training_rows_of_a_split_are_counted_as_in_keras(rows, part, training):
    for split in ("last", "shuffle", "stratify"):
        one, other = split_rows(np.arange(rows) % 2, rows, part, split, np.random.default_rng(0))
        assert len(one) == training
        assert sorted([*one, *other]) == list(range(rows))
    assert split_rows(np.zeros(rows), rows, part, "last", None)[0].tolist() == list(range(training))


def test_a_split_shuffles_as_its_generator_does_or_keeps_the_proportions():
    y = np.repeat([0, 1], [16, 4])
    one, other = split_rows(y, 20, 0.25, "shuffle", np.random.default_rng(7))
    order = np.random.default_rng(7).permutation(20)
    assert (one.tolist(), other.tolist()) == (sorted(order[:15]), sorted(order[15:]))
    for seed in range(20):
        _, held_out = split_rows(y, 20, 0.25, "stratify", np.random.default_rng(seed))
        assert y[held_out].sum() == 1


def test_a_split_leaves_rows_for_training():
    with pytest.raises(DataError, match=r"validation_split: expected rows left for training, got 0\.9 of 5 rows"):
        split_rows(np.zeros(5), 5, 0.9, "last", None)


def test_a_class_of_a_single_row_is_held_out_as_often_as_the_others():
    y = np.r_[np.zeros(19, int), 1]
    splits = [split_rows(y, 20, 0.25, "stratify", np.random.default_rng(seed)) for seed in range(400)]
    assert np.mean([19 in held_out for _, held_out in splits]) == pytest.approx(0.25, abs=0.06)  # three deviations
    assert {len(held_out) for _, held_out in splits} == {5}


def test_a_target_above_one_half_is_of_class_1():
    assert class_factors({1: 3.0}, np.array([[0.25], [0.5], [0.75]]), 1).tolist() == [1.0, 1.0, 3.0]


@pytest.mark.parametrize("label", [0.5, np.nan, np.inf, -1.0, "1", None])
def test_other_keys_of_class_weight_are_refused(label):
    model = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ArgumentError, match="class_weight: class: expected an integer of at least 0"):
        model.fit(X, np.arange(ROWS) % 2, class_weight={label: 2.0}, verbose=0)


def test_arrays_without_axes_are_numbers_elsewhere():
    assert layers.Dropout(np.array(0.5)).rate == 0.5
    assert Dense(np.array(3)).units == 3
    with pytest.raises(ArgumentError, match="Dense: units: expected an integer"):
        Dense(np.array([3]))
    with pytest.raises(ArgumentError, match="Dropout: rate: expected a finite number"):
        layers.Dropout(np.array("a"))
