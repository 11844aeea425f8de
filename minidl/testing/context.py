"""Context: all that is known about one wrong gradient, handed to `diagnose`.

It holds the layer, the arrays of the failing call, and functions that run the same layer again
elsewhere, each time on a fresh clone, so that a hypothesis can be tried out.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from minidl.layers.base import Layer
from minidl.typing import Array


class Run(Protocol):
    """What `Context.run` is."""

    def __call__(
        self,
        *,
        x: Array | None = None,
        dy: Array | None = None,
        parameters: dict[str, Array] | None = None,
        arguments: dict[str, Any] | None = None,
        training: bool | None = None,
    ) -> tuple[Array, dict[str, Array]]:
        """Return ``y`` and the analytic gradients at the context's point with the given parts replaced."""


@dataclass(frozen=True)
class Context:
    """One failing target of one layer.

    Attributes
    ----------
    layer : Layer
        A fresh clone, built at the point's parameters, that has seen one forward and one backward.
    target : str
        The gradient that is wrong: ``"dx"``, ``"dW"``, ..., ``"inner/dW"`` inside a wrapper.
    x, dy, y : array
        Input, upstream gradient and output of the failing call.
    gradients : dict of str to array
        All analytic gradients of that call: ``"dx"``, ``"dW"``, ... The wrong one is among them, as it is.
    parameters : dict of str to array
        Their values: ``"W"``, ``"b"``, ..., ``"inner/W"``.
    initial_parameters : dict of str to array
        The values that the same clone was given by its initializers, before they were randomised.
    states : dict of str to array
        Arrays of `add_state` before the call.
    arguments : dict of str to object
        Constructor arguments in force (from ``get_config``); empty where they are unknown.
    training : bool
        Mode of the failing call.
    check : str
        Name of the check that objected: ``"numeric"``, ``"batch"``, ``"linear-in-u"``, ...
    error : array or None
        Estimated error of each entry of the numeric gradient (None: rounding only).
    facts : dict of str to object
        What the check itself found out, such as ``{"first_bad_batch": 9}``.
    run : Run
        ``run(x=..., dy=..., parameters=..., arguments=..., training=...) -> (y, gradients)`` on a fresh clone.
        A batch of another size is another ``x`` and ``dy``; ``arguments`` holds only the changed ones. An
        exception inside the layer comes through: be ready for it.
    numeric : callable
        ``numeric(target, **replaced) -> array``: the numeric gradient of any target, with the same
        replacements as `run`; it costs 14 forward passes an entry.
    forward : callable
        ``forward(**replaced) -> y``, on one clone that is kept: much faster than `run`, for many evaluations.
    attributes : callable
        ``attributes(**replaced) -> arrays``: what a fresh clone keeps in underscore attributes after a forward pass.
    """

    layer: Layer
    target: str
    x: Array
    dy: Array
    y: Array
    gradients: dict[str, Array]
    parameters: dict[str, Array]
    initial_parameters: dict[str, Array]
    states: dict[str, Array]
    arguments: dict[str, Any]
    training: bool
    check: str
    run: Run
    numeric: Callable[..., Array]
    forward: Callable[..., Array]
    attributes: Callable[..., dict[str, Array]]
    error: Array | None = None
    facts: dict[str, Any] = field(default_factory=dict)
