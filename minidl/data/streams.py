"""Stream: batches from an iterable, each checked as it arrives."""

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.data.arrays import as_array
from minidl.data.conversion import READERS, is_mapping, is_numbered
from minidl.data.stored import is_stored
from minidl.errors import DataError, warn
from minidl.typing import Shape

LONG = 10_000  # batches per epoch after which an iterable without a length gives a warning
ENDLESS = 100_000  # batches: an iterable without a length that yields more per epoch counts as endless

Check = Callable[[Any, str], Any]


class Words(NamedTuple):
    """How messages refer to a data set: the prefix of its arrays' names, the iterable, and the number of batches."""

    arrays: str
    iterable: str
    steps: str


class Stream:
    """An iterable of batches, each checked as it arrives by ``check(batch, who)``.

    It is iterated once per epoch. With ``steps``, each epoch takes that many batches, from the beginning or, if it
    ``goes_on``, from where the last epoch ended. An iterable without a length must end within ``most`` batches.
    """

    def __init__(
        self, iterable: Any, check: Check, steps: int | None, words: Words, *, goes_on: bool = False, most: Any = None
    ) -> None:
        self.iterable, self.check, self.steps, self.words, self.most = iterable, check, steps, words, most or ENDLESS
        self.endless = _endless(self.iterable) if goes_on and steps is not None else None
        self.epochs = 0

    def skip_epochs(self, count: int) -> None:
        """Skip the batches of ``count`` epochs, so that random numbers and iterators are where they were after them."""
        for _ in range(count):
            next(self.batches(sys.maxsize), None)

    def batches(self, first: int = 0) -> Iterator[Any]:
        """Yield the batches of an epoch, starting with batch ``first``."""
        self._call("on_epoch_begin")
        count = 0
        for count, item in enumerate(itertools.islice(self.endless or items(self.iterable), self.steps), start=1):
            if count in (LONG + 1, self.most + 1) and self.steps is None and not hasattr(self.iterable, "__len__"):
                expected = f"{self.words.iterable}: expected an end within {count - 1:,} batches, got none"
                text = f"{expected}. Pass the number of batches as {self.words.steps}."
                if count > self.most:
                    raise DataError(text)
                warn(text)
            if count > first:
                yield self.check(item, f"{self.words.iterable}: batch {count - 1}: ")
        if count < (self.steps or 1):
            self._complain(count)
        self.epochs += 1
        self._call("on_epoch_end")

    def _call(self, hook: str) -> None:
        """Call a hook of the data set, if it is defined: Keras' PyDataset shuffles in ``on_epoch_end``."""
        if callable(method := getattr(self.iterable, hook, None)):
            method()

    def _complain(self, count: int) -> None:
        if self.epochs == 0 and count == 0:
            raise DataError(f"{self.words.iterable}: expected batches, got an iterable that yields nothing.")
        expected = "at least one batch" if self.steps is None else f"{self.steps} batches"
        raise DataError(
            f"{self.words.iterable}: expected {expected} in epoch {self.epochs + 1}, got {count}: "
            "the iterable is used up. Pass an iterable that can be iterated again (a list of batches, or an object "
            f"whose __iter__ starts over), or a generator without an end together with {self.words.steps}."
        )


def items(batches: Any) -> Iterator[Any]:
    """Return an iterator over the batches, also for objects with access by index only, such as Keras' PyDataset."""
    return map(batches.__getitem__, range(len(batches))) if is_numbered(batches) else iter(batches)


def _endless(iterable: Iterable[Any]) -> Iterator[Any]:
    """Iterate over ``iterable`` repeatedly, as long as it yields anything."""
    more = True
    while more:
        more = False
        for item in items(iterable):
            more = True
            yield item


def is_stream(x: Any, y: Any) -> bool:
    """Return whether ``x`` is an iterable of batches, not an array."""
    if y is not None or type(x) is np.ndarray:
        return False
    array_like = is_stored(x) or any(hasattr(type(x), name) for name in (*READERS, "toarray"))
    if array_like or is_mapping(x) or isinstance(x, (set, frozenset)):
        return False
    if isinstance(x, Sequence):
        return bool(x) and isinstance(x[0], tuple) and len(x[0]) in (2, 3) and np.ndim(x[0][0]) > 1
    return hasattr(x, "__iter__") or (is_numbered(x) and hasattr(x, "__len__"))


def sample_shape(x: Any, y: Any = None) -> tuple[Shape, Any]:
    """Return the shape of a sample of ``x``, and ``x`` with the first batch put back if it is a stream."""
    first = x
    if is_stream(x, y):
        iterator = items(x)
        first = next(iterator, ())
        x = itertools.chain([first], iterator) if iterator is x else x
        first = first[0] if isinstance(first, (tuple, list)) and first else first
    return as_array(first, "x", on_disk=True).shape[1:] or (1,), x
