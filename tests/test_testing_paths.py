"""The path through forward that a backward leaves out, turns round or counts twice is told."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from minidl import Layer
from minidl.losses import Loss
from minidl.testing import certify, certify_loss


class Scaled(Layer):
    """y = x * n / (1 + n) with n = mean of x**2 in a row."""

    share = 1.0

    def forward(self, x, training=False):
        self._x = x
        self._n = (x * x).mean(axis=1, keepdims=True)
        self._g = self._n / (1 + self._n)
        return x * self._g

    def backward(self, dy):
        dn = (dy * self._x).sum(axis=1, keepdims=True) / (1 + self._n) ** 2
        return dy * self._g + self.share * dn * 2 * self._x / self._x.shape[1]


class Gram(Layer):
    """y = x' x for each row of steps."""

    certify_input_shape = (3, 2)

    def build(self, input_shape):
        return (input_shape[1], input_shape[1])

    def forward(self, x, training=False):
        self._x = x
        return np.einsum("bti,btj->bij", x, x)

    def backward(self, dy):
        return np.einsum("btj,bij->bti", self._x, dy + dy.swapaxes(1, 2))


class HalfGram(Gram):
    def backward(self, dy):
        return np.einsum("btj,bij->bti", self._x, dy)


class DoubledGram(Gram):
    def backward(self, dy):
        return 2 * np.einsum("btj,bij->bti", self._x, dy)


class Clipped(Layer):
    """y = sum of clip(x @ W, -0.5, 0.5), as if nothing were clipped in backward."""

    wrong = True

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[0], 3))
        return (1,)

    def forward(self, x, training=False):
        self._x = x
        z = x @ self.W
        c = np.clip(z, -0.5, 0.5)
        self._inside = z == c
        return c.sum(axis=1, keepdims=True)

    def backward(self, dy):
        dz = np.repeat(dy, 3, axis=1) if self.wrong else dy * self._inside
        self.dW = self._x.T @ dz
        return dz @ self.W.T


class Curved(Layer):
    """y = sqrt(x**2 + 1e-5) through a helper; its derivative counts three times."""

    share = 1.0

    def root(self, square):
        return np.sqrt(square + 1e-5)

    def forward(self, x, training=False):
        self._x, self._root = x, self.root(x * x)
        return self._root + x

    def backward(self, dy):
        return dy * (1 + self.share * self._x / self._root)


class Windows(Layer):
    """A convolution over windows made by strides, whose kernel is not turned round in backward."""

    certify_input_shape = (7,)

    def build(self, input_shape):
        self.add_parameter("W", (3,))
        return (input_shape[0] - 2,)

    def windows(self, v):
        return as_strided(v, (len(v), v.shape[1] - 2, 3), (*v.strides, v.strides[1]), writeable=False)

    def forward(self, x, training=False):
        self._x = np.ascontiguousarray(x)
        return self.windows(self._x) @ self.W

    def backward(self, dy):
        self.dW = np.einsum("btk,bt->k", self.windows(self._x), dy)
        return self.windows(np.ascontiguousarray(np.pad(dy, ((0, 0), (2, 2))))) @ self.W


class Saturated(Layer):
    """y = x / (1 + exp(x)) exactly, but backward computes inf / inf for large x."""

    def forward(self, x, training=False):
        self._x = x
        with np.errstate(over="ignore"):
            self._e = np.exp(np.minimum(x, 700))
        return x / (1 + self._e)

    def backward(self, dy):
        with np.errstate(all="ignore"):
            return dy * ((1 + self._e - self._x * self._e) * self._e) / ((1 + self._e) ** 2 * self._e)


class Remembering(Layer):
    """y = 2 x, with a list that grows from call to call."""

    def build(self, input_shape):
        self._kept = []
        return input_shape

    def forward(self, x, training=False):
        self._kept.append(2.0)
        return 2 * x

    def backward(self, dy):
        return dy * sum(self._kept)


class Means(Layer):
    """y = (x * x) @ A summed over a pair of indices, with the parameter's gradient of the means."""

    wrong = False

    def build(self, input_shape):
        self.add_parameter("A", (input_shape[0], input_shape[0]))
        return (1,)

    def forward(self, x, training=False):
        self._x = x
        return np.einsum("ni,ij,nj->n", x, self.A, x)[:, None]

    def backward(self, dy):
        x = self._x
        mean = x.mean(axis=0)
        self.dA = dy.sum() * np.outer(mean, mean) if self.wrong else np.einsum("n,ni,nj->ij", dy[:, 0], x, x)
        return dy * (x @ (self.A + self.A.T))


class Pull(Loss):
    """Log of the sum of exp(y) less the entry of the target's sign."""

    target_domain = "real"

    def forward(self, y_pred, y_true, sample_weight=None):
        self._t = self.match(y_pred, y_true)
        self._y = np.tanh(y_pred)
        return self.mean((self._y - self._t) ** 2 - y_pred * self._t, sample_weight)

    def backward(self):
        return self.share(2 * (self._y - self._t) * (1 - self._y**2) - self._t)


class HalfPull(Pull):
    def backward(self):
        return self.share(np.abs(2 * (self._y - self._t) * (1 - self._y**2)) * np.sign(self._y - self._t))


def why(layer):
    certificate = (certify_loss if isinstance(layer, Loss) else certify)(layer, on_fail="return")
    return certificate.findings[0].why


def changed(kind, **attributes):
    """Return a layer of a subclass with other attributes, whose source is that of the class."""
    return type(kind.__name__, (kind,), {**attributes, "__module__": __name__})()


@pytest.mark.parametrize("kind", [Scaled, Gram, Means, Curved])
def test_the_right_layers_pass(kind):
    assert certify(kind()).outcome == "PASS"


def test_a_loss_and_a_clipped_sum_pass():
    assert certify_loss(Pull()).outcome == "PASS"
    assert certify(changed(Clipped, wrong=False)).outcome == "PASS"


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "is missing"),
        (-1, "has the wrong sign"),
        (2, "is counted twice"),
        (1.7, "is multiplied by 1.7"),
    ],
)
def test_the_path_through_a_statement_is_told_with_what_is_wrong_with_it(share, told):
    path = r"the derivative through `self._n = (x * x).mean(axis=1, keepdims=True)` (forward, test_testing_paths.py:"
    cause = why(changed(Scaled, share=share))
    assert cause.startswith(path)
    assert told in cause


def test_a_factor_left_out_in_one_of_two_equal_names_is_told_by_its_number():
    assert why(HalfGram()).startswith("the derivative through `x` (number 2) in `return np.einsum(")


def test_two_paths_are_told_together():
    cause = why(DoubledGram())
    assert "through `x` (number 1)" in cause
    assert "is counted twice and through `x` (number 2)" in cause
    assert cause.endswith("is missing")


def test_a_function_whose_derivative_is_taken_for_one_is_told():
    assert "the derivative through `c = np.clip(z, -0.5, 0.5)`" in why(Clipped())
    assert "is taken for 1" in why(Clipped())


def test_the_path_through_a_helper_of_forward_is_told():
    cause = why(changed(Curved, share=3.0))
    assert "the derivative through `return np.sqrt(square + 1e-05)` (root, " in cause
    assert "is multiplied by 3" in cause


def test_the_missing_term_of_a_loss_is_told_by_its_place_in_forward():
    assert "the derivative through `y_pred * self._t`" in why(HalfPull())


def test_no_edit_is_tried_where_memory_is_read_by_strides():
    assert why(Windows()).startswith("equals the gradient for W reversed along axis 0")


def test_a_gradient_that_overflows_is_told_as_such():
    assert "not finite where the right gradient is" in why(Saturated())


def test_a_list_that_grows_from_call_to_call_is_named():
    assert why(Remembering()).startswith("self._kept holds something from the call before")


def test_a_product_of_means_in_place_of_a_mean_of_products_is_told():
    assert "every row of x replaced by their mean" in why(changed(Means, wrong=True))
