"""Dense: every output is a weighted sum of every input.

Followed by a Sigmoid, it is logistic regression; stacked with activations, it is a network.
"""

import functools
from typing import Any, Unpack

from minidl import checks
from minidl.constraints import resolve_constraint
from minidl.errors import ShapeError
from minidl.initializers import resolve_initializer
from minidl.layers.activations import resolve_activation
from minidl.layers.base import Layer
from minidl.layers.layer_type import LayerType
from minidl.layers.tree import join
from minidl.numeric import column_sums
from minidl.regularizers import resolve_regularizer
from minidl.typing import Array, LayerOptions, Shape


class Dense(Layer):
    """Fully connected layer: ``y = activation(x @ W + b)``.

    Parameters
    ----------
    units : int
        Number of outputs, at least 1.
    activation : str or Layer, optional
        Applied to the weighted sums, such as "relu". Default: none.
    use_bias : bool
        False leaves out ``b``.
    kernel_initializer, bias_initializer : str, Initializer or function
        Fill ``W`` and ``b``. Defaults: `GlorotUniform` and `Zeros`.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on ``W`` and ``b``, added to the loss.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Applied to ``W`` and ``b`` after every step.

    Shapes
    ------
    x  (batch, inputs)    input; ``inputs`` is inferred by `build`
    y  (batch, units)     output
    W  (inputs, units)    weights
    b  (units,)           biases, initialised to zero

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or value.
    ShapeError
        If ``x`` is not two-dimensional or does not have the number of features given to `build`.

    Notes
    -----
    Without an activation, and with ``dy = dL/dy``, where L is the loss of the whole batch::

        dL/dW = x.T @ dy      dL/db = column sums of dy      dL/dx = dy @ W.T

    Course notes, section 5.3.b, equations (ii) to (iv), transposed: batches are rows here.

    Examples
    --------
    >>> model = Sequential([Input((3,)), Dense(2)])
    >>> model.forward(np.ones((4, 3))).shape
    (4, 2)
    """

    W: Array
    b: Array
    dW: Array
    db: Array

    def __init__(
        self,
        units: int,
        activation: Any = None,
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **options: Unpack[LayerOptions],
    ) -> None:
        self.units = checks.integer(units, "Dense: units", minimum=1)
        self.use_bias = checks.flag(use_bias, "Dense: use_bias")
        resolve_initializer(kernel_initializer, "Dense: kernel_initializer")
        resolve_initializer(bias_initializer, "Dense: bias_initializer")
        resolve_regularizer(kernel_regularizer, "Dense: kernel_regularizer")
        resolve_regularizer(bias_regularizer, "Dense: bias_regularizer")
        resolve_constraint(kernel_constraint, "Dense: kernel_constraint")
        resolve_constraint(bias_constraint, "Dense: bias_constraint")
        self.activation = resolve_activation(activation, "Dense: activation")
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint

    def expand(self) -> dict[str, Layer]:
        if type(self).forward is not Dense.forward or type(self).backward is not Dense.backward:
            return {"": self}  # the forward pass of a subclass includes the activation
        sums = object.__new__(sums_of(type(self)))
        object.__setattr__(sums, "__dict__", self.__dict__)  # caches included: either may run the other's backward
        after = {} if self.activation is None else self.activation.expand()
        return {"": sums} | {join("activation", name): step for name, step in after.items()}

    def build(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            got = f"got {checks.batch_shape(input_shape)}. Add Flatten() before it."
            raise ShapeError(f"{self.label}: expected inputs of shape (batch, features), {got}")
        W, b = (input_shape[0], self.units), (self.units,)
        self.add_parameter("W", W, self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint)
        if self.use_bias:
            self.add_parameter("b", b, self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return (self.units,) if self.activation is None else self.activation.declare((self.units,))

    def forward(self, x: Array, training: bool = False) -> Array:
        y = self._sums(x)
        return y if self.activation is None else self.activation.forward(y, training)

    def _sums(self, x: Array, training: bool = False) -> Array:
        if x.ndim != 2 or x.shape[1] != len(W := self.W):
            raise ShapeError(f"{self.label}: expected input of shape (batch, {len(self.W)}), got {x.shape}.")
        self._x = x
        y = x.dot(W)  # as x @ W, but 1 us faster per call
        if self.use_bias:
            y += self.b
        return y

    def backward(self, dy: Array) -> Array:
        if self.activation is not None:
            dy = self.activation.backward(dy)
        self._backward_of_sums(dy)
        return dy.dot(self.W.T)

    def backward_parameters(self, dy: Array) -> None:
        self._backward_of_sums(dy if self.activation is None else self.activation.backward(dy))

    def _backward_of_sums(self, dy: Array) -> None:
        self._x.T.dot(dy, out=self.dW)  # straight into the gradient vector
        if self.use_bias:
            column_sums(dy, out=self.db)


class WeightedSums(Dense):
    """A `Dense` layer without its activation, as run by a network; it shares all attributes with that layer."""

    names_of_layers = ()

    def sublayers(self) -> dict[str, Layer]:
        return {}

    forward = Dense._sums

    def backward(self, dy: Array) -> Array:
        self._backward_of_sums(dy)
        return dy.dot(self.W.T)

    backward_parameters = Dense._backward_of_sums


@functools.cache
def sums_of(kind: type[Dense]) -> Any:
    """Return a subclass of `WeightedSums` for a class derived from `Dense`, with the same name."""
    return LayerType(kind.__name__, (WeightedSums, kind), {"__module__": kind.__module__})
