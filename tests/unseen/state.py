"""What is kept, shared or written in place goes wrong."""

from tests.unseen.registry import bug

bug(
    "S01",
    "elman",
    "the last state of an earlier batch of the same size is taken as the first of the next",
    (
        """\
        h = np.zeros((len(x), self.units), x.dtype)
        self._x = x
""",
        """\
        h = getattr(self, "_last", None)
        if h is None or h.shape != (len(x), self.units) or h.dtype != x.dtype:
            h = np.zeros((len(x), self.units), x.dtype)
        self._x = x
""",
    ),
    (
        "            self._h.append(h)\n",
        """\
            self._h.append(h)
        self._last = h
""",
    ),
)
bug(
    "S02",
    "mish",
    "the cache is a public dict made in the constructor: copies used for prediction share it and overwrite it",
    (
        "    def forward(self",
        """\
    def __init__(self):
        self.cache = {}

    def forward(self""",
    ),
    ("self._x = x", 'self.cache["x"] = x'),
    ("x = self._x", 'x = self.cache["x"]'),
)
bug(
    "S03",
    "max_pool",
    "dx is one buffer that is reused: the array returned earlier changes",
    (
        "        dx = np.zeros(self._shape, dy.dtype)\n",
        """\
        dx = getattr(self, "_dx", None)
        if dx is None or dx.shape != self._shape or dx.dtype != dy.dtype:
            dx = self._dx = np.zeros(self._shape, dy.dtype)
        dx.fill(0)
""",
    ),
)
bug(
    "S04",
    "layer_norm",
    "dy is multiplied by gamma in place: the caller's array changes",
    (
        "        g = dy * self.gamma\n",
        """\
        dy *= self.gamma
        g = dy
""",
    ),
)
bug(
    "S05",
    "smoothed_crossentropy",
    "forward subtracts the maximum from y_pred in place",
    (
        "        z = y_pred - y_pred.max(axis=1, keepdims=True)\n",
        """\
        z = y_pred
        z -= z.max(axis=1, keepdims=True)
""",
    ),
)
bug(
    "S06",
    "token_embedding",
    "dtable is never zeroed: it accumulates from batch to batch",
    ("        dtable = np.zeros(self.table.shape, dy.dtype)\n", "        dtable = self.dtable\n"),
    ("        self.dtable = dtable\n", ""),
)
bug(
    "S07",
    "global_pool",
    "the positions of the maxima are kept in training only: a backward after an inference forward uses old ones, or none",
    (
        "        self._best = x.argmax(axis=1)\n",
        """\
        if training:
            self._best = x.argmax(axis=1)
""",
    ),
)
bug(
    "S08",
    "spatial_dropout",
    "backward divides the cached mask by 1 - rate each time it is called: a second backward is scaled twice",
    (
        """\
        self._mask = kept.astype(x.dtype) / (1 - self.rate)
        return x * self._mask
""",
        """\
        self._mask = kept.astype(x.dtype)
        return x * self._mask / (1 - self.rate)
""",
    ),
    (
        "        return dy * self._mask\n",
        """\
        self._mask = self._mask / (1 - self.rate)
        return dy * self._mask
""",
    ),
)
bug(
    "S09",
    "elman",
    "backward pops the cached states: a second backward fails",
    ("            dz = dh * (1 - self._h[t + 1] ** 2)\n", "            dz = dh * (1 - self._h.pop() ** 2)\n"),
    ("self._h[t].T @ dz", "self._h[-1].T @ dz"),
)
bug(
    "S10",
    "batch_norm",
    "the inference standard deviation is computed once and kept: old after further training",
    (
        "        self._std = np.sqrt(var + self.epsilon)\n",
        """\
        if self._batch_used:
            self._std = np.sqrt(var + self.epsilon)
        else:
            if self.fixed_std is None:
                self.fixed_std = np.sqrt(var + self.epsilon)
            self._std = self.fixed_std
""",
    ),
    (
        "        self.epsilon = epsilon\n",
        """\
        self.epsilon = epsilon
        self.fixed_std = None
""",
    ),
)
bug(
    "S11",
    "depthwise",
    "the padded input is kept by id(x): a buffer refilled with other values gives the old result",
    (
        "        self._padded = np.pad(x, ((0, 0), (self.width - 1, 0), (0, 0)))\n",
        """\
        if getattr(self, "_key", None) != (id(x), x.shape):
            self._key = (id(x), x.shape)
            self._padded = np.pad(x, ((0, 0), (self.width - 1, 0), (0, 0)))
""",
    ),
)
bug(
    "S12",
    "wave",
    "backward multiplies the parameter a by b in place: the parameter itself changes",
    (
        "        slope = self.b * np.sin(2 * self.a * x)\n",
        """\
        sine = np.sin(2 * self.a * x)
        slope = self.b * sine
""",
    ),
    (
        "        return dy * (1 + self.a * slope)\n",
        """\
        ab = self.a
        ab *= self.b
        return dy * (1 + ab * sine)
""",
    ),
)
bug(
    "S13",
    "residual",
    "the ReLU is a class attribute: all blocks share its mask",
    (
        "    def __init__(self, hidden=5)",
        """\
    relu = ReLU()

    def __init__(self, hidden=5)""",
    ),
    ("        self.relu = ReLU()\n", ""),
)
