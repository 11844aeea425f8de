"""thinc: models, whose forward returns ``Y`` and a function ``backprop``."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.testing.functions import FunctionSubject
from minidl.typing import Array, Shape


def model(make: Callable[[], Any], inputs: Any = None, *, shape: Shape = (4,), **options: Any) -> FunctionSubject:
    """Return a subject for `certify`: the model that ``make()`` creates, with its gradients.

    Parameters
    ----------
    make : function
        Returns a ``thinc.api.Model``.
    inputs : array, optional
    shape : tuple of int
        Shape of a row, used if ``inputs`` are not given.
    **options
        As in `FunctionSubject`.
    """
    x = np.random.default_rng(0).standard_normal((3, *shape)) if inputs is None else inputs
    made = make()
    made.initialize(X=np.asarray(x, np.float32))
    owners = [(node, name) for node in made.walk() for name in node.param_names if node.has_param(name)]
    parameters = {f"{name}{n or ''}": np.asarray(node.get_param(name), float) for n, (node, name) in enumerate(owners)}

    def forward(x: Array, *values: Array, training: bool = False) -> Any:
        for (node, name), value in zip(owners, values, strict=True):
            node.set_param(name, value)
        return made(_writeable(x), is_train=training)

    def backward(backprop: Any, dy: Array) -> list[Array]:
        for node, name in owners:
            node.set_grad(name, np.zeros_like(node.get_param(name)))
        return [backprop(_writeable(dy)), *(node.get_grad(name) for node, name in owners)]

    options = {"source": made._func, "name": f"thinc.model({made.name})", **options}
    return FunctionSubject(forward, backward, {"x": x}, parameters, **options)


def _writeable(array: Array) -> Array:
    """Return a writable copy of a read-only array, because Cython's memory views reject read-only ones."""
    return array if array.flags.writeable else array.copy(order="K")
