"""Layers with products of activations: attention, gated and bilinear units, and their bugs."""

import numpy as np

from minidl.layers import Layer
from tests.planted.registry import FORMULA, REGION, STATE, bug, correct


@correct(3, shape=(3, 4))
class Attention(Layer):
    """y = softmax(q @ k.T / sqrt(units)) @ v over the steps of each row, with q = x @ Q, k = x @ K, v = x @ V."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        for name in ("Q", "K", "V"):
            self.add_parameter(name, (input_shape[1], self.units))
        return (input_shape[0], self.units)

    def forward(self, x, training=False):
        self._x = x
        self._q, self._k, self._v = x @ self.Q, x @ self.K, x @ self.V
        s = self._q @ self._k.swapaxes(1, 2) / self.units**0.5
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        self._a = e / e.sum(axis=-1, keepdims=True)
        return self._a @ self._v

    def softmax_backward(self, da):
        return self._a * (da - (da * self._a).sum(axis=-1, keepdims=True))

    def backward(self, dy):
        ds = self.softmax_backward(dy @ self._v.swapaxes(1, 2)) / self.units**0.5
        dq, dk, dv = ds @ self._k, ds.swapaxes(1, 2) @ self._q, self._a.swapaxes(1, 2) @ dy
        for name, d in (("dQ", dq), ("dK", dk), ("dV", dv)):
            setattr(self, name, np.einsum("nti,ntj->ij", self._x, d))
        return dq @ self.Q.T + dk @ self.K.T + dv @ self.V.T


@bug(FORMULA, r"constant 1\.73.*units")
class AttentionScaleForgotten(Attention):
    def softmax_backward(self, da):
        return super().softmax_backward(da) * self.units**0.5


@bug(FORMULA, r"off the diagonal|only the diagonal|terms? -?a\*sum")
class AttentionSoftmaxDiagonal(Attention):
    def softmax_backward(self, da):
        return self._a * da * (1 - self._a)


@bug(FORMULA, "transpose is missing|transposed")
class AttentionKeyTransposeMissing(Attention):
    def backward(self, dy):
        dx = super().backward(dy)
        ds = self.softmax_backward(dy @ self._v.swapaxes(1, 2)) / self.units**0.5
        self.dK = np.einsum("nti,ntj->ij", self._x, ds @ self._q)
        return dx


@bug(FORMULA, r"passes through V|term .*@ V\.T")
class AttentionValuePathMissing(Attention):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx - self._a.swapaxes(1, 2) @ dy @ self.V.T


@bug(FORMULA, "gradient of the other parameter K")
class QueryAndKeyGradientsSwapped(Attention):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dQ, self.dK = self.dK.copy(), self.dQ.copy()
        return dx


@bug(FORMULA, "1/batch size")
class AttentionQueryAveraged(Attention):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dQ = self.dQ / len(dy)
        return dx


@bug(STATE, r"backward changes self\._a|spoils its cache")
class AttentionWeightsOverwritten(Attention):
    def softmax_backward(self, da):
        self._a *= da - (da * self._a).sum(axis=-1, keepdims=True)
        return self._a.copy()


@correct(3)
class GatedLinear(Layer):
    """y = (x @ W + b) * sigmoid(x @ V + c)."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        for weights, biases in (("W", "b"), ("V", "c")):
            self.add_parameter(weights, (input_shape[0], self.units))
            self.add_parameter(biases, (self.units,), "zeros")
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        self._z = x @ self.W + self.b
        self._s = 0.5 * (1 + np.tanh(0.5 * (x @ self.V + self.c)))
        return self._z * self._s

    def backward(self, dy):
        z, s = self._z, self._s
        dz, dg = dy * s, dy * z * s * (1 - s)
        self.dW, self.db = self._x.T @ dz, dz.sum(axis=0)
        self.dV, self.dc = self._x.T @ dg, dg.sum(axis=0)
        return dz @ self.W.T + dg @ self.V.T


@bug(FORMULA, r"term .*@ V\.T is missing|passes through V")
class GatedOnlyTheLinearPath(GatedLinear):
    def backward(self, dy):
        super().backward(dy)
        return (dy * self._s) @ self.W.T


@bug(FORMULA, "gradient of the other parameter b")
class GatedBiasesShared(GatedLinear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = self.db.copy()
        return dx


@bug(FORMULA, r"expected x\.T @ \(dy\*y\*\(1-self\._s\)\)|factor \(1-self\._s\)")
class GatedDerivativeMissing(GatedLinear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dV = self._x.T @ (dy * self._z)
        return dx


@bug(FORMULA, "constant -1: wrong sign")
class GatedSign(GatedLinear):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dV = -self.dV
        return dx


@correct(2)
class Bilinear(Layer):
    """y[n, k] = x[n] @ A[k] @ x[n]."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("A", (self.units, input_shape[0], input_shape[0]))
        return (self.units,)

    def forward(self, x, training=False):
        self._x = x
        return np.einsum("ni,kij,nj->nk", x, self.A, x)

    def backward(self, dy):
        x = self._x
        self.dA = np.einsum("nk,ni,nj->kij", dy, x, x)
        return np.einsum("nk,kij,nj->ni", dy, self.A + self.A.swapaxes(1, 2), x)


@bug(REGION, r"right for A made symmetric|term with A\.T")
class BilinearAssumesSymmetry(Bilinear):
    """Right for symmetric matrices."""

    def backward(self, dy):
        super().backward(dy)
        return 2 * np.einsum("nk,kij,nj->ni", dy, self.A, self._x)


@bug(FORMULA, r"term with A\.T is missing")
class BilinearHalf(Bilinear):
    def backward(self, dy):
        super().backward(dy)
        return np.einsum("nk,kij,nj->ni", dy, self.A, self._x)


@bug(FORMULA, "mean of x|outer product of means")
class BilinearOuterOfMeans(Bilinear):
    def backward(self, dy):
        dx = super().backward(dy)
        m = self._x.mean(axis=0)
        self.dA = np.einsum("nk,i,j->kij", dy, m, m)
        return dx


@correct(3)
class Distances(Layer):
    """Radial units: y[n, k] = exp(-|x[n] - c[k]|**2 / 2)."""

    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.add_parameter("c", (self.units, input_shape[0]), "random_normal")
        return (self.units,)

    def forward(self, x, training=False):
        self._d = x[:, None, :] - self.c
        self._y = np.exp(-0.5 * (self._d**2).sum(axis=-1))
        return self._y

    def backward(self, dy):
        g = (dy * self._y)[..., None] * self._d
        self.dc = g.sum(axis=0)
        return -g.sum(axis=1)


@bug(FORMULA, "constant -1: wrong sign")
class DistancesSign(Distances):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = -self.dc
        return dx


@bug(FORMULA, r"factor y |exp\(")
class DistancesWithoutExp(Distances):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dc = (dy[..., None] * self._d).sum(axis=0)
        return dx


@bug(FORMULA, "constant 2: counted twice")
class DistancesTwice(Distances):
    def backward(self, dy):
        return 2 * super().backward(dy)
