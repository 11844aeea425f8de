"""LayerType: the class of layer classes, which gives every layer ``name=``, ``trainable=`` and ``input_shape=``.

Thus the author of a layer need neither take these three nor call ``super().__init__()``.
"""

from abc import ABCMeta
from typing import TYPE_CHECKING, Any

from minidl.checks import flag
from minidl.errors import ArgumentError

if TYPE_CHECKING:
    import inspect


class LayerType(ABCMeta):
    """Makes a layer: takes the arguments that all share, and leaves the others to its constructor."""

    def __call__(
        cls, *args: Any, name: str | None = None, trainable: bool = True, input_shape: Any = None, **keywords: Any
    ) -> Any:
        if name is not None and not isinstance(name, str):
            raise ArgumentError(f"{cls.__name__}: name: expected a string, got {name!r}.")
        flag(trainable, f"{cls.__name__}: trainable")
        if (args or keywords) and cls.__init__ is object.__init__:  # type: ignore[misc]
            raise TypeError(f"{cls.__name__}() takes no arguments but name= and trainable=, got {[*args, *keywords]}")
        layer: Any = object.__new__(cls)  # type: ignore[arg-type]
        layer.__dict__.update(
            name=name, trainable=trainable, place=None, declared={}, views={}, output_shape=None,
            input_shape=input_shape,  # of the first layer, where older programs have no Input; looked at by the model
        )  # fmt: skip
        layer.__init__(*args, **keywords)
        return layer

    @property
    def __signature__(cls) -> "inspect.Signature":
        """The constructor's arguments and the two: what help, notebooks and the documentation show."""
        import inspect  # slow to import, and only for those who ask

        shared = inspect.signature(LayerType.__call__).parameters
        initial: Any = cls.__init__  # type: ignore[misc]
        own = list(inspect.signature(initial).parameters.values())[1:] if initial is not object.__init__ else []
        named = [one for one in own if one.kind is not one.VAR_KEYWORD and one.name not in ("name", "trainable")]
        rest = [one for one in own if one.kind is one.VAR_KEYWORD]
        return inspect.Signature([*named, shared["name"], shared["trainable"], *rest])
