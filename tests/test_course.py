"""The course's published cost curves and accuracies, reproduced through the public API.

The pictures carry no licence and are no part of the project: the tests look for their folder in the
environment variable MINIDL_COURSE and beside the project, and are skipped where it is absent.
`examples/course_results.py FOLDER` runs all iterations.
"""

import importlib.util
import os
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
FOLDER = Path(os.environ.get("MINIDL_COURSE", HOME.parent / "shared" / "course"))

pytestmark = pytest.mark.skipif(
    not (FOLDER / "golden.json").exists(), reason=f"the course's pictures are not in {FOLDER}"
)


@pytest.fixture(scope="module")
def course():
    spec = importlib.util.spec_from_file_location("course_results", HOME / "examples" / "course_results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["logistic_regression", "two_layer", "deep"])
def test_the_published_costs_come_out_to_six_digits(course, name):
    result = course.reproduce(FOLDER, name, iterations=201)
    assert len(result.costs) == 3
    assert result.largest_error <= 1e-6


def test_float32_follows_the_deep_network_to_four_digits(course):
    assert course.reproduce(FOLDER, "deep", iterations=201, dtype="float32").largest_error <= 1e-4


def test_logistic_regression_has_the_published_accuracies(course):
    result = course.reproduce(FOLDER, "logistic_regression")
    assert result.largest_error <= 1e-6
    assert (result.train_accuracy, result.test_accuracy) == pytest.approx(result.published_accuracies, abs=1e-9)


def test_a_wrong_learning_rate_is_noticed(course):
    assert course.reproduce(FOLDER, "deep", iterations=101, rate_factor=1.001).largest_error > 1e-6
