"""Arrays: everything array-like is taken, collections of arrays are told in words, no precision is lost silently."""

import array
import warnings
from collections import deque

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from minidl import (
    ArgumentError,
    DataError,
    Dense,
    Flatten,
    Input,
    Sequential,
    ShapeError,
    callbacks,
    layers,
    optimizers,
)
from minidl.data import Table, as_array
from minidl.data.classes import class_factors

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
    with pytest.warns(UserWarning, match="y: (column 0: )?different values become equal in float32"):
        regression().evaluate(X, y, verbose=0)


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
