"""The bugs of other hands stay as they were written, and those that the certification kit finds stay found.

``python benchmarks/certify_unseen.py`` prints the table.
"""

import importlib
from collections import Counter
from pathlib import Path

import pytest

from tests.planted import power
from tests.unseen import BUGS, CATEGORIES, CORRECT, MISSES, right

ROOT = Path(__file__).parent.parent


def names(bugs):
    return [bug.name for bug in bugs]


def test_the_table_holds_80_bugs_in_24_right_layers():
    assert Counter(bug.number[0] for bug in BUGS) == {"F": 37, "R": 14, "S": 13, "P": 5, "D": 11}
    assert len(set(names(BUGS))) == 80
    assert {bug.layer for bug in BUGS} == set(CORRECT)
    assert len(CORRECT) == 24
    assert all(bug.truth for bug in BUGS)


def test_the_misses_are_bugs_of_the_table_and_have_a_reason():
    assert set(MISSES) <= set(names(BUGS))
    assert all(MISSES.values())


@pytest.mark.parametrize("bug", BUGS, ids=names(BUGS))
def test_every_edit_of_a_bug_applies_once_and_gives_a_layer(bug, tmp_path):
    assert bug.plant(tmp_path).name == right(bug.layer).name
    assert bug.category in CATEGORIES.values()


@pytest.mark.parametrize("old", ["no such text", "self."])
def test_an_edit_that_does_not_apply_once_is_refused(old):
    wrong = BUGS[0]._replace(edits=((old, ""),))
    with pytest.raises(ValueError, match=r"F01_affine: expected the text once, got it \d+ times"):
        wrong.source()


def test_the_benchmark_tells_a_bug_from_a_right_layer(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    benchmark = importlib.import_module("certify_unseen")
    found = power.examine(BUGS[0].plant(tmp_path), level="quick")
    missed = power.examine(right(BUGS[0].layer), level="quick")
    rows = benchmark.by_category([(BUGS[0], found), (BUGS[0], missed)]).splitlines()
    assert [cell.strip() for cell in rows[-1].split("|")[1:4]] == ["all", *2 * ["1 of 2 (50 %, 1.2 to 98.8)"]]
    assert "batch" in benchmark.diagnosis(found)
    assert benchmark.diagnosis(missed) == "PASS"


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=names(BUGS))
def test_every_bug_but_the_known_misses_is_found(bug, tmp_path):
    assert power.examine(bug.plant(tmp_path)).detected == (bug.name not in MISSES)


@pytest.mark.slow
@pytest.mark.parametrize("layer", CORRECT)
def test_a_right_layer_is_never_blamed(layer):
    for seed in range(3):
        certificate = power.examine(right(layer), seed=seed).certificate
        assert certificate.outcome == "PASS", str(certificate)
