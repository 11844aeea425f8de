"""Transaction: a call that raises an error leaves the model unchanged."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from minidl.config import restored_on_error
from minidl.data import column_names, sample_shape
from minidl.layers import Layer
from minidl.layers.tree import walk
from minidl.randomness import Randomness
from minidl.typing import Model


@contextmanager
def unchanged_if_refused(layers: Iterable[Any], randomness: Randomness) -> Iterator[None]:
    """Context that restores the layers, those nested in them, and ``randomness`` if an exception is raised in it."""
    parts = [part for layer in layers if isinstance(layer, Layer) for _, part in walk({"": layer})]
    drawn = randomness.get_state()
    try:
        with restored_on_error(parts):
            yield
    except BaseException:
        randomness.set_state(drawn)
        raise


@contextmanager
def prepared(model: Model, x: Any, y: Any = None, trains: bool = False) -> Iterator[Any]:
    """Build ``model`` for the samples ``x`` and, if it trains, store their column names; yield ``x``.

    Both are undone if an exception is raised in the context.
    """
    new = model.network is None
    with unchanged_if_refused([model], model.randomness) if new else restored_on_error([model]):
        if trains:
            model.feature_names = model.feature_names or column_names(x) or None
        if new:
            shape, x = sample_shape(x, y)
            model.build((None, *shape))
        yield x
