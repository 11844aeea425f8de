"""Stream: batches from an iterable, each checked as it arrives."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.data.arrays import as_array
from minidl.data.conversion import READERS, is_mapping, is_numbered
from minidl.data.stored import is_stored
from minidl.errors import DataError
from minidl.typing import Shape

ENDLESS = 100_000  # batches: an iterable without a length that yields more in an epoch is taken for endless

Check = Callable[[Any, str], Any]


class Words(NamedTuple):
    """How messages call a data set: what opens the names of its arrays, the iterable, and its number of batches."""

    arrays: str
    iterable: str
    steps: str


class Stream:
    """An iterable of batches, each checked as it arrives by ``check(batch, who)``.

    It is iterated once an epoch. With ``steps``, so many batches are taken each time, from the beginning on or, if it
    ``goes_on``, from where the last epoch ended. An iterable without a length must end within ``most`` batches.
    """

    def __init__(
        self, iterable: Any, check: Check, steps: int | None, words: Words, *, goes_on: bool = False, most: Any = None
    ) -> None:
        self.iterable, self.check, self.steps, self.words, self.most = iterable, check, steps, words, most or ENDLESS
        self.endless = _endless(self.iterable) if goes_on and steps is not None else None
        self.epochs = 0

    def skip_epochs(self, count: int) -> None:
        """Pass over the batches of ``count`` epochs, so that what draws random numbers or reads on is where it was."""
        for _ in range(count):
            next(self.batches(1 << 62), None)

    def batches(self, first: int = 0) -> Iterator[Any]:
        """Yield the batches of an epoch, from batch ``first`` on."""
        self._call("on_epoch_begin")
        count = 0
        for count, item in enumerate(itertools.islice(self.endless or items(self.iterable), self.steps), start=1):
            if count > self.most and self.steps is None and not hasattr(self.iterable, "__len__"):
                raise DataError(
                    f"{self.words.iterable}: expected an end within {self.most:,} batches, got none. "
                    f"Pass the number of batches as {self.words.steps}."
                )
            if count > first:
                yield self.check(item, f"{self.words.iterable}: batch {count - 1}: ")
        if count < (self.steps or 1):
            self._complain(count)
        self.epochs += 1
        self._call("on_epoch_end")

    def _call(self, hook: str) -> None:
        """Call a hook of the data set, if it has it: Keras' PyDataset shuffles in ``on_epoch_end``."""
        if callable(method := getattr(self.iterable, hook, None)):
            method()

    def _complain(self, count: int) -> None:
        if self.epochs == 0 and count == 0:
            raise DataError(f"{self.words.iterable}: expected batches, got an iterable that yields nothing.")
        expected = "at least one" if self.steps is None else str(self.steps)
        raise DataError(
            f"{self.words.iterable}: expected {expected} batches in epoch {self.epochs + 1}, got {count}: "
            "the iterable is used up. Pass an iterable that can be iterated again (a list of batches, or an object "
            f"whose __iter__ starts over), or a generator without an end together with {self.words.steps}."
        )


def items(batches: Any) -> Iterator[Any]:
    """Return an iterator over the batches, also of an object that gives them by number alone, as Keras' PyDataset."""
    return map(batches.__getitem__, range(len(batches))) if is_numbered(batches) else iter(batches)


def _endless(iterable: Iterable[Any]) -> Iterator[Any]:
    """Go through ``iterable`` again and again, for as long as it yields anything."""
    before, count = -1, 0
    while count > before:
        before = count
        for item in items(iterable):
            count += 1
            yield item


def is_stream(x: Any, y: Any) -> bool:
    """Tell whether ``x`` is an iterable of batches and no array."""
    if y is not None or type(x) is np.ndarray:
        return False
    array_like = is_stored(x) or any(hasattr(type(x), name) for name in (*READERS, "toarray"))
    if array_like or is_mapping(x) or isinstance(x, (set, frozenset)):
        return False
    if isinstance(x, Sequence):
        return bool(x) and isinstance(x[0], tuple) and len(x[0]) in (2, 3) and np.ndim(x[0][0]) > 1
    return hasattr(x, "__iter__") or (is_numbered(x) and hasattr(x, "__len__"))


def sample_shape(x: Any, y: Any = None) -> tuple[Shape, Any]:
    """Return the shape of a sample of ``x``, of its first batch if it is a stream, and ``x`` as it was before."""
    first = x
    if is_stream(x, y):
        iterator = items(x)
        first = next(iterator, ())
        x = itertools.chain([first], iterator) if iterator is x else x
        first = first[0] if isinstance(first, (tuple, list)) and first else first
    return as_array(first, "x", on_disk=True).shape[1:] or (1,), x
