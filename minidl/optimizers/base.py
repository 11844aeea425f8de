"""Optimizer: updates a flat vector of values, given the flat vector of their gradients.

It knows nothing of layers or models; each optimizer is a short `update` over blocks that fit into the cache.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from minidl import checks
from minidl.attribute_names import is_builtin
from minidl.config import Configured
from minidl.constructor import constructor_arguments
from minidl.errors import ArgumentError, ShapeError, StateError
from minidl.numeric import SERIAL, axpy_for, counted, without_first
from minidl.optimizers.clipping import clip
from minidl.schedules import check_rate
from minidl.typing import Array

Rate = float | Callable[[int], float]
Blocks = Iterable[tuple[Array, ...]]


class Optimizer(Configured, ABC):
    """Abstract base: ``step(values, gradients)`` changes ``values`` in place.

    Every optimizer takes these arguments after its own:

    learning_rate : float or callable
        A number, or a schedule: any function ``step -> rate``; the first step is 0.
    weight_decay : float, optional
        Decoupled: before the step, ``values -= learning_rate * weight_decay * values``, for all values.
    clipnorm : float, optional
        Maximum Euclidean norm of the gradient of each parameter; longer ones are scaled down.
    global_clipnorm : float, optional
        Maximum Euclidean norm of the gradient of all parameters together.
    clipvalue : float, optional
        Each gradient is clipped to ``[-clipvalue, clipvalue]``. At most one of the three can be given, as in Keras.

    Attributes
    ----------
    iterations : int
        Number of steps taken.
    state : dict of str to array
        The arrays kept between steps, created by the first step, each as long as ``values``.
    segments : dict of str to slice
        Where each parameter is in ``values``, such as ``{"dense/W": slice(0, 12)}``, for ``clipnorm`` and for
        optimizers that treat layers differently. A model sets it before the first step; empty for a single parameter.

    Notes
    -----
    A subclass defines `update`, and `initial_state` if it keeps arrays between steps.

    If an exception such as Ctrl-C or a timeout interrupts a step, no half step remains: minidl's optimizers count
    their changes and complete them; for other classes, copies from before the step are restored.

    Examples
    --------
    >>> class SignDescent(Optimizer):
    ...     def __init__(self, learning_rate=0.01):
    ...         super().__init__(learning_rate)
    ...
    ...     def update(self, blocks, rate):
    ...         for values, gradients, *_ in blocks:
    ...             values -= rate * np.sign(gradients)
    >>> values = np.array([1.0, 2.0])
    >>> SignDescent(0.5).step(values, np.array([3.0, -3.0]))
    >>> values
    array([0.5, 2.5])
    """

    _counted = ("iterations",)
    full_batch = False  # trains on one batch at a time
    scratch = 1  # number of arrays for intermediate results in `update`

    def __init__(
        self,
        learning_rate: Rate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = self._optional(weight_decay, "weight_decay", at_least=0)
        self.clipnorm = self._optional(clipnorm, "clipnorm", above=0)
        self.global_clipnorm = self._optional(global_clipnorm, "global_clipnorm", above=0)
        self.clipvalue = self._optional(clipvalue, "clipvalue", above=0)
        if (clipnorm, global_clipnorm, clipvalue).count(None) < 2:
            expected = "expected at most one of clipnorm, global_clipnorm and clipvalue"
            got = f"{clipnorm!r}, {global_clipnorm!r} and {clipvalue!r}"
            raise ArgumentError(f"{type(self).__name__}: {expected}, got {got}.")
        self.iterations = 0
        self.state: dict[str, Array] = {}
        self.segments: dict[str, slice] = {}

    # minidl's optimizers change values and state only through these two, or through operations that can be
    # repeated without effect: y += a * x is _axpy(x, y, a=a), and y *= a is _scale(y, a, out=y).
    _axpy: Any
    _scale: Any
    _bound: tuple[Any, ...] = (None, None, None)  # the arrays that _blocks were made for
    _blocks: tuple[tuple[Array, ...], ...] = ()
    _copied: tuple[Array, ...] = ()  # copies of what a custom update may leave half changed
    _clipped: Array = np.empty(0)  # the clipped gradients, if the optimizer clips

    def _optional(self, value: float | None, name: str, **bound: float) -> float | None:
        return None if value is None else checks.number(value, f"{type(self).__name__}: {name}", **bound)

    @property
    def learning_rate(self) -> float:
        """The current rate; with a schedule, the rate of the next step.

        It can be set to a number; with a schedule, this raises an `ArgumentError`.
        """
        given: Rate = self.__dict__["learning_rate"]
        if not callable(given):
            return given
        return check_rate(given(self.iterations), f"{type(self).__name__}: learning_rate of step {self.iterations}")

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        who = f"{type(self).__name__}: learning_rate"
        if callable(vars(self).get("learning_rate")):
            expected = "expected no assignment, as the rate follows a schedule"
            raise ArgumentError(f"{who}: {expected}, got {value!r}. Use one of the two.")
        if isinstance(value, type):
            raise ArgumentError(f"{who}: expected a number or an instance, got the class {value.__name__}.")
        self.__dict__["learning_rate"] = value if callable(value) else check_rate(value, who)

    def with_settings(self, settings: dict[str, Any]) -> Any:
        """Return a new optimizer with other settings; a `StateError` if earlier steps depend on the old ones."""
        cls = type(self)
        own = settings.keys() & (constructor_arguments(cls).keys() - constructor_arguments(Optimizer))
        if own and self.iterations and is_builtin(cls):
            fix = "Call reset() first, or compile with a new optimizer."
            raise StateError(f"{cls.__name__}: {own.pop()}: expected to be set before the first step. {fix}")
        self._bound = Optimizer._bound  # the next step may need another state, or clip
        return super().with_settings(settings)

    def step(self, values: Array, gradients: Array) -> None:
        """Update ``values`` in place by one step, leaving ``gradients`` unchanged.

        Both are contiguous float32 or float64 vectors. Raises a `ShapeError` if they are not flat or differ in shape,
        and a `StateError` if earlier steps used a vector of another size or dtype.
        """
        rate, bound, iterations = self.learning_rate, self._bound, self.iterations
        if not (values is bound[0] and gradients is bound[1] and self.state is bound[2]):
            self._bind(values, gradients)
        if self._clipped.size:
            clip(gradients, self._clipped, self)
        blocks: Blocks = self._decayed(rate) if self.weight_decay else self._blocks
        before = [*map(np.ndarray.copy, self._copied)]
        self._axpy.cache_clear()
        self._scale.cache_clear()
        try:
            self.update(blocks, rate)
            self.__dict__["iterations"] = iterations + 1  # skips the checks of settings, for speed
        except BaseException:
            self.__dict__["iterations"] = iterations
            for array, old in zip(self._copied, before, strict=True):
                array[...] = old
            if not before and (self._axpy.cache_info().misses or self._scale.cache_info().misses):
                self._complete_step(rate)
            raise

    @np.errstate(all="ignore")
    def _complete_step(self, rate: float) -> None:
        """Complete an interrupted step, skipping the changes that it already made."""
        self._axpy, self._scale = without_first(self._axpy), without_first(self._scale)
        try:
            self.update(self._decayed(rate), rate)
            self.__dict__["iterations"] += 1
        finally:
            self._bound = Optimizer._bound  # the next step restarts the count

    def _decayed(self, rate: float) -> Iterator[tuple[Array, ...]]:
        factor = self.constant(1.0 - rate * (self.weight_decay or 0.0))
        for block in self._blocks:
            if self.weight_decay:
                self._scale(block[0], factor, out=block[0])
            yield block

    def reset(self) -> None:
        """Reset to the state before the first step."""
        self.iterations, self.state = 0, {}

    @abstractmethod
    def update(self, blocks: Blocks, rate: float) -> None:
        """Update the values of each block in place; ``self.iterations`` is the number of earlier steps.

        A block is a tuple of 1-D arrays of equal length: values, gradients (do not change them), ``scratch`` arrays
        for intermediate results, whose initial content is undefined, then those of `initial_state`, in order.
        """

    def initial_state(self, values: Array) -> dict[str, Array]:
        """Return the initial arrays to keep between steps, each with the shape of ``values``."""
        return {}

    def constant(self, value: float) -> Array:
        """Return ``value`` as a 0-d array, which saves NumPy 1 us per call for converting a Python number."""
        return np.array(value, self._bound[0].dtype)

    def get_state(self) -> dict[str, Any]:
        """Return copies of everything that changes in training: ``iterations``, ``learning_rate`` and the arrays.

        The rate is omitted if it follows a schedule.
        """
        rate = vars(self)["learning_rate"]
        scalars = {} if callable(rate) else {"learning_rate": rate}
        arrays = {name: array.copy() for name, array in self.state.items() if self.iterations}
        return {"iterations": self.iterations, **scalars, **arrays}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `get_state` exactly; a `StateError` if it is from another optimizer class."""
        names = list(self.initial_state(np.zeros(0)))
        scalars = ["iterations"] if callable(vars(self)["learning_rate"]) else ["iterations", "learning_rate"]
        started = state.get("iterations") != 0
        if set(state) != set(scalars + names if started else scalars):
            expected = f"expected {', '.join(scalars + names)}"
            raise StateError(f"{type(self).__name__}: set_state: {expected}; got {', '.join(state)}.")
        self.iterations = state["iterations"]
        if "learning_rate" in state:
            self.learning_rate = state["learning_rate"]
        self.state = {name: np.array(state[name]) for name in names if started}  # in the order of initial_state

    def __setstate__(self, state: dict[str, Any]) -> None:
        # a pickle may hold arrays in read-only memory that processes share, or in a memory-mapped file
        arrays = {name: np.array(array) for name, array in state.get("state", {}).items()}
        vars(self).update(state, state=arrays)

    def _bind(self, values: Array, gradients: Array) -> None:
        """Check the arrays, and split them and the state into blocks."""
        who = type(self).__name__
        if not isinstance(values, np.ndarray) or not isinstance(gradients, np.ndarray):  # type: ignore[redundant-expr]
            raise ArgumentError(f"{who}: expected two arrays, got {type(values).__name__}, {type(gradients).__name__}.")
        if values.ndim != 1 or gradients.shape != values.shape:
            got = f"{values.shape} and {gradients.shape}"
            raise ShapeError(f"{who}: expected flat values and gradients of one size, got {got}.")
        axpy, scale = counted(axpy_for(values.dtype, who)), counted(np.multiply)
        if gradients.dtype != values.dtype:
            raise ArgumentError(f"{who}: gradients: expected {values.dtype} as the values, got {gradients.dtype}.")
        if not (values.flags.carray and gradients.flags.c_contiguous and gradients.flags.aligned):
            raise ArgumentError(f"{who}: expected contiguous arrays, the values writeable. Pass parameters.values.")
        kept: Any = self.state or self.initial_state(values)
        if not isinstance(kept, dict) or {*map(type, kept.values())} - {np.ndarray}:
            raise ArgumentError(f"{who}: initial_state: expected it to return a dict of arrays, got {kept!r:.100}.")
        for name, array in kept.items():
            if array.shape != values.shape or array.dtype != values.dtype:
                got = f"{array.size} of {array.dtype} from earlier steps. Use a new optimizer for other parameters"
                raise StateError(f"{who}: {name}: expected {values.size} values of {values.dtype}, got {got}.")
        clips = self.clipnorm or self.global_clipnorm or self.clipvalue
        self._clipped = np.empty_like(values) if clips else Optimizer._clipped
        scratch = [np.empty(min(SERIAL, values.size), values.dtype) for _ in range(self.scratch)]
        everything = (values, self._clipped if clips else gradients, *kept.values())
        blocks = []
        for start in range(0, values.size, SERIAL):
            w, g, *state = (array[start : start + SERIAL] for array in everything)
            blocks.append((w, g, *(array[: w.size] for array in scratch), *state))
        self._copied = () if (type(self).update.__module__ or "").startswith("minidl.") else (values, *kept.values())
        made = {"_axpy": axpy, "_scale": scale, "_blocks": tuple(blocks), "_bound": (values, gradients, kept)}
        self.__dict__.update(made, state=kept)
