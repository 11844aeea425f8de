"""Callback: code that runs around the steps of training, testing and predicting.

`fit`, `evaluate` and `predict` call a `CallbackList`, which calls each callback in order.
"""

import copy
import functools
import operator
import weakref
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from minidl import checks
from minidl.attribute_names import is_builtin
from minidl.config import Configured, PlainType
from minidl.errors import ArgumentError, StateError

Logs = Any  # a mapping of names to values, or None


class BatchLogs(UserDict[str, Any]):
    """The logs at the end of a batch: a dict whose values are computed when a callback first looks at them.

    They are valid only until the hook returns: a callback that stores them must copy them with ``dict(logs)``.

    Parameters
    ----------
    compute : callable
        ``compute(loss)`` returns the logs as a dict; ``compute(None)`` uses the mean loss so far.
    loss : float
        The loss of the batch.

    Examples
    --------
    >>> logs = BatchLogs(lambda loss: {"loss": loss, "accuracy": 0.75}, 0.5)
    >>> logs["accuracy"], {**logs}
    (0.75, {'loss': 0.5, 'accuracy': 0.75})
    """

    def __init__(self, compute: Callable[[float | None], dict[str, Any]], loss: float) -> None:
        self._compute, self._loss = compute, loss

    def mean(self) -> dict[str, Any]:
        """Return the logs with the mean loss of the epoch so far in place of the batch's."""
        return self._compute(None)

    def __getattr__(self, name: str) -> Any:
        if name != "data":  # the dict behind a UserDict
            raise AttributeError(name)
        self.data = self._compute(self._loss)
        return self.data


class Callback(Configured):
    """Abstract base of all callbacks: every hook does nothing until a subclass overrides it.

    There is no need to call ``super().__init__()``. ``epoch`` and ``batch`` count from 0; ``logs`` holds the loss
    and the metrics by name, with ``"val_"`` before those of the validation data. At the end of a batch it holds that
    batch's loss and the metrics of the epoch so far.

    Attributes
    ----------
    writes : bool
        Class attribute: True for one that only writes files or shows something; in distributed training, it runs on
        rank 0 alone.
    last : bool
        Class attribute: True runs the callback after all others, so that it sees their effects.
    state_attributes : tuple of str
        Class attribute: names of the attributes that `fit` needs to resume from a checkpoint.
    params : mapping
        ``"epochs"`` and ``"steps"``, the numbers of epochs and of batches, where they are known.
    model : Sequential
        The model being trained; set ``self.model.stop_training = True`` to stop after the epoch, or, from a hook
        of a batch, after the batch.

    Examples
    --------
    >>> class Announce(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch + 1}: loss {logs['loss']:.2f}")
    >>> Announce().on_epoch_end(0, {"loss": 0.25})
    epoch 1: loss 0.25
    """

    last = writes = False
    open_to_names = True
    state_attributes: tuple[str, ...] = ()
    params: Mapping[str, Any] = MappingProxyType({})
    _model: "weakref.ref[Any] | None" = None  # weak, so that an unused model is freed at once

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in [name for name in vars(cls) if name.startswith("on_")]:
            hook = hook_name(name, vars(cls)[name], cls)
            setattr(cls, hook, vars(cls).get(hook, vars(cls)[name]))

    def set_public(self, name: str, value: Any) -> None:
        super().set_public(hook_name(name, value, type(self)) if name.startswith("on_") else name, value)

    @property
    def model(self) -> Any:
        """The model being trained; raises a `StateError` if there is none."""
        model = self._model and self._model()
        if model is None:
            fix = "Pass it to fit, evaluate or predict, and keep the model alive."
            raise StateError(f"{type(self).__name__}: model: this callback has no model. {fix}")
        return model

    def set_model(self, model: Any) -> None:
        """Store a weak reference to the model, before the first hook; a `StateError` during another model's `fit`."""
        before = self._model and self._model()
        run = None if before is model else getattr(getattr(before, "trainer", None), "run", None)
        if run is not None and run.is_under_way() and any(callback is self for callback in run.callbacks):
            raise StateError(f"callbacks: this {type(self).__name__} is in the fit of another model. Make a new one.")
        self._model = weakref.ref(model)

    def set_params(self, params: Mapping[str, Any] | None = None, **arguments: Any) -> Self:
        """Store the numbers of ``"epochs"`` and ``"steps"``; called before the first hook.

        With keyword arguments, set these constructor arguments instead, all of them or none.
        """
        if params is not None:
            self.__dict__["params"] = params
        return super().set_params(**arguments) if arguments else self

    def lacks_validation(self, epoch: int) -> bool:
        """Return whether the current `fit` validates, but not after this epoch: see its ``validation_freq``."""
        run = getattr(getattr(self._model and self._model(), "trainer", None), "run", None)
        return run is not None and run.validation is not None and not run.data.validates(epoch + 1)

    def get_state(self) -> dict[str, Any]:
        """Return copies of the ``state_attributes``: numbers, strings, arrays, lists and dicts."""
        return copy.deepcopy({name: getattr(self, name) for name in self.state_attributes})

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `get_state`; called after ``on_train_begin`` when `fit` resumes.

        Raises
        ------
        StateError
            If the names differ from those of `get_state`, or, in a built-in callback, the type of a value differs.
        """
        now = self.get_state()
        same, own = now.keys() == state.keys(), is_builtin(type(self))
        if not same or (own and not all(checks.is_same_kind(now[name], state[name]) for name in now)):
            raise StateError(f"{type(self).__name__}: set_state: expected a state such as {now}, got another.")
        vars(self).update(state)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called when `fit` begins."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called when `fit` ends, even after an exception; in that case, ``logs`` is None."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called after an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a training step."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a training step."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called when `evaluate` or validation begins."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called when `evaluate` or validation ends."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch of `evaluate` or of validation."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called when `predict` begins."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called when `predict` ends."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch of `predict`."""


def hook_name(name: str, value: Any, cls: type) -> str:
    """Return the name of the hook that Keras may call by another name.

    An `ArgumentError` for a misspelled one, and for a ``value`` that is neither a function nor a descriptor.
    """
    hook = name.replace("on_batch_", "on_train_batch_")
    if not hasattr(Callback, hook) and (hint := checks.did_you_mean(name, HOOKS)):
        raise ArgumentError(f"{cls.__name__}: {name}: expected the name of a hook.{hint}")
    if hook in HOOKS and not (callable(value) or hasattr(value, "__get__")):
        raise ArgumentError(f"{cls.__name__}: {name}: expected a function, got {value!r}.")
    return hook


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class CallbackList(Callback, metaclass=PlainType):
    """Several callbacks as one: each hook calls those that override it, in order.

    ``callbacks`` is a callback, an iterable of callbacks, or None; ``model`` is passed to each. Raises an
    `ArgumentError` for anything that is not a `Callback` instance or that appears twice, and a `StateError` for a
    callback in use by the `fit` of another model.
    """

    def __init__(self, callbacks: Callback | Iterable[Callback] | None, model: Any) -> None:
        self.callbacks = sorted(check_callbacks(callbacks), key=operator.attrgetter("last"))
        for callback in self.callbacks:
            callback.set_model(model)
        rank = getattr(getattr(getattr(model, "trainer", None), "group", None), "rank", 0)
        for hook in HOOKS:  # in a distributed run, rank 0 writes the files
            if listeners := [one for one in self.callbacks if overrides(one, hook) and not (one.writes and rank)]:
                # a hook at the end of a batch runs under the user's settings, not a step's
                setattr(self, hook, np.errstate(**np.geterr())(functools.partial(_call_each, listeners, hook)))

    def __repr__(self) -> str:
        return f"CallbackList({self.callbacks!r})"

    def set_params(self, params: Mapping[str, Any] | None = None, **arguments: Any) -> Self:
        _call_each(self.callbacks, "set_params", params)
        return self

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)


def _call_each(callbacks: list[Callback], hook: str, *arguments: Any) -> None:
    """Call the hook of each callback; if one raises at an end, call those of the others, then raise the last error."""
    for index, callback in enumerate(callbacks, start=1):
        try:
            getattr(callback, hook)(*arguments)
        except BaseException:
            if hook in ("on_train_end", "on_test_end", "on_predict_end") and callbacks[index:]:
                _call_each(callbacks[index:], hook, *arguments)
            raise


def overrides(callback: Callback, hook: str) -> bool:
    """Return whether the callback overrides this hook."""
    return getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook)


def check_callbacks(callbacks: Any) -> list[Callback]:
    """Return the callbacks as a list of instances, each of them once."""
    if callbacks is None or isinstance(callbacks, Callback):
        return [] if callbacks is None else [callbacks]
    if isinstance(callbacks, (str, type)) or not isinstance(callbacks, Iterable):
        raise ArgumentError(f"callbacks: expected a list of callbacks, got {callbacks!r}. Write callbacks=[...].")
    checked: list[Callback] = []
    for index, callback in enumerate(callbacks):
        if isinstance(callback, Callback) and all(callback is not other for other in checked):
            checked.append(callback)
            continue
        problem = f"a Callback at {index}, got {callback!r}. Derive it from Callback."
        if isinstance(callback, type):
            problem = f"an instance at {index}, got the class {callback.__name__}. Write {callback.__name__}()."
        elif isinstance(callback, Callback):
            problem = f"each callback once, got the same {type(callback).__name__} again at {index}."
        raise ArgumentError(f"callbacks: expected {problem}")
    return checked
