"""The gradient checkers in benchmarks/checking: each accepts a right layer and objects to a wrong one."""

import numpy as np
import pytest
from checking import BuiltLayer, checker, checkers

from minidl.layers import Dense, Embedding


class Twice(Dense):
    """Dense whose parameter gradient is twice the right one."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.dW *= 2
        return dx


def built(layer, shape=(4,)):
    layer = BuiltLayer(layer, shape)
    values = [np.random.default_rng(1).standard_normal(value.shape) for value in layer.values]
    return layer, values


@pytest.fixture(params=["torch", "jax"])  # importing chainer registers markers, which pytest refuses here
def check(request):
    if request.param not in checkers():
        pytest.skip(f"{request.param} is not installed")
    return checker(request.param)


@pytest.mark.parametrize("tolerance", [None, 1e-6])
def test_a_right_layer_is_accepted(check, tolerance):
    layer, values = built(Dense(3))
    check(layer, np.random.default_rng(0).standard_normal((5, 4)), values, tolerance)


def test_a_wrong_parameter_gradient_is_objected_to(check):
    layer, values = built(Twice(3))
    with pytest.raises(Exception, match=r"(?i)jacobian mismatch|mismatched elements|not equal to tolerance"):
        check(layer, np.random.default_rng(0).standard_normal((5, 4)), values, None)


def test_integer_inputs_are_no_variables(check):
    layer, values = built(Embedding(5, 2), shape=(3,))
    check(layer, np.array([[0, 4, 2], [1, 1, 3]]), values, None)


def test_a_pullback_belongs_to_its_own_forward():
    layer, values = built(Dense(3))
    x = np.random.default_rng(0).standard_normal((5, 4))
    y = layer.forward(x, values)
    pullback = layer.pullback(x, values)
    layer.forward(2 * x, values)
    dx, dW, db = pullback(np.ones_like(y))
    np.testing.assert_allclose(dx, np.ones_like(y) @ values[0].T)
    np.testing.assert_allclose(dW, x.T @ np.ones_like(y))
    np.testing.assert_allclose(db, [5, 5, 5])
