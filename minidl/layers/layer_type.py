"""LayerType: the class of layer classes, which gives every layer the `LayerOptions` ``name=`` and ``trainable=``.

Thus the author of a layer need neither take them nor call ``super().__init__()``.
"""

from typing import TYPE_CHECKING, Any, TypeVar

from minidl.checks import did_you_mean, flag
from minidl.config import ConfiguredType
from minidl.constructor import constructor_parameters
from minidl.errors import ArgumentError
from minidl.typing import LayerOptions

if TYPE_CHECKING:
    import inspect

T = TypeVar("T")


class LayerType(ConfiguredType):
    """Makes a layer: takes the options that all share, and leaves the other arguments to its constructor.

    A constructor with ``**options: Unpack[LayerOptions]`` shows the options to type checkers; it gets none of them.
    """

    def __call__(
        cls: type[T],
        *args: Any,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Any = None,
        **others: Any,
    ) -> T:  # no Any: type checkers then read the constructor as well
        if name is not None and not isinstance(name, str):
            raise ArgumentError(f"{cls.__name__}: name: expected a string, got {name!r}.")
        flag(trainable, f"{cls.__name__}: trainable")
        constructor: Any = cls.__init__
        if (args or others) and (constructor is object.__init__ or takes_options(constructor)):
            refuse_unknown(cls.__name__, constructor, args, others)
        layer = object.__new__(cls)
        layer.__dict__.update(
            name=name, trainable=trainable, place=None, declared={}, views={}, output_shape=None,
            input_shape=input_shape,  # of the first layer, where older programs have no Input; looked at by the model
        )  # fmt: skip
        constructor(layer, *args, **others)
        return layer

    @property
    def __signature__(cls) -> "inspect.Signature":
        """The constructor's arguments and the two: what help, notebooks and the documentation show."""
        import inspect  # slow to import, and only for those who ask

        shared = inspect.signature(LayerType.__call__).parameters
        own = [parameter for parameter in constructor_parameters(cls) if parameter.name not in shared]
        return inspect.Signature([*own, shared["name"], shared["trainable"]])


def takes_options(constructor: Any) -> bool:
    """Tell whether a constructor ends in ``**options: Unpack[LayerOptions]``."""
    return any("LayerOptions" in str(one) for one in getattr(constructor, "__annotations__", {}).values())


def refuse_unknown(who: str, constructor: Any, args: tuple[Any, ...], others: dict[str, Any]) -> None:
    """Raise a TypeError for an argument that ``**options`` would take in silence, or that no constructor takes."""
    code = getattr(getattr(constructor, "__wrapped__", constructor), "__code__", None)
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount] if code else ()
    several = code is not None and code.co_flags & 0x04  # ends in *arguments
    if not known and (others or not several):
        raise TypeError(f"{who}() takes no arguments but name= and trainable=, got {[*args, *others]}")
    for name in others:
        if name not in known:
            hint = did_you_mean(name, [*known, *LayerOptions.__annotations__])
            raise TypeError(f"{who}() got an unexpected keyword argument {name!r}.{hint}")
