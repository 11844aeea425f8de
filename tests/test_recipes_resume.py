"""The recipes of docs/extend.md resume exactly."""

import re
from pathlib import Path

import numpy as np
import pytest

from minidl import Dense, Input, Sequential
from minidl.callbacks import ModelCheckpoint

PAGE = Path(__file__).parent.parent / "docs" / "extend.md"
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4))


def recipes():
    """Return what the code blocks of the page define."""
    space = {"__name__": "recipes"}
    for block in re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8")):
        if not block.startswith(">>>"):
            exec(block, space)
    return space


RECIPES = {
    "LayerwiseAdam": (lambda made: made["LayerwiseAdam"]({"dense": 0.1}), list),
    "LayerwiseClipping": (lambda made: made["LayerwiseClipping"](0.01), list),
    "Accumulating, in the middle": (lambda made: made["Accumulating"](3), list),
    "Accumulating, at a step": (lambda made: made["Accumulating"](2), list),
    "AverageWeights": (lambda made: "adam", lambda made: [made["AverageWeights"](1)]),
}


@pytest.mark.parametrize(("optimizer", "hooks"), RECIPES.values(), ids=RECIPES)
def test_a_recipe_resumes_exactly(optimizer, hooks, tmp_path):
    made = recipes()

    def fit(epochs, folder, **more):
        model = Sequential([Input((4,)), Dense(3, activation="tanh"), Dense(1)], seed=0)
        model.compile(optimizer(made), "mse")
        callbacks = [*(hooks(made) if hooks is not list else []), ModelCheckpoint(folder / "run_{epoch}")]
        model.fit(X, X[:, 0], epochs=epochs, callbacks=callbacks, verbose=0, **more)
        return model.parameters.values.copy()

    whole = fit(4, tmp_path / "whole")
    parts = fit(2, tmp_path / "parts")
    assert not np.array_equal(parts, whole)
    np.testing.assert_array_equal(fit(4, tmp_path / "parts", resume=tmp_path / "parts"), whole)
