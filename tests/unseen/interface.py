"""Wrong for another dtype, layout, an empty batch or extreme inputs, at inference, or in the random numbers."""

from tests.unseen.registry import bug

bug(
    "D01",
    "conv",
    "dx is float64 for float32 inputs (np.zeros without a dtype)",
    ("np.zeros(self._padded.shape, dy.dtype)", "np.zeros(self._padded.shape)"),
)
bug(
    "D02",
    "average_pool",
    "the output is float64 for float32 inputs (counts in float64)",
    ("count = np.zeros((time, 1), x.dtype)", "count = np.zeros((time, 1))"),
)
bug(
    "D03",
    "top_k",
    "zeros_like keeps Fortran order, then ravel is a copy: dx stays zero for such inputs",
    (
        "        self._shape = x.shape\n",
        """\
        self._x = x
        self._shape = x.shape
""",
    ),
    (
        """\
        dx = np.zeros(self._shape, dy.dtype)
        np.put_along_axis(dx, self._order, dy, axis=1)
        return dx
""",
        """\
        batch, time, channels = self._shape
        rows, columns = np.arange(batch)[:, None, None], np.arange(channels)
        flat = (rows * time + self._order) * channels + columns
        dx = np.zeros_like(self._x)
        dx.ravel()[flat.ravel()] = dy.ravel()
        return dx
""",
    ),
)
bug(
    "D04",
    "token_embedding",
    "the range check of the ids fails on an empty batch (max of nothing)",
    (
        "        self._ids = x.astype(np.int64)\n",
        """\
        self._ids = x.astype(np.int64)
        if self._ids.max() >= self.vocabulary:
            raise ValueError("unknown id")
""",
    ),
)
bug(
    "D05",
    "tempered_softmax",
    "the maximum is not subtracted: overflow for large inputs",
    ("e = np.exp(z - z.max(axis=-1, keepdims=True))", "e = np.exp(z)"),
)
bug(
    "D06",
    "smoothed_crossentropy",
    "log of the finished softmax: log(0) for widely spread logits",
    (
        """\
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self._p = np.exp(log_p)
""",
        """\
        self._p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        log_p = np.log(self._p)
""",
    ),
)
bug(
    "D07",
    "spatial_dropout",
    "drops channels at inference too: the flag training is ignored",
    ("        if not training:\n", "        if self.rate == 0:\n"),
)
bug(
    "D08",
    "batch_norm",
    "backward at inference uses the formula for batch statistics",
    (
        """\
        if not self._batch_used:
            return g / self._std
""",
        """\
        if not len(dy):
            return dy
""",
    ),
)
bug(
    "D09",
    "spatial_dropout",
    "a new generator with a fixed seed in each forward: every batch gets the same mask",
    ("self.rng.random(", "np.random.default_rng(0).random("),
)
bug(
    "D10",
    "hard_swish",
    "the output takes the input's dtype: integer inputs are truncated",
    (
        "        return x * np.clip(x + self.bound, 0, 2 * self.bound) / (2 * self.bound)\n",
        """\
        y = np.empty_like(x)
        y[...] = x * np.clip(x + self.bound, 0, 2 * self.bound) / (2 * self.bound)
        return y
""",
    ),
)
bug(
    "D11",
    "batch_norm",
    "variance as mean(x**2) - mean(x)**2: cancellation, nan in float32, for inputs far from zero",
    ("var = ((x - mean) ** 2).mean(axis=0)", "var = (x**2).mean(axis=0) - mean**2"),
)
