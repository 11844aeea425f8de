"""A layer that is right."""

import numpy as np

from minidl import Layer


class Rational(Layer):
    """y = P(x) / (1 + |Q(x)|) with P of degree 3 and Q = q0 x + q1 x**2 (a safe Pade unit)."""

    def build(self, input_shape):
        self.add_parameter("p", (4,))
        self.add_parameter("q", (2,))
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        self._powers = np.stack([np.ones_like(x), x, x**2, x**3], axis=-1)
        self._P = self._powers @ self.p
        self._Q = self._powers[..., 1:3] @ self.q
        self._D = 1 + np.abs(self._Q)
        return self._P / self._D

    def backward(self, dy):
        x, P, D = self._x, self._P, self._D
        s = np.sign(self._Q)
        self.dp = ((dy / D)[..., None] * self._powers).reshape(-1, 4).sum(axis=0)
        dQ = -dy * P / D**2 * s
        self.dq = (dQ[..., None] * self._powers[..., 1:3]).reshape(-1, 2).sum(axis=0)
        dP = self.p[1] + 2 * self.p[2] * x + 3 * self.p[3] * x**2
        return dy * dP / D + dQ * (self.q[0] + 2 * self.q[1] * x)
