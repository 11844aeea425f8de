"""LayerType: the metaclass of layers, which gives every layer the `LayerOptions` ``name=`` and ``trainable=``.

A custom layer therefore need not accept them or call ``super().__init__()``.
"""

from typing import Any, TypeVar

from minidl.attribute_names import refuse_unfinished
from minidl.checks import flag
from minidl.config import ConfiguredType
from minidl.constructor import accepts, constructor_parameters
from minidl.names import argument_names, translate
from minidl.settings import run_constructor
from minidl.typing import LayerOptions

T = TypeVar("T")


class LayerType(ConfiguredType):
    """Metaclass of layers: handles the options shared by all layers and passes the other arguments to the constructor.

    ``**options: Unpack[LayerOptions]`` in a constructor shows the options to type checkers; the constructor does not
    receive them.
    """

    def __call__(
        cls: type[T],
        *args: Any,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Any = None,
        **others: Any,
    ) -> T:  # not Any, so that type checkers also read the constructor
        flag(trainable, f"{cls.__name__}: trainable")
        constructor: Any = cls.__init__
        if (args or others) and (constructor is object.__init__ or takes_options(constructor)):
            known = argument_names(constructor)
            if "input_dim" in others and "input_dim" not in known:
                input_shape = (others.pop("input_dim"),)
            elif "batch_input_shape" in others:
                input_shape = tuple(others.pop("batch_input_shape"))[1:]
            if others:
                others = translate(cls, others, [*known, *LayerOptions.__annotations__])
            elif not known and not accepts(constructor, None, *args):
                raise TypeError(f"{cls.__name__}() takes no arguments but name= and trainable=, got {[*args]}")
        layer = refuse_unfinished(cls) if getattr(cls, "__abstractmethods__", ()) else object.__new__(cls)
        layer.__dict__.update(
            name=name, trainable=trainable, place=None, declared={}, views={}, output_shape=None,
            input_shape=input_shape,  # of the first layer, in older programs without Input; read by the model
        )  # fmt: skip
        run_constructor(layer, *args, **others)
        return layer

    @property
    def __signature__(cls) -> Any:
        """The constructor's arguments plus ``name`` and ``trainable``, as shown by help and the documentation."""
        import inspect  # slow to import, and rarely needed

        shared = inspect.signature(LayerType.__call__).parameters
        own = [parameter for parameter in constructor_parameters(cls) if parameter.name not in shared]
        return inspect.Signature([*own, shared["name"], shared["trainable"]])


def takes_options(constructor: Any) -> bool:
    """Return whether a constructor ends in ``**options: Unpack[LayerOptions]``."""
    return any("LayerOptions" in str(one) for one in getattr(constructor, "__annotations__", {}).values())
