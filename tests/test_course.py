"""The chapters of the course, and its published cost curves and accuracies, reproduced through the public API.

`make docs` runs the chapters. The pictures of the cats carry no licence and are no part of the project: the tests look
for their folder in the environment variable MINIDL_COURSE and next to the project, and are skipped where it is absent.
`examples/course_results.py FOLDER` runs all iterations.
"""

import importlib.util
import json
import os
import re
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
CHAPTERS = sorted((HOME / "examples" / "course").glob("chapter*.py"))
FOLDER = Path(os.environ.get("MINIDL_COURSE", HOME.parent / "shared" / "course"))

needs_pictures = pytest.mark.skipif(
    not (FOLDER / "golden.json").exists(), reason=f"the course's pictures are not in {FOLDER}"
)


def test_the_chapters_are_numbered_from_the_errata_to_14():
    titles = [re.match(r'r?"""\n(\d+)\. .+\n=+\n', chapter.read_text()) for chapter in CHAPTERS]
    assert [int(title[1]) for title in titles if title] == list(range(15))


@pytest.mark.parametrize("chapter", CHAPTERS[1:], ids=lambda chapter: chapter.stem)
@pytest.mark.parametrize(
    "part", ["**Claim.**", "Notes, section", "plt.show()", "# When is it false?\n", "**Take along.**"]
)
def test_a_chapter_has_a_claim_one_picture_its_limits_and_a_lesson(chapter, part):
    found = chapter.read_text().count(part)
    assert found == 1 or (found and part == "Notes, section")


def test_the_stored_costs_are_the_published_ones_to_six_digits():
    stored = json.loads((HOME / "examples" / "course" / "published.json").read_text())
    for name in ("logistic_regression", "two_layer", "deep"):
        ours, published = stored[name]["ours"], stored[name]["published"]
        assert len(ours) == len(published) >= 20
        assert max(abs(ours[i] - published[i]) for i in published) <= 1e-6


@pytest.fixture(scope="module")
def course():
    spec = importlib.util.spec_from_file_location("course_results", HOME / "examples" / "course_results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_pictures
@pytest.mark.parametrize("name", ["logistic_regression", "two_layer", "deep"])
def test_the_published_costs_come_out_to_six_digits(course, name):
    result = course.reproduce(FOLDER, name, iterations=201)
    assert len(result.costs) == 3
    assert result.largest_error <= 1e-6


@needs_pictures
def test_float32_follows_the_deep_network_to_four_digits(course):
    assert course.reproduce(FOLDER, "deep", iterations=201, dtype="float32").largest_error <= 1e-4


@needs_pictures
def test_logistic_regression_has_the_published_accuracies(course):
    result = course.reproduce(FOLDER, "logistic_regression")
    assert result.largest_error <= 1e-6
    assert (result.train_accuracy, result.test_accuracy) == pytest.approx(result.published_accuracies, abs=1e-9)


@needs_pictures
def test_a_wrong_learning_rate_is_noticed(course):
    assert course.reproduce(FOLDER, "deep", iterations=101, rate_factor=1.001).largest_error > 1e-6
