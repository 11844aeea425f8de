"""The bugs of other hands stay as they were written, and those that the certification kit finds stay found.

``python benchmarks/certify_unseen.py`` prints the table.
"""

from collections import Counter

import pytest

from tests.planted import power
from tests.unseen import BUGS, CORRECT, MISSES


def names(items):
    return [planted.name for planted in items]


def test_the_table_holds_103_bugs_in_40_right_layers():
    assert Counter(bug.name[0] for bug in BUGS) == {"F": 58, "R": 15, "S": 14, "P": 5, "D": 11}
    assert len(set(names(BUGS))) == 103
    assert {bug.cls for bug in BUGS} == set(names(CORRECT))
    assert len(CORRECT) == 40
    assert all(bug.truth for bug in BUGS)


def test_the_misses_are_bugs_of_the_table_and_have_a_reason():
    assert set(MISSES) <= set(names(BUGS))
    assert all(MISSES.values())


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=names(BUGS))
def test_every_bug_but_the_known_misses_is_found(bug):
    assert power.examine(bug).detected == (bug.name not in MISSES)


@pytest.mark.slow
@pytest.mark.parametrize("planted", CORRECT, ids=names(CORRECT))
def test_a_right_layer_is_never_blamed(planted):
    for outcome in power.false_alarms([planted], range(3), hard=False):
        assert outcome.certificate.outcome == "PASS", str(outcome.certificate)
