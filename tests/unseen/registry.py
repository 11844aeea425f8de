"""The list of bugs as edits of the right layers, and the way from an entry to a class that can be certified."""

import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

from minidl.layers import Layer
from minidl.losses import Loss
from tests.planted.registry import FORMULA, INTERFACE, PRECISION, REGION, STATE, Planted
from tests.unseen.words import WORDS

RIGHT = Path(__file__).parent / "correct"
CORRECT = sorted(path.stem for path in RIGHT.glob("*.py"))
CATEGORIES = {"F": FORMULA, "R": REGION, "S": STATE, "P": PRECISION, "D": INTERFACE}


class Bug(NamedTuple):
    """One mistake in one of the right layers or losses."""

    number: str  # begins with the letter of the category
    layer: str
    truth: str  # what is wrong, in the words of its author
    edits: tuple[tuple[str, str], ...]  # the right text, and the wrong one in its place

    @property
    def name(self) -> str:
        return f"{self.number}_{self.layer}"

    @property
    def category(self) -> str:
        return CATEGORIES[self.number[0]]

    def source(self) -> str:
        """Return the text of the wrong layer."""
        text = (RIGHT / f"{self.layer}.py").read_text(encoding="utf-8")
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: expected the text once, got it {text.count(old)} times: {old}")
            text = text.replace(old, new)
        return text

    def lines(self) -> tuple[int, ...]:
        """Return the numbers of the wrong lines."""
        text, found = self.source(), set()
        for _, new in self.edits:
            if new.strip():
                before = text[: text.index(new)].count("\n") + 1
                found |= set(range(before, before + new.rstrip("\n").count("\n") + 1))
        return tuple(sorted(found))

    def plant(self, folder: Path) -> Planted:
        """Write the wrong layer into a file of its own, as its author would have it, and load it."""
        path = folder / f"{self.name}.py"
        path.write_text(self.source(), encoding="utf-8")
        return Planted(load(path), (), None, self.category, WORDS[self.name], self.lines())


BUGS: list[Bug] = []


def bug(number: str, layer: str, truth: str, *edits: tuple[str, str]) -> None:
    """Enter a bug."""
    BUGS.append(Bug(number, layer, truth, edits))


def right(layer: str) -> Planted:
    """Load a right layer."""
    return Planted(load(RIGHT / f"{layer}.py"), (), None)


def load(path: Path) -> type[Layer] | type[Loss]:
    """Return the layer or loss that a file defines; its module is entered, so that its source can be read."""
    name = f"unseen_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (kind,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, (Layer, Loss)) and value.__module__ == name
    ]
    return kind
