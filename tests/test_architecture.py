"""The walk on the page about the architecture is the way that a step of training takes."""

import re
from pathlib import Path

from house import traces

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WALK = re.findall(r"(?m)^\d+\. `([\w/]+\.py)`:", PAGE)


def entered(name):
    return {Path(file).relative_to(ROOT / "minidl").as_posix() for file in traces()[name].files}


def test_fit_enters_every_file_of_the_walk():
    assert set(WALK) <= entered("a fit")


def test_the_walk_names_at_most_16_files_and_each_once():
    assert 10 < len(WALK) <= 16
    assert len(set(WALK)) == len(WALK)


def test_a_file_that_a_step_does_not_enter_would_be_noticed():
    assert "saving/model.py" not in entered("a fit")
