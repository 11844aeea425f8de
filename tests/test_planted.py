"""Each planted bug is one right source and an edit that applies to it in one place."""

import inspect
import pickle

import pytest

from tests import planted, unseen
from tests.planted import registry

EVERY_BUG = [*planted.BUGS, *unseen.BUGS]
EXAMPLE = registry.Planted("Wrong", "tests.planted.dense", "Dense", (5,), (4,))


@pytest.mark.parametrize("bug", EVERY_BUG, ids=lambda bug: bug.name)
def test_every_edit_applies_once_and_changes_the_class(bug):
    assert bug.kind.__name__ == bug.right.__name__
    assert inspect.getsource(bug.kind) != inspect.getsource(bug.right)
    added = [line[1:] for edit in bug.edits for line in edit.splitlines() if line[0] == "+"]
    text = registry.source(bug)[0].splitlines()
    assert sorted(text[number - 1] for number in bug.lines) == sorted(added)


@pytest.mark.parametrize("old", ["        no such line", "    def build(self)"])
def test_an_edit_that_does_not_apply_once_is_refused(old):
    with pytest.raises(ValueError, match="Wrong: expected these lines once, got them 0 times"):
        registry.source(EXAMPLE._replace(edits=(f"-{old}",)))


def test_an_edit_of_a_line_that_is_there_twice_is_refused():
    twice = EXAMPLE._replace(cls="Configurable", edits=("-        if self.use_bias:",))
    with pytest.raises(ValueError, match="Wrong: expected these lines once, got them 2 times"):
        registry.source(twice)


def test_an_edit_applies_to_its_own_class_only():
    elsewhere = EXAMPLE._replace(edits=("-        dz = dy * (1 - self._h**2)",))  # of Residual
    with pytest.raises(ValueError, match="got them 0 times"):
        registry.source(elsewhere)


def test_added_lines_alone_go_to_the_end_of_the_class():
    text, lines = registry.source(EXAMPLE._replace(edits=("+\n+    def last(self):\n+        return 1",)))
    before, after = text.split("    def last(self):\n        return 1\n")
    assert before.endswith("        return dy @ self.W.T\n\n")
    assert after.startswith("\n\nclass ")
    assert len(lines) == 3


def test_the_right_class_stays_as_it_is_and_a_wrong_object_can_be_pickled():
    bug = next(bug for bug in planted.BUGS if bug.name == "CacheOnTheClass")
    assert bug.kind is bug.kind
    assert bug.kind is not bug.right
    assert type(pickle.loads(pickle.dumps(bug.make()))) is bug.kind
    assert bug.right is next(right for right in planted.CORRECT if right.name == "Dense").kind


def test_a_line_that_is_no_heading_is_refused(tmp_path, monkeypatch):
    (tmp_path / "wrong.diff").write_text("=== Dense(5) on (4,)\n\nNoCategory: 1/batch size\n- self.db = 0\n")
    monkeypatch.setattr(planted, "__path__", [str(tmp_path)])
    with pytest.raises(ValueError, match=r"wrong.diff: expected the heading .* got 'NoCategory: 1/batch size'"):
        registry.read("tests.planted")
