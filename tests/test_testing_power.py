"""The certification kit proves itself: it finds planted bugs and mutants, says why, and blames no right layer.

A part runs here; ``python benchmarks/certify_power.py`` runs all of it and prints the table.
"""

import importlib
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.planted import BUGS, CATEGORIES, CORRECT, Planted, mutants, power

ROOT = Path(__file__).parent.parent


def part(items: Iterable[Any], every: int) -> list[Any]:
    """Return about one in ``every`` items, chosen by name so that a new one does not change the choice."""
    return [item for item in items if zlib.crc32(getattr(item, "name", str(item)).encode()) % every == 0]


def names(items: Iterable[Planted]) -> list[str]:
    return [planted.name for planted in items]


SOME_BUGS = part(BUGS, 7)
SOME_RIGHT = part(CORRECT, 3)


def test_there_are_enough_bugs_of_every_category():
    assert len(BUGS) >= 200
    assert len(CORRECT) >= 20
    assert {planted.category for planted in BUGS} == set(CATEGORIES)
    assert len({planted.name for planted in [*BUGS, *CORRECT]}) == len(BUGS) + len(CORRECT)


@pytest.mark.parametrize("planted", SOME_BUGS, ids=names(SOME_BUGS))
def test_a_planted_bug_is_found(planted):
    assert power.examine(planted).detected


def test_nine_diagnoses_in_ten_are_right():
    outcomes = [power.examine(planted) for planted in part(BUGS, 11)]
    wrong = [f"{o.planted.name}: {o.told}" for o in outcomes if not o.diagnosed]
    assert len(wrong) <= len(outcomes) / 10, "\n".join(wrong)


@pytest.mark.parametrize("planted", SOME_RIGHT, ids=names(SOME_RIGHT))
def test_a_right_layer_passes_on_easy_and_on_hard_inputs(planted):
    for outcome in power.false_alarms([planted], range(4)):
        assert outcome.certificate.outcome == "PASS", str(outcome.certificate)


@pytest.mark.parametrize("kind", mutants.shipped(), ids=lambda kind: kind.__name__)
def test_mutants_of_a_shipped_backward_are_killed(kind):
    some = [mutant for mutant in mutants.mutants_of(kind) if zlib.crc32(mutant.key.encode()) % 8 == 0]
    survivors = [mutant.key for mutant in some if mutant.key not in mutants.EQUIVALENT and not mutants.killed(mutant)]
    assert survivors == []


def test_equivalent_mutants_exist_and_have_a_reason():
    keys = {mutant.key for kind in mutants.shipped() for mutant in mutants.mutants_of(kind)}
    assert set(mutants.EQUIVALENT) <= keys
    assert all(mutants.EQUIVALENT.values())


@pytest.mark.parametrize("target", ["dx", "dW"])
def test_a_relative_error_of_1e_8_is_detected(target):
    dense = next(planted for planted in CORRECT if planted.name == "Dense")
    assert power.smallest_error(dense, target) <= 1e-8


def test_the_benchmark_counts_what_was_found(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    benchmark = importlib.import_module("certify_power")
    found = power.examine(BUGS[0], level="quick")
    missed = found._replace(certificate=power.examine(CORRECT[0], level="quick").certificate)
    rows = benchmark.by_category([found, missed]).splitlines()
    assert [cell.strip() for cell in rows[-1].split("|")[1:4]] == ["all", "1 of 2 (50 %)", "1 of 2 (50 %)"]
    assert benchmark.common.share(9999, 10_000) == "9999 of 10000 (99.9 %)"


@pytest.mark.slow
@pytest.mark.parametrize("planted", BUGS, ids=names(BUGS))
def test_every_planted_bug_is_found(planted):
    assert power.examine(planted).detected


@pytest.mark.slow
@pytest.mark.parametrize("planted", CORRECT, ids=names(CORRECT))
def test_a_right_layer_is_never_blamed(planted):
    for outcome in power.false_alarms([planted], range(20)):
        assert outcome.certificate.outcome == "PASS", str(outcome.certificate)


@pytest.mark.slow
@pytest.mark.parametrize("kind", mutants.shipped(), ids=lambda kind: kind.__name__)
def test_every_mutant_of_a_shipped_backward_is_killed(kind):
    survivors = [mutant.key for mutant in mutants.mutants_of(kind) if not mutants.killed(mutant)]
    assert [key for key in survivors if key not in mutants.EQUIVALENT] == []
