"""Surroundings: the global state around a layer, which it has to leave as it is."""

import random

import numpy as np


class Surroundings:
    """The state of the global random generators and of NumPy's error handling at one moment."""

    def __init__(self) -> None:
        self._numpy = np.random.get_state()  # noqa: NPY002
        self._python = random.getstate()
        self._errors = np.geterr()

    def change(self) -> tuple[str, str]:
        """Return what has changed since then, and how to mend it; empty if nothing has."""
        now = np.random.get_state()  # noqa: NPY002
        drawn = not (np.array_equal(now[1], self._numpy[1]) and now[2] == self._numpy[2])  # type: ignore[index]
        if drawn or random.getstate() != self._python:
            message = "the global random state was used: forward or backward draws from np.random or random"
            return message, "draw from self.rng, the model's own generator"
        if np.geterr() != self._errors:
            return "NumPy's error state was changed", "use `with np.errstate(...)`, never np.seterr"
        return "", ""

    def restore(self) -> None:
        """Bring it all back."""
        np.seterr(**self._errors)
        np.random.set_state(self._numpy)  # noqa: NPY002
        random.setstate(self._python)
