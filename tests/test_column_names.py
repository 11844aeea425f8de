"""Columns by name: those of the data frame that the model is fitted on."""

import copy

import numpy as np
import pandas as pd
import pytest

from minidl import ArgumentError, Columns, Concatenate, Dense, Input, Residual, Sequential, load_model
from minidl.explain.summary import rows

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(64, 4)), columns=["age", "height", "weight", "pulse"])
Y = RNG.normal(size=64)


def fitted(frame=FRAME, columns=("weight", "age"), wrap=lambda layer: layer):
    model = Sequential([wrap(Columns(*columns)), Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mse")
    model.fit(frame, Y, verbose=0)
    return model


def by_hand(model, x):
    dense = model.layers[1]
    return x @ dense.W + dense.b


def test_names_choose_the_columns_of_the_frame():
    model = fitted()
    expected = by_hand(model, FRAME[["weight", "age"]].to_numpy())
    np.testing.assert_allclose(model.predict(FRAME), expected, rtol=1e-12)
    np.testing.assert_allclose(model.predict(FRAME.to_numpy()), expected, rtol=1e-12)
    np.testing.assert_allclose(model.forward(FRAME.to_numpy()), expected, rtol=1e-12)


def test_names_numbers_and_slices_go_together():
    model = fitted(columns=("pulse", 0, slice(1, 2)))
    expected = by_hand(model, FRAME[["pulse", "age", "height"]].to_numpy())
    np.testing.assert_allclose(model.predict(FRAME), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda layer: Concatenate([layer]),
        lambda layer: Sequential([layer]),
        lambda layer: Concatenate([Sequential([layer])]),
    ],
)
def test_names_are_found_inside_other_layers(wrap):
    model = fitted(wrap=wrap)
    expected = by_hand(model, FRAME[["weight", "age"]].to_numpy())
    np.testing.assert_allclose(model.predict(FRAME), expected, rtol=1e-12)


def test_copies_and_files_find_the_same_columns(tmp_path):
    model = fitted()
    model.save(tmp_path / "model")
    for twin in (copy.deepcopy(model), load_model(tmp_path / "model")):
        np.testing.assert_array_equal(twin.predict(FRAME), model.predict(FRAME))


def test_names_that_change_are_looked_up_again():
    model, other = fitted(), FRAME[["pulse", "weight", "height", "age"]]
    model.feature_names = None
    model.fit(other, Y, verbose=0)
    expected = by_hand(model, FRAME[["weight", "age"]].to_numpy())
    np.testing.assert_allclose(model.predict(other), expected, rtol=1e-12)


def test_names_can_be_given_to_a_model_of_arrays():
    model = Sequential([Input((4,)), Columns("age"), Dense(1)])
    model.feature_names = tuple(FRAME)
    np.testing.assert_allclose(model.predict(FRAME.to_numpy()), by_hand_float32(model, FRAME[["age"]]), rtol=1e-5)


def by_hand_float32(model, frame):
    return frame.to_numpy().astype("float32") @ model.layers[1].W


def test_a_summary_needs_no_names():
    model = Sequential([Input((4,)), Columns("age"), Dense(1)])
    assert rows(model) == [("columns (Columns)", "(batch, 1)", "0", "?"), ("dense (Dense)", "(batch, 1)", "2", "?")]


@pytest.mark.parametrize("call", [lambda model: model.predict(FRAME.to_numpy()), lambda model: model.forward(FRAME)])
def test_names_without_a_frame_are_an_error(call):
    with pytest.raises(
        ArgumentError, match=r"Columns 'columns' \(layer 0\): expected a model that was fitted on a data"
    ):
        call(Sequential([Input((4,)), Columns("age"), Dense(1)]))


def test_an_unknown_name_is_an_error():
    with pytest.raises(ArgumentError, match=r"one of age, height, weight, pulse; got 'hight'. Did you mean 'he"):
        fitted(columns=("hight",))


def test_one_column_by_name_and_number_is_an_error():
    with pytest.raises(ValueError, match=r"expected different columns of 4 features, got \[0, 0\]"):
        fitted(columns=("age", 0))


def test_names_behind_other_layers_are_an_error():
    model = Sequential([Residual(Dense(4)), Dense(3), Columns("age"), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match=r"Columns 'columns' \(layer 2\): expected a data frame of 3 columns, got"):
        model.fit(FRAME, Y, verbose=0)
