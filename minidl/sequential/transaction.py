"""Transaction: a call that is refused has changed nothing."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from minidl.layers import Layer
from minidl.layers.tree import walk
from minidl.randomness import Randomness


@contextmanager
def unchanged_if_refused(layers: Iterable[Any], randomness: Randomness) -> Iterator[None]:
    """Put the layers, all layers inside them, and ``randomness`` back as they were if an exception is raised inside."""
    parts = [part for layer in layers if isinstance(layer, Layer) for _, part in walk({"": layer})]
    before = [(part, dict(vars(part))) for part in parts]
    drawn = randomness.get_state()
    try:
        yield
    except BaseException:
        for part, attributes in before:
            vars(part).clear()
            vars(part).update(attributes)
        randomness.set_state(drawn)
        raise
