"""The certification kit proves itself: it finds planted bugs and mutants, says why, and blames no right layer.

A part runs here; ``python benchmarks/certify_power.py`` runs all of it and prints the table.
"""

import importlib
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from minidl.testing.findings import Finding
from tests import unseen
from tests.planted import BUGS, CATEGORIES, CORRECT, Planted, mutants, power

ROOT = Path(__file__).parent.parent
EVERY_BUG = [*BUGS, *unseen.BUGS]
# What a diagnosis may say without naming any cause.
EMPTY = [
    "",
    "dx",
    "no hypothesis fits: 7 of 12 entries wrong, only at this very point; analytic/numeric from -1.3 over 0.5 to 2.2",
    "analytic/numeric is constant 0.3317: a factor is wrong",
    "analytic/numeric is one number in each call, but another one each time (0.31, 0.27, 0.4)",
    "ratio analytic/numeric is constant per feature (0.3, 0.21): a factor of the feature is wrong or missing",
    "a factor or a term is missing or wrong",
    "wrong only in columns 0, 1 of 3",
    "wrong only in rows 0, 2 of 5",
    "wrong exactly where x > 0.4",
    "right where x is positive, wrong for negative x",
    "right or zero: 3 of 12 entries are missing, the others are right",
    "dependences are missing: 3 of 20 entries of the Jacobian are zero, the others are right",
    "each value acts alone, and the derivative of the function is wrong: 0.3 for 0.4 at x = 0.7",
    "every entry of dy contributes with a wrong factor of its own: such as the derivative of a nonlinear part",
    "right to 0.0004 but not exact: an approximation in one of the two, or an epsilon that the other lacks",
    "right here on a fresh layer: the error comes from an earlier call that keeps values, or from other rows",
    "backward must be linear in dy",
]


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
    assert {planted.category for planted in BUGS} == set(CATEGORIES.values())
    assert len({planted.name for planted in [*BUGS, *CORRECT]}) == len(BUGS) + len(CORRECT)


@pytest.mark.parametrize("planted", SOME_BUGS, ids=names(SOME_BUGS))
def test_a_planted_bug_is_found(planted):
    assert power.examine(planted).detected


def test_nine_diagnoses_in_ten_are_right():
    outcomes = [power.examine(planted) for planted in part(BUGS, 11)]
    wrong = [f"{o.planted.name}: {o.told}" for o in outcomes if not o.diagnosed]
    assert len(wrong) <= len(outcomes) / 10, "\n".join(wrong)


@pytest.mark.parametrize("text", EMPTY)
def test_the_words_of_a_bug_match_no_empty_diagnosis(text):
    assert [bug.name for bug in EVERY_BUG if re.search(bug.words, text, re.IGNORECASE)] == []


def test_the_words_of_a_bug_match_neither_its_name_nor_that_of_its_class():
    names = [(bug, name) for bug in EVERY_BUG for name in (bug.name, bug.cls)]
    assert [bug.name for bug, name in names if re.search(bug.words, name, re.IGNORECASE)] == []


def test_an_empty_report_is_no_diagnosis_of_any_bug():
    empty = power.examine(CORRECT[0], level="quick")
    finding = Finding(
        "numeric", target="dx", detail="3/12 entries wrong, input (3, 4)", where="Dense.backward, dense.py:21"
    )
    empty.certificate.findings.append(finding)
    assert [bug.name for bug in BUGS if empty._replace(planted=bug).diagnosed] == []


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
    assert [cell.strip() for cell in rows[-1].split("|")[1:4]] == ["all", *2 * ["1 of 2 (50 %, 1.2 to 98.8)"]]
    assert benchmark.common.share(9999, 10_000) == "9999 of 10000 (99.9 %, 99.9 to 100)"


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
