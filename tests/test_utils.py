"""Utils: labels to one-hot rows."""

import numpy as np
import pytest

from minidl import load_model, models
from minidl.errors import ArgumentError, DataError
from minidl.sequential import Sequential
from minidl.utils import to_categorical


@pytest.mark.parametrize("labels", [[0, 2], [[0], [2]], np.array([0.0, 2.0]), np.array([0, 2], "u1")])
def test_labels_of_any_kind_become_one_hot_rows(labels):
    assert np.array_equal(to_categorical(labels), [[1, 0, 0], [0, 0, 1]])
    assert to_categorical(labels, 5).shape == (2, 5)


def test_no_labels_are_no_rows():
    assert to_categorical([], 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("labels", "classes", "kind", "words"),
    [
        ([0, 3], 3, DataError, r"x: expected labels in \[0, 3\), got 3 at row 1"),
        ([0, -1], None, DataError, "got -1 at row 1"),
        ([0, 0.5], None, DataError, "got 0.5 at row 1"),
        ([0, np.nan], None, DataError, "got nan at row 1"),
        ([np.inf], None, DataError, "got inf at row 0"),
        ([[1, 0]], None, DataError, r"expected labels of shape \(rows,\), got \(1, 2\)"),
        (["a"], None, DataError, "expected real numbers"),
        ([0], 0, ArgumentError, "num_classes: expected an integer of at least 1, got 0"),
    ],
)
def test_what_are_no_labels_is_refused(labels, classes, kind, words):
    with pytest.raises(kind, match=f"to_categorical: .*{words}"):
        to_categorical(labels, classes)


def test_models_is_where_keras_keeps_sequential():
    assert (models.Sequential, models.load_model) == (Sequential, load_model)
