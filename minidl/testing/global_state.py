"""GlobalState: process-wide state - random state, handling of floating-point errors, warnings, print options.

Layers must leave it unchanged. It is set to values that no layer would choose, so that every change shows.
"""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

# The state that can change, and what to do instead.
REMEDIES = {
    "the global random state was used: the layer draws from np.random or random": "draw from self.rng",
    "NumPy's treatment of numerical errors was changed for the whole program": "use `with np.errstate(...)`",
    "the filters of warnings were changed for the whole program": "use `with warnings.catch_warnings()`",
    "NumPy's print options were changed for the whole program": "use `with np.printoptions(...)`",
}


@contextmanager
def seeded_numpy(seed: int) -> Iterator[None]:
    """Seed the global generators of NumPy and Python, and restore them afterwards."""
    before = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before[0])  # noqa: NPY002
        random.setstate(before[1])


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress floating-point errors and warnings, and restore all global state afterwards."""
    errors, printing = np.errstate(all="call", call=_pass), np.printoptions(precision=11)
    with seeded_numpy(2_718_281), errors, printing, warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.filterwarnings("ignore", module=".*")
        yield


def _pass(kind: str, flag: int) -> None:
    """Ignore a floating-point error, because results are judged by their values."""


class GlobalState:
    """Snapshot of the global state inside `quiet`."""

    def __init__(self) -> None:
        self._before = _now()

    def change(self) -> tuple[str, str]:
        """Return what has changed since the snapshot, and what to do instead; empty if nothing has."""
        changed = (old != new for old, new in zip(self._before, _now(), strict=True))
        return next((told for told, new in zip(REMEDIES.items(), changed, strict=True) if new), ("", ""))

    def restore(self) -> None:
        """Restore the state of the snapshot."""
        (numpy, python), (errors, call), filters, printing = self._before
        np.random.set_state(("MT19937", np.frombuffer(numpy[0], np.uint32), numpy[1], 0, 0.0))  # noqa: NPY002
        random.setstate(python)
        np.seterr(**errors)
        np.seterrcall(call)
        warnings.filters[:] = [*filters, *(entry for entry in warnings.filters if entry not in _sweeping())]  # type: ignore[index]
        np.set_printoptions(**printing)


def _sweeping() -> list[Any]:
    """Return the warning filters that apply to all code; a library imported later may add filters for itself."""
    return [
        entry
        for entry in warnings.filters
        if entry[1] is None and entry[3] is None and getattr(entry[2], "__module__", "builtins") == "builtins"
    ]


def _now() -> list[Any]:
    """Return the global state, in the order of `REMEDIES`."""
    _, keys, position, *_ = np.random.get_state()  # noqa: NPY002
    generators = (np.asarray(keys).tobytes(), position), random.getstate()
    return [generators, (np.geterr(), np.geterrcall()), _sweeping(), np.get_printoptions()]
