"""Callback: something that happens around the steps of training, testing and predicting.

`fit`, `evaluate` and `predict` tell a `CallbackList`, which tells each callback in order.
"""

import copy
import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from minidl import checks
from minidl.errors import ArgumentError, StateError

Logs = Any  # a mapping of names to values, or None


class BatchLogs(Mapping[str, Any]):
    """The logs at the end of a batch, computed when a callback first looks at them.

    Parameters
    ----------
    compute : callable
        ``compute(loss)`` returns the logs as a dict.
    loss : float
        The loss of the batch.
    """

    def __init__(self, compute: Callable[[float], dict[str, Any]], loss: float) -> None:
        self._compute, self._loss = compute, loss

    @functools.cached_property
    def _values(self) -> dict[str, Any]:
        return self._compute(self._loss)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)


class Callback:
    """Abstract base of all callbacks: every hook does nothing until a subclass overrides it.

    There is no need to call ``super().__init__()``. ``epoch`` and ``batch`` count from 0; ``logs`` holds the loss
    and the metrics by name, with ``"val_"`` before those of the validation data. At the end of a batch it holds that
    batch's loss and the metrics of the epoch so far.

    Attributes
    ----------
    last : bool
        Class attribute: True puts the callback behind all others, so that it finds their work done.
    kept : tuple of str
        Class attribute: the names of what resuming a training run needs of the callback.
    model : Sequential
        The model that is trained; set ``self.model.stop_training = True`` to stop after the epoch, or, from a hook
        of a batch, after the batch.

    Examples
    --------
    >>> class Announce(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch + 1}: loss {logs['loss']:.2f}")
    >>> Announce().on_epoch_end(0, {"loss": 0.25})
    epoch 1: loss 0.25
    """

    last = False
    kept: tuple[str, ...] = ()
    _model: "weakref.ref[Any] | None" = None  # weak, so that a model that is dropped is freed at once

    @property
    def model(self) -> Any:
        """The model that is trained, or a `StateError` if there is none."""
        model = None if self._model is None else self._model()
        if model is None:
            raise StateError(
                f"{type(self).__name__}: model: expected a model, got none. Pass the callback to fit, "
                "evaluate or predict, and keep the model alive."
            )
        return model

    def set_model(self, model: Any) -> None:
        """Remember the model, weakly: called before the first hook."""
        self._model = weakref.ref(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Remember ``params``, the numbers of ``"epochs"`` and ``"steps"`` (None if unknown), before the first hook."""
        self.params = params

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name[0] != "_"}

    def get_state(self) -> dict[str, Any]:
        """Return what resuming needs: copies of the attributes in ``kept``, numbers, texts, arrays, lists and dicts."""
        return copy.deepcopy({name: getattr(self, name) for name in self.kept})

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned: called after ``on_train_begin`` where `fit` resumes.

        Raises
        ------
        StateError
            If the names are others, as a file must not set what is not kept; for minidl's own, if a kind is another.
        """
        now = self.get_state()
        own = type(self).__module__.startswith("minidl.")
        if now.keys() != state.keys() or (own and not all(checks.alike(now[name], state[name]) for name in now)):
            raise StateError(f"{type(self).__name__}: set_state: expected a state such as {now}, got another.")
        vars(self).update(state)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called when `fit` begins."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called when `fit` ends, after an exception too; ``logs`` is None then."""

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


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """Calls the given functions as hooks.

    Parameters
    ----------
    **hooks : callable
        ``on_epoch_end=lambda epoch, logs: ...`` and so on; the names and arguments are those of `Callback`.

    Raises
    ------
    ArgumentError
        If a name is not that of a hook, or a value cannot be called.

    Examples
    --------
    >>> show = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> show.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    def __init__(self, **hooks: Callable[..., object] | None) -> None:
        for name, function in hooks.items():
            checks.choice(name, "LambdaCallback: hook", HOOKS)
            if function is None:  # Keras' default for a hook that is not wanted
                continue
            if not callable(function):
                raise ArgumentError(f"LambdaCallback: {name}: expected a function, got {function!r}.")
            setattr(self, name, function)


class CallbackList(Callback):
    """Several callbacks as one: each hook calls those that override it, in order.

    ``callbacks`` is one, an iterable of them, or None; each gets the ``model``. What is no instance of `Callback`, or
    stands twice in the list, is an `ArgumentError`.
    """

    def __init__(self, callbacks: Callback | Iterable[Callback] | None, model: Any) -> None:
        self.callbacks = sorted(check_callbacks(callbacks), key=lambda callback: callback.last)
        for callback in self.callbacks:
            callback.set_model(model)
        for hook in HOOKS:
            listeners = [item for item in self.callbacks if _overrides(item, hook)]
            setattr(self, hook, functools.partial(_call_each, listeners, hook) if listeners else _call_none)

    def set_params(self, params: dict[str, Any]) -> None:
        for callback in self.callbacks:
            callback.set_params(params)

    def __iter__(self) -> Any:
        return iter(self.callbacks)


def _call_none(*arguments: Any) -> None:
    pass


def _call_each(callbacks: list[Callback], hook: str, *arguments: Any) -> None:
    for callback in callbacks:
        getattr(callback, hook)(*arguments)


def _overrides(callback: Callback, hook: str) -> bool:
    return getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook)


def check_callbacks(callbacks: Callback | Iterable[Callback] | None) -> list[Callback]:
    """Return the callbacks as a list, each an instance and none there twice."""
    if callbacks is None:
        return []
    if isinstance(callbacks, Callback):
        return [callbacks]
    if isinstance(callbacks, (str, type)) or not isinstance(callbacks, Iterable):
        raise ArgumentError(f"callbacks: expected a list of callbacks, got {callbacks!r}. Write callbacks=[...].")
    checked: list[Callback] = []
    for index, callback in enumerate(callbacks):
        if isinstance(callback, type):
            name = callback.__name__
            raise ArgumentError(f"callbacks: expected an instance at {index}, got the class {name}. Write {name}().")
        if not isinstance(callback, Callback):
            raise ArgumentError(
                f"callbacks: expected a Callback at {index}, got {callback!r}. Derive it from Callback."
            )
        if any(callback is other for other in checked):
            name = type(callback).__name__
            raise ArgumentError(f"callbacks: expected each callback once, got the same {name} again at {index}.")
        checked.append(callback)
    return checked
