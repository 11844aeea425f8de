"""Frames: columns are converted one by one where they must be, named in messages, and remembered by the model."""

import copy
import pickle
import re

import numpy as np
import pandas as pd
import pytest

from minidl import ArgumentError, DataError, Dense, Input, Sequential, load_model
from minidl.data import as_array, column_names
from minidl.data.frames import has_plain_columns, is_frame

ROWS = 24
X = np.random.default_rng(0).integers(-4, 5, (ROWS, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True) / 4
FRAME = pd.DataFrame(X, columns=["age", "income", "debt"])


def regression():
    model = Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


def fitted(x=FRAME):
    model = regression()
    model.fit(x, Y, verbose=0)
    return model


class Column:
    """A column of Arrow: it has nulls, and only ``__array__`` takes them."""

    def __init__(self, values):
        self.values = values

    def to_numpy(self):
        raise ValueError("needs a copy")

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


class ArrowTable:
    """A frame as Arrow spells it."""

    def __init__(self, **columns):
        self.column_names, self.columns = list(columns), [Column(values) for values in columns.values()]

    def __len__(self):
        return len(self.columns[0].values)

    column_names = columns = None


class PolarsFrame:
    """A frame as polars spells it."""

    def __init__(self, **columns):
        self.columns, self.parts = list(columns), list(columns.values())

    def __len__(self):
        return len(self.parts[0])

    def get_columns(self):
        return [np.asarray(part) for part in self.parts]

    def to_numpy(self):
        raise AssertionError("an array of objects")

    columns = None


MIXED = {"a": [1, 2, 3], "b": [True, False, True], "c": [0.5, 1.5, 2.5]}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(MIXED),
        pd.DataFrame(MIXED).astype({"a": "Int64", "b": "boolean", "c": "Float32"}),
        pd.DataFrame(MIXED).astype({"a": "category"}),
        pd.DataFrame(MIXED).astype({"a": "Sparse[int]", "c": object}),
        pd.DataFrame(MIXED).astype({"a": "uint64", "c": "float16"}),
        ArrowTable(**MIXED),
        PolarsFrame(**MIXED),
    ],
)
def test_columns_of_any_kinds_of_numbers_become_one_array(frame):
    np.testing.assert_array_equal(as_array(frame, "x"), [[1, 1, 0.5], [2, 0, 1.5], [3, 1, 2.5]])


@pytest.mark.parametrize("kinds", [("int8", "bool"), ("bool", "bool"), ("uint8", "int8"), ("int64", "Int64")])
def test_whole_numbers_stay_whole(kinds):
    frame = pd.DataFrame({"a": np.arange(3) % 2, "b": np.arange(3) % 2}).astype({"a": kinds[0], "b": kinds[1]})
    array = as_array(frame, "x")
    assert array.dtype.kind in "iub"
    np.testing.assert_array_equal(array, [[0, 0], [1, 1], [0, 0]])


@pytest.mark.parametrize(
    ("kinds", "plain"),
    [
        (["float64", "float32", "float16"], True),
        (["float64", "int8", "uint8"], True),
        (["bool", "bool", "bool"], True),
        (["bool", "int8", "int8"], False),  # pandas would make an array of objects
        (["int8", "Int8", "int8"], False),
        (["int8", "object", "int8"], False),
    ],
)
def test_a_frame_is_converted_as_a_whole_where_its_types_have_a_common_one(kinds, plain):
    frame = pd.DataFrame({name: np.array([0, 1]) for name in "abc"}).astype(dict(zip("abc", kinds, strict=True)))
    assert has_plain_columns(frame) is plain
    assert is_frame(frame) is True


@pytest.mark.parametrize("value", [X, X.tolist(), pd.Series(X[:, 0]), None, {"columns": X}, np.rec.array(X)])
def test_what_has_no_named_columns_is_no_frame(value):
    assert is_frame(value) is False
    assert column_names(value) == ()


@pytest.mark.parametrize("kind", [ArrowTable, PolarsFrame])
def test_a_column_of_vectors_in_a_frame_is_refused(kind):
    with pytest.raises(DataError, match=r"x: expected columns of numbers, got vectors in column 1\. Stack them first"):
        as_array(kind(a=[1, 2], b=[[1, 2], [3, 4]]), "x")


def test_a_frame_without_columns_has_rows():
    assert as_array(pd.DataFrame(index=range(4)), "x").shape == (4, 0)


def test_a_column_may_have_any_name():
    names = ["toarray", "filled", "mask", "shape", "columns", "index", "column_names"]
    frame = pd.DataFrame([[1, 2, 3, 4, 5, 6, 7]], columns=names)
    np.testing.assert_array_equal(as_array(frame, "x"), [[1, 2, 3, 4, 5, 6, 7]])
    np.testing.assert_array_equal(as_array(frame.astype("Int64"), "x"), [[1, 2, 3, 4, 5, 6, 7]])


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ([1.0, np.nan, 2.0], "expected finite numbers, got nan at row 1, column 'income'"),
        ([1.0, 1e300, 2.0], "expected values that fit float32, got 1e+300 at row 1, column 'income'"),
        (["u", "v", "w"], "expected real numbers, got 'u' at row 0, column 'income'"),
        (pd.array([1, None, 2], "Int64"), "expected finite numbers, got nan at row 1, column 'income'"),
        (pd.array([True, False, None], "boolean"), "expected real numbers, got <NA> at row 2, column 'income'"),
        (pd.Categorical(["u", "v", "u"]), "expected real numbers, got 'u' at row 0, column 'income'"),
        (pd.date_range("2020", periods=3), "expected real numbers, got an array of datetime64[us] in column 'income'"),
        ([1j, 2j, 3j], "expected real numbers, got an array of complex128 in column 'income'"),
        ([[1, 2], [3, 4], [5, 6]], "expected real numbers, got a vector at row 0, column 'income'"),
    ],
)
def test_a_message_about_a_frame_names_the_column(column, words):
    frame = pd.DataFrame({"age": [1, 2, 3], "income": column, "debt": [1, 2, 3]})
    with pytest.raises(DataError, match=re.escape(f"x: {words}")):
        regression().fit(frame, Y[:3], verbose=0)


@pytest.mark.parametrize("value", [np.nan, 1e300])
def test_a_message_about_a_frame_of_targets_names_the_column(value):
    model = Sequential([Input((3,)), Dense(2)], seed=0)
    model.compile("sgd", "mse")
    targets = pd.DataFrame({"height": Y[:, 0].astype(float), "weight": Y[:, 0].astype(float)})
    targets.loc[4, "weight"] = value
    with pytest.raises(DataError, match=r"^y: expected .* at row 4, column 'weight'"):
        model.fit(FRAME, targets, verbose=0)


def test_a_column_of_vectors_is_told_how_to_become_an_array():
    with pytest.raises(DataError, match=r"x: expected real numbers, got a vector at row 0\. .*np\.stack"):
        regression().predict(pd.Series(list(X)))
    np.testing.assert_array_equal(regression().predict(np.stack(list(pd.Series(list(X))))), regression().predict(X))


# What a model remembers


@pytest.mark.parametrize(
    "train",
    [
        lambda model: model.fit(FRAME, Y, verbose=0),
        lambda model: model.train_on_batch(FRAME, Y),
        lambda model: model.fit([(FRAME, Y), (FRAME, Y)], verbose=0),
        lambda model: model.fit(PolarsFrame(**{name: FRAME[name] for name in FRAME}), Y, verbose=0),
    ],
)
def test_training_on_a_frame_makes_the_model_remember_its_columns(train):
    model = regression()
    train(model)
    assert model.feature_names == ("age", "income", "debt")
    assert copy.deepcopy(model).feature_names == pickle.loads(pickle.dumps(model)).feature_names == model.feature_names
    np.testing.assert_array_equal(model.predict(FRAME), model.predict(X))


def test_a_file_keeps_the_columns(tmp_path):
    fitted().save(tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert model.feature_names == ("age", "income", "debt")
    with pytest.raises(DataError, match="expected the columns"):
        model.predict(FRAME[["debt", "income", "age"]])
    fitted(X).save(tmp_path / "model")
    assert load_model(tmp_path / "model").feature_names is None


def test_a_model_keeps_the_columns_when_a_layer_is_added():
    model = fitted()
    model.add(Dense(2))
    assert model.feature_names == ("age", "income", "debt")


WRONG = {
    "another order": (FRAME[["income", "age", "debt"]], "them in another order"),
    "another name": (FRAME.rename(columns={"debt": "loan"}), "no column 'debt', the unknown column 'loan'"),
    "one too few": (FRAME[["age", "income"]], "no column 'debt'"),
    "one too many": (FRAME.assign(loan=1.0), "the unknown column 'loan'"),
}
CALLS = {
    "fit": lambda model, x: model.fit(x, Y, verbose=0),
    "fit with batches": lambda model, x: model.fit([(x, Y)], verbose=0),
    "evaluate": lambda model, x: model.evaluate(x, Y, verbose=0),
    "predict": lambda model, x: model.predict(x),
    "predict batches": lambda model, x: model.predict(iter([x])),
    "call": lambda model, x: model(x),
    "train_on_batch": lambda model, x: model.train_on_batch(x, Y),
    "test_on_batch": lambda model, x: model.test_on_batch(x, Y),
    "validation": lambda model, x: model.fit(FRAME, Y, validation_data=(x, Y), verbose=0),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", WRONG)
def test_other_columns_are_refused_in_words(wrong, call):
    x, words = WRONG[wrong]
    model = fitted()
    with pytest.raises(DataError, match=f"expected the columns .* 'age', 'income', 'debt'; got {words}"):
        CALLS[call](model, x)
    assert model.feature_names == ("age", "income", "debt")


def test_the_first_validation_data_must_have_the_columns_of_the_training_data():
    model = regression()
    with pytest.raises(DataError, match="validation_data: x: expected the columns"):
        model.fit(FRAME, Y, validation_data=(FRAME[["debt", "income", "age"]], Y), verbose=0)
    assert model.feature_names is None


def test_a_frame_that_is_refused_is_not_remembered():
    model = regression()
    with pytest.raises(DataError):
        model.fit(FRAME * np.nan, Y, verbose=0)
    with pytest.raises(DataError):
        model.train_on_batch(FRAME, np.full(ROWS, np.inf))
    assert model.feature_names is None
    model.fit(FRAME[["debt", "age", "income"]], Y, verbose=0)
    assert model.feature_names == ("debt", "age", "income")


def test_arrays_and_frames_without_names_have_the_order_of_the_columns():
    model = fitted()
    for x in (X, X.tolist(), pd.DataFrame(X)):
        np.testing.assert_array_equal(model.predict(x), model.predict(FRAME))


def test_numbered_columns_in_another_order_are_refused():
    model = fitted(pd.DataFrame(X))
    assert model.feature_names is None
    with pytest.raises(DataError, match="another order"):
        model.predict(pd.DataFrame(X)[[2, 0, 1]])
    np.testing.assert_array_equal(model.predict(FRAME), model.predict(X))


def test_columns_are_forgotten_on_demand():
    model = fitted()
    model.feature_names = None
    model.fit(FRAME.rename(columns=str.upper), Y, verbose=0)
    assert model.feature_names == ("AGE", "INCOME", "DEBT")


def test_columns_may_be_set():
    model = regression()
    model.feature_names = ["age", "income", "debt"]
    assert model.feature_names == ("age", "income", "debt")
    with pytest.raises(DataError, match="another order"):
        model.predict(FRAME[["debt", "income", "age"]])
    for wrong in ("abc", 3, [1, 2], {"age"}):
        with pytest.raises(ArgumentError, match="feature_names: expected a list of strings or None"):
            model.feature_names = wrong


def test_predicting_and_evaluating_remember_nothing():
    model = regression()
    model.predict(FRAME)
    model.evaluate(FRAME, Y, verbose=0)
    assert model.feature_names is None


# The order of the rows

SHUFFLED = np.random.default_rng(1).permutation(ROWS)


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch"])
@pytest.mark.parametrize("who", ["y", "sample_weight"])
def test_rows_with_the_same_labels_in_another_order_are_refused(who, call):
    other = pd.Series(np.ones(ROWS))[SHUFFLED]
    arguments = {"y": Y, who: other}
    with pytest.raises(DataError, match=rf"{who}: expected the rows in the order of x.*{who}\.loc\[x\.index\]"):
        getattr(regression(), call)(FRAME, **arguments)
    getattr(regression(), call)(FRAME.loc[SHUFFLED], **arguments)


def test_rows_with_a_shuffled_index_are_refused_for_a_frame_of_targets_and_in_validation():
    targets = pd.DataFrame(Y, index=list("abcdefghijklmnopqrstuvwx"))
    x = FRAME.set_axis(targets.index[::-1])
    with pytest.raises(DataError, match="y: expected the rows in the order of x"):
        regression().fit(x, targets, verbose=0)
    with pytest.raises(DataError, match="validation_data: y: expected the rows in the order of x"):
        regression().fit(X, Y, validation_data=(x, targets), verbose=0)


def test_rows_with_other_labels_are_taken_as_they_are():
    for index in (np.arange(ROWS) + 5, np.arange(ROWS) * 2):
        regression().fit(FRAME, pd.Series(Y[:, 0], index=index), verbose=0)
    regression().fit(X, pd.Series(Y[:, 0])[SHUFFLED], verbose=0)
    regression().fit(FRAME, pd.Series(Y[:, 0])[SHUFFLED].to_numpy(), verbose=0)


def test_a_lazy_frame_is_told_to_be_collected():
    class Lazy:
        def __getitem__(self, name):
            raise TypeError

        def __len__(self):
            raise TypeError

    with pytest.raises(DataError, match=r"x: expected an array, got Lazy, .* or collect\(\) it"):
        regression().fit(Lazy(), Y, verbose=0)
