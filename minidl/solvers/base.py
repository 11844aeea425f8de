"""Solver: minimises a function of a flat vector, given its value and gradient."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from minidl.config import Configured
from minidl.errors import StateError
from minidl.typing import Array

Function = Callable[[Array], tuple[float, Array]]
Listener = Callable[[float], bool | None]


class Solver(Configured, ABC):
    """Abstract base: ``minimize(function, values, ...)`` changes ``values`` in place.

    In `fit`, an epoch is one iteration of the solver on all samples.

    Attributes
    ----------
    iterations : int
        Number of iterations done.
    learning_rate : float
        Always 1: a solver chooses its own step lengths.

    Examples
    --------
    >>> from minidl.solvers import Solver
    >>> class Halving(Solver):
    ...     def minimize(self, value_and_gradient, values, on_iteration, max_iterations):
    ...         for _ in range(max_iterations):
    ...             start, step = values.copy(), 1.0
    ...             loss, gradient = value_and_gradient(start)
    ...             way = gradient.copy()
    ...             while step > 1e-9 and value_and_gradient(start - step * way)[0] >= loss:
    ...                 step /= 2
    ...             values[...] = start - step * way
    ...             self.iterations += 1
    ...             if on_iteration(value_and_gradient(values.copy())[0]):
    ...                 return "stopped"
    ...         return "max_iterations reached"
    >>> w = np.array([3.0, -2.0])
    >>> Halving().minimize(lambda w: (w @ w, 2 * w), w, lambda loss: loss < 1e-6, 20), w
    ('stopped', array([0., 0.]))
    """

    full_batch = True
    learning_rate = 1.0
    _counted = ("iterations",)
    iterations = 0
    segments: Any  # as for optimizers; set by models

    @abstractmethod
    def minimize(self, value_and_gradient: Function, values: Array, on_iteration: Listener, max_iterations: int) -> str:
        """Change ``values`` in place until they minimise the function; return the reason for stopping.

        Parameters
        ----------
        value_and_gradient : callable
            Returns the value and the gradient at a point, and may change ``values``.
        values : array of shape (size,)
            The starting point.
        on_iteration : callable
            Called with the value after each iteration, when ``values`` holds the new point; returns True to stop.
        max_iterations : int

        Notes
        -----
        If one of the functions raises, ``values`` are those of the last complete iteration.
        """

    def reset(self) -> None:
        """Reset to the state before the first iteration."""
        self.iterations = 0

    def get_state(self) -> dict[str, Any]:
        """Return everything that changes in training."""
        return {"iterations": self.iterations}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `get_state`; anything else raises a `StateError`."""
        if set(state) != {"iterations"}:
            raise StateError(f"{type(self).__name__}: set_state: expected iterations; got {', '.join(state)}.")
        self.iterations = state["iterations"]
