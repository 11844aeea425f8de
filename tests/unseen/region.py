"""Wrong in a rare region, shape, parameter or batch only."""

from tests.unseen.registry import bug

bug(
    "R01",
    "tempered_softmax",
    "backward lacks 1/temperature: hidden at the default 1",
    ("return dz / self.temperature", "return dz"),
)
bug(
    "R02",
    "hard_swish",
    "backward has 3 and 6 hard-coded: right for the default bound only",
    ("(2 * x + self.bound) / (2 * self.bound)", "(2 * x + 3) / 6"),
    ("np.where(x <= -self.bound, 0, np.where(x >= self.bound", "np.where(x <= -3, 0, np.where(x >= 3"),
)
bug(
    "R03",
    "mish",
    "derivative taken as 1 for x > 5, where it is still 1.0001 to 1.0004",
    ("return dy * (t + x * s * (1 - t * t))", "return dy * np.where(x > 5, 1, t + x * s * (1 - t * t))"),
)
bug(
    "R04",
    "average_pool",
    "backward uses its own, mirrored window: wrong for even sizes only",
    (
        """\
        for out, source in self._spans(time):
            dx[:, source] += share[:, out]
""",
        """\
        for k in range(self.size):
            shift = k - self.size // 2
            out = slice(max(0, -shift), min(time, time - shift))
            dx[:, max(0, shift) : min(time, time + shift)] += share[:, out]
""",
    ),
)
bug(
    "R05",
    "conv",
    "with padding='same' dx is cropped by the right padding instead of the left: wrong where they differ",
    ("return dpadded[:, left : left + self._time]", "return dpadded[:, right : right + self._time]"),
)
bug(
    "R06",
    "conv",
    "backward's window index lacks the dilation: right for dilation=1 only",
    (
        """\
        left, right, index = self._plan(self._time)
        self.dW""",
        """\
        left, right, index = self._plan(self._time)
        index = self.stride * np.arange(len(index))[:, None] + np.arange(self.width)
        self.dW""",
    ),
)
bug(
    "R07",
    "elman",
    "with return_sequences=True only the last step's dy is used (others ignored)",
    ("                dh = dh + dy[:, t]\n", "                dh = dh + dy[:, t] if t == time - 1 else dh\n"),
)
bug(
    "R08",
    "attention",
    "backward recomputes the weights without the causal mask: wrong for causal=True only",
    (
        "        x, a = self._x, self._a\n",
        """\
        x = self._x
        scores = self._q @ self._k.transpose(0, 2, 1) / self.units**0.5
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        a = e / e.sum(axis=-1, keepdims=True)
""",
    ),
)
bug(
    "R09",
    "max_pool",
    "winners clipped to n * stride - 1: the last step of the last (overlapping) window gives its gradient to its neighbour",
    (
        "times = self._winner + self.stride * np.arange(n)[:, None]",
        "times = np.minimum(self._winner + self.stride * np.arange(n)[:, None], n * self.stride - 1)",
    ),
)
bug(
    "R10",
    "batch_norm",
    "a batch of one row in training uses the inference formula: dx must be 0",
    ("if not self._batch_used:", "if not self._batch_used or len(dy) == 1:"),
)
bug(
    "R11",
    "prelu",
    "forward is max(x, alpha * x): not PReLU for alpha > 1, where backward does not fit it",
    ("return np.where(x > 0, x, self.alpha * x)", "return np.maximum(x, self.alpha * x)"),
)
bug(
    "R12",
    "layer_norm",
    "parameter gradients summed over axis 0 only: wrong for (batch, time, features)",
    ("axes = tuple(range(dy.ndim - 1))", "axes = 0"),
)
bug(
    "R13",
    "gated_linear",
    "forward clips the gate's input to [-6, 6], backward does not know",
    ("self._g = sigmoid(self._z)", "self._g = sigmoid(np.clip(self._z, -6, 6))"),
)
bug(
    "R14",
    "token_embedding",
    "row 0 of the table gets no gradient (taken for padding) although forward uses it",
    (
        "        self.dtable = dtable\n",
        """\
        dtable[0] = 0
        self.dtable = dtable
""",
    ),
)
