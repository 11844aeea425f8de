"""A layer that is built once and serves all calls of a checker, as users would keep it."""

from collections.abc import Callable, Sequence

import numpy as np

from minidl.layers import Layer
from minidl.layers.allocation import allocate
from minidl.layers.tree import walk

Pullback = Callable[[np.ndarray], list[np.ndarray | None]]


class BuiltLayer:
    """A built layer that uses the same random numbers in every call, as finite differences require."""

    def __init__(self, layer: Layer, shape: tuple[int, ...]) -> None:
        layer.declare(shape)
        self.layer, self.training, self.calls = layer, True, 0
        self.rng = np.random.default_rng(1)
        allocate({"layer": layer}, self.rng, "float64")
        self.state = self.rng.bit_generator.state
        parts = [(part, name) for _, part in walk({"layer": layer}) for name in part.parameter_names]
        self.values = [part.views[name] for part, name in parts]
        self.gradients = [part.views["d" + name] for part, name in parts]

    def forward(self, x: np.ndarray, values: Sequence[np.ndarray]) -> np.ndarray:
        """Return the layer's output for these parameters, which are not copied: in-place changes show."""
        self.calls += 1
        for view, value in zip(self.values, values, strict=True):
            view[...] = value
        self.rng.bit_generator.state = self.state
        return np.ascontiguousarray(self.layer.forward(x, self.training))

    def pullback(self, x: np.ndarray, values: Sequence[np.ndarray]) -> Pullback:
        """Return the gradients for the latest forward; forward is called again if another call has come between."""
        call = self.calls

        def backward(dy: np.ndarray) -> list[np.ndarray | None]:
            nonlocal call
            if call != self.calls:
                self.forward(x, values)
                call = self.calls
            dx = self.layer.backward(dy)
            found = None if dx is None else np.ascontiguousarray(dx)
            return [found, *(gradient.copy() for gradient in self.gradients)]

        return backward
