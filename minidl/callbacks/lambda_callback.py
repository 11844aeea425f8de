"""LambdaCallback: a callback made from functions."""

from collections.abc import Callable
from typing import Any

from minidl import checks
from minidl.callbacks.base import HOOKS, Callback
from minidl.constructor import accepts
from minidl.errors import ArgumentError
from minidl.names import argument_names


class LambdaCallback(Callback):
    """Calls the given functions as hooks.

    Parameters
    ----------
    **hooks : callable
        ``on_epoch_end=lambda epoch, logs: ...`` and so on; the names and arguments are those of `Callback`.

    Raises
    ------
    ArgumentError
        If a name is not that of a hook, or a value cannot be called with its arguments.

    Examples
    --------
    >>> show = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> show.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    def __init__(self, **hooks: Callable[..., object] | None) -> None:
        for name, function in hooks.items():
            name = checks.choice(name.replace("on_batch_", "on_train_batch_"), "LambdaCallback: hook", HOOKS)
            if function is not None:  # Keras' default
                setattr(self, name, function)
                names = ", ".join(argument_names(getattr(Callback, name)))
                if not accepts(function, *names.split()):
                    raise ArgumentError(f"LambdaCallback: {name}: expected a function of {names}, got {function!r}.")

    def get_config(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in HOOKS if name in vars(self)}

    def __repr__(self) -> str:
        hooks = ", ".join(f"{name}={function!r}" for name, function in self.get_config().items())
        return f"LambdaCallback({hooks})"
