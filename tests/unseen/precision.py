"""Digits are lost."""

from tests.unseen.registry import bug

bug(
    "P01",
    "elman",
    "the states are kept in float32 for backward",
    ("            self._h.append(h)\n", "            self._h.append(h.astype(np.float32))\n"),
    (
        "return np.stack(self._h[1:], axis=1) if self.return_sequences else h",
        "return np.stack(states, axis=1) if self.return_sequences else h",
    ),
    (
        "        self._h = [h]\n",
        """\
        self._h = [h]
        states = []
""",
    ),
    (
        "            h = np.tanh(x[:, t] @ self.W + h @ self.U + self.b)\n",
        """\
            h = np.tanh(x[:, t] @ self.W + h @ self.U + self.b)
            states.append(h)
""",
    ),
)
bug(
    "P02",
    "charbonnier",
    "1e-7 added to the denominator 'for safety'",
    ("self._d / self._root", "self._d / (self._root + 1e-7)"),
)
bug(
    "P03",
    "mish",
    "derivative by a central difference with a step of 1e-3: right to about 2e-7",
    (
        """\
        t = np.tanh(np.logaddexp(0, x))
        s = np.exp(-np.logaddexp(0, -x))
        return dy * (t + x * s * (1 - t * t))
""",
        """\
        h = 1e-3
        above = (x + h) * np.tanh(np.logaddexp(0, x + h))
        below = (x - h) * np.tanh(np.logaddexp(0, x - h))
        return dy * (above - below) / (2 * h)
""",
    ),
)
bug(
    "P04",
    "layer_norm",
    "backward has epsilon outside the root: sqrt(var) + epsilon",
    (
        "        self._std = np.sqrt(variance + self.epsilon)\n",
        """\
        self._std = np.sqrt(variance + self.epsilon)
        self._root = np.sqrt(variance) + self.epsilon
""",
    ),
    ("mean_gn) / self._std", "mean_gn) / self._root"),
)
bug(
    "P05",
    "attention",
    "backward's scale is a rounded float32 constant: relative error of some 1e-8",
    (
        """\
keepdims=True)) / self.units**0.5
        dq""",
        """\
keepdims=True)) * np.float32(1 / np.sqrt(self.units))
        dq""",
    ),
)
