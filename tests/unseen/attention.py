"""A layer that is right."""

import numpy as np

from minidl import Layer


class SelfAttention(Layer):
    """Scaled dot-product attention of a sequence to itself."""

    certify_input_shape = (4, 3)

    def __init__(self, units=3, causal=False):
        self.units = units
        self.causal = causal

    def build(self, input_shape):
        time, features = input_shape
        for name in ("Wq", "Wk", "Wv"):
            self.add_parameter(name, (features, self.units))
        return (time, self.units)

    def _attend(self):
        scores = self._q @ self._k.transpose(0, 2, 1) / self.units**0.5
        if self.causal:
            time = scores.shape[1]
            scores = np.where(np.tri(time, dtype=bool), scores, -np.inf)
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def forward(self, x, training=False):
        self._x = x
        self._q, self._k, self._v = x @ self.Wq, x @ self.Wk, x @ self.Wv
        self._a = self._attend()
        return self._a @ self._v

    def backward(self, dy):
        x, a = self._x, self._a
        da = dy @ self._v.transpose(0, 2, 1)
        ds = a * (da - (da * a).sum(axis=-1, keepdims=True)) / self.units**0.5
        dq = ds @ self._k
        dk = ds.transpose(0, 2, 1) @ self._q
        dv = a.transpose(0, 2, 1) @ dy
        self.dWq = np.tensordot(x, dq, axes=((0, 1), (0, 1)))
        self.dWk = np.tensordot(x, dk, axes=((0, 1), (0, 1)))
        self.dWv = np.tensordot(x, dv, axes=((0, 1), (0, 1)))
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T
