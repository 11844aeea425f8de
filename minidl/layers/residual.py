"""Residual: layers with a connection around them, so that they learn what to add to their input.

Deep networks train with it, because the gradient reaches the lower layers undiminished.
"""

from collections.abc import Iterable
from typing import Any, Unpack

from minidl.errors import ArgumentError, ShapeError
from minidl.layers.base import Layer
from minidl.typing import Array, LayerOptions, Shape


class Residual(Layer):
    """Layers with a connection around them: ``y = f(x) + x``, f the layers one after another.

    Parameters
    ----------
    *layers : Layer
        At least one; the last one's output has the shape of ``x``.
    projection : Layer, optional
        Applied to ``x`` on the way around, where the shapes differ: ``y = f(x) + projection(x)``.

    Raises
    ------
    ArgumentError
        If there is no layer, or something is no layer.
    ShapeError
        In `build`, if the two that are added have different shapes.

    Notes
    -----
    He et al., "Deep residual learning for image recognition", 2016, equations (1) and (2). The derivative is
    ``dx = f.backward(dy) + dy``. Keras writes it as ``Add()([x, f(x)])`` in its functional interface.

    Examples
    --------
    >>> block = Residual(Dense(8, activation="relu"), Dense(4))
    >>> model = Sequential([Input((4,)), block, Residual(Dense(2), projection=Dense(2, use_bias=False))], seed=0)
    >>> model.predict(np.ones((3, 4))).shape
    (3, 2)
    >>> model.count_params()
    94
    """

    def __init__(self, *layers: Layer, projection: Layer | None = None, **options: Unpack[LayerOptions]) -> None:
        check_layers(layers, "Residual: layers")
        check_layers([] if projection is None else [projection], "Residual: projection")
        if not layers:
            raise ArgumentError("Residual: layers: expected at least one layer, got none.")
        self.layers = layers
        self.projection = projection

    def build(self, input_shape: Shape) -> Shape:
        shape = input_shape
        for layer in self.layers:
            shape = layer.declare(shape)
        around = input_shape if self.projection is None else self.projection.declare(input_shape)
        if shape != around:
            fix = "Pass projection=Dense(...)" if self.projection is None else "Change one of the two"
            raise ShapeError(
                f"{self.label}: expected layers with outputs of the shape {around} that they are added to, "
                f"got {shape}. {fix}."
            )
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        y = x
        for layer in self.layers:
            y = layer.forward(y, training)
        return y + (x if self.projection is None else self.projection.forward(x, training))

    def backward(self, dy: Array) -> Array:
        dx = dy
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        return dx + (dy if self.projection is None else self.projection.backward(dy))

    def backward_parameters(self, dy: Array) -> None:
        if self.projection is not None:
            self.projection.backward_parameters(dy)
        for layer in self.layers[:0:-1]:
            dy = layer.backward(dy)
        self.layers[0].backward_parameters(dy)


def check_layers(layers: Iterable[Any], who: str) -> None:
    """Raise an `ArgumentError` if one of ``layers`` is none; ``who`` opens the message."""
    for layer in layers:
        if not isinstance(layer, Layer):
            got = f"the class {layer.__name__}. Make one" if isinstance(layer, type) else f"{layer!r}"
            raise ArgumentError(f"{who}: expected layers, got {got}.")
