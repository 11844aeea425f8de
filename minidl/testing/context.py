"""Context: one wrong gradient, the layer that computed it, and ways to call it again; passed to `diagnose`."""

from collections.abc import Collection
from typing import Any

import numpy as np

from minidl.testing.array_comparison import ForwardPass
from minidl.testing.cache import cached_arrays
from minidl.testing.derivative import differentiate
from minidl.testing.probe import Arrays, Point, present
from minidl.testing.subject import Subject
from minidl.typing import Array


class Context:
    """One wrong gradient of one layer, and ways to run the layer at other points to test a hypothesis.

    Each method takes the parts of the call to replace: ``x``, ``dy``, ``parameters``, ``training``, and ``arguments``
    (only the changed ones). For another batch size, pass a different ``x`` and ``dy``. Exceptions inside the layer
    propagate.

    Parameters
    ----------
    subject : Subject
        The layer under test.
    point : Point
        The failing call.
    gradients : dict of str to array
        All analytic gradients of that call, including the wrong one: ``"dx"``, ``"dW"``, ...
    target : str
        The wrong gradient: ``"dx"``, ``"dW"``, ..., or ``"inner/dW"`` inside a wrapper.
    check : str
        Name of the check that failed: ``"numeric"``, ``"batch"``, ``"linear-in-u"``, ...
    wrong : collection of str
        The names of all wrong gradients of that call.
    parameters_only : bool
        Whether the gradients are those of `backward_parameters`.

    Attributes
    ----------
    layer : Layer
        A clone with the point's parameters, after one forward and one backward.
    y : array
        The output of the failing call.
    initial_parameters : dict of str to array
        The values set by the initializers, before they were randomised.
    arguments : dict of str to object
        Current constructor arguments (from ``get_config``); empty if unknown.
    """

    def __init__(
        self,
        subject: Subject,
        point: Point,
        gradients: Arrays,
        target: str,
        check: str,
        wrong: Collection[str] = (),
        *,
        parameters_only: bool = False,
    ) -> None:
        subject.work.diagnose()
        self.subject, self.point, self.target, self.check, self.wrong = subject, point, target, check, wrong
        self.parameters_only = parameters_only
        self.gradients = {name: np.array(value) for name, value in present(gradients).items()}
        self.initial_parameters = subject.probe(point.input_shape, float, point.arguments).values
        self.arguments = {**subject.arguments, **point.arguments}
        probe = subject.at(point)
        self.y, self.layer = np.array(probe.run(point)[0]), probe.layer

    def run(self, **replaced: Any) -> tuple[Array, Arrays]:
        """Return ``y`` and the analytic gradients of a fresh clone."""
        there = self.point.moved(**replaced)
        if self.parameters_only:
            probe = self.subject.at(there)
            return probe.forward(there.x.copy(), there.training), probe.run_parameters(there)
        y, found = self.subject.run(there)
        return y, present(found)

    def forward(self, **replaced: Any) -> Array:
        """Return ``y`` of a clone that is reused if possible: much faster than `run` for many evaluations."""
        there = self.point.moved(**replaced)
        return np.array(self.subject.reused(there).forward(there.x.copy(), there.training), float)

    def numeric(self, target: str, **replaced: Any) -> Array:
        """Return the numerical gradient of any target; it takes 14 forward passes per entry."""
        return derivatives(self.subject, self.point.moved(**replaced), target)[2]

    def attributes(self, **replaced: Any) -> Arrays:
        """Return the underscore attributes of a fresh clone after a forward pass."""
        there = self.point.moved(**replaced)
        probe = self.subject.at(there)
        probe.forward(there.x.copy(), there.training)
        return cached_arrays(probe.layer)


def derivatives(subject: Subject, point: Point, target: str) -> tuple[Any, Array, Array]:
    """Return forward as a function of the array whose gradient is ``target``, that array and its numerical gradient."""
    y = subject.at(point).forward(point.x.copy(), point.training)
    function = ForwardPass(subject, point, y, np.random.default_rng(0))
    f, start = function.function(target)
    values = differentiate(f, start, point.dy, range(start.size), eps=function.precision(f, start)).values
    return f, start, values.astype(float).reshape(start.shape)
