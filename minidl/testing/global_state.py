"""GlobalState: what belongs to the whole program - random state, treatment of numerical errors, warnings, printing.

A layer leaves them as they are. They are made unlike what a layer would set them to, so that every change shows.
"""

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

# What can change, and what to do instead.
REMEDIES = {
    "the global random state was used: the layer draws from np.random or random": (
        "draw from self.rng, the model's own generator"
    ),
    "NumPy's treatment of numerical errors was changed for the whole program": (
        "use `with np.errstate(...)`, never np.seterr"
    ),
    "the filters of warnings were changed for the whole program": "use `with warnings.catch_warnings()`",
    "NumPy's print options were changed for the whole program": "use `with np.printoptions(...)`",
}


@contextmanager
def quiet() -> Iterator[None]:
    """Let numerical errors and warnings pass, set everything back afterwards."""
    before = np.random.get_state(), random.getstate()  # noqa: NPY002
    with np.errstate(all="call", call=_pass), np.printoptions(precision=11), warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.filterwarnings("ignore", module=".*")
        np.random.seed(2_718_281)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(before[0])  # noqa: NPY002
            random.setstate(before[1])


def _pass(kind: str, flag: int) -> None:
    """Numerical errors are judged by what comes out."""


class GlobalState:
    """All of it at one moment, inside of `quiet`."""

    def __init__(self) -> None:
        self._before = _now()

    def change(self) -> tuple[str, str]:
        """Return what has changed since then, and what to do instead; empty if nothing has."""
        changed = (old != new for old, new in zip(self._before, _now(), strict=True))
        return next((told for told, new in zip(REMEDIES.items(), changed, strict=True) if new), ("", ""))

    def restore(self) -> None:
        """Bring it all back."""
        (numpy, python), (errors, call), filters, printing = self._before
        np.random.set_state(("MT19937", np.frombuffer(numpy[0], np.uint32), numpy[1], 0, 0.0))  # noqa: NPY002
        random.setstate(python)
        np.seterr(**errors)
        np.seterrcall(call)
        warnings.filters[:] = [*filters, *(entry for entry in warnings.filters if entry not in _sweeping())]  # type: ignore[index]
        np.set_printoptions(**printing)


def _sweeping() -> list[Any]:
    """Return the filters that are meant for all code; a library that is imported late may add some for itself."""
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
