"""Residual: layers with a skip connection, which learn what to add to their input.

It makes deep networks trainable, because the gradient reaches the lower layers undiminished.
"""

from collections.abc import Iterable
from typing import Any, Unpack

from minidl.errors import ArgumentError, ShapeError
from minidl.layers.base import Layer
from minidl.typing import Array, LayerOptions, Shape


class Residual(Layer):
    """Layers with a skip connection: ``y = f(x) + x``, where f applies the layers in sequence.

    Parameters
    ----------
    *layers : Layer
        At least one; the output of the last must have the shape of ``x``.
    projection : Layer, optional
        Applied to ``x`` on the skip connection, for layers that change the shape: ``y = f(x) + projection(x)``.

    Raises
    ------
    ArgumentError
        If no layer is given, or an argument is not a layer.
    ShapeError
        In `build`, if the two terms of the sum have different shapes.

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
    """Raise an `ArgumentError` that starts with ``who`` unless all of ``layers`` are layers."""
    for layer in layers:
        if not isinstance(layer, Layer):
            got = f"the class {layer.__name__}. Make one" if isinstance(layer, type) else f"{layer!r}"
            raise ArgumentError(f"{who}: expected layers, got {got}.")
