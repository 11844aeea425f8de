"""The formula of a derivative is wrong."""

from tests.unseen.registry import bug

bug(
    "F01",
    "affine",
    "db is the mean over the batch, must be the sum",
    ("self.db = dz.sum(axis=0)", "self.db = dz.mean(axis=0)"),
)
bug("F02", "affine", "dW divided by the batch size", ("self._x.T @ dz", "self._x.T @ dz / len(dz)"))
bug(
    "F03",
    "maxout",
    "dx uses the weights of all pieces, not only of the winning one",
    ("np.tensordot(dz, self.W, axes=((1, 2), (1, 2)))", "np.tensordot(dy, self.W.sum(axis=2), axes=(1, 1))"),
)
bug(
    "F04",
    "maxout",
    "db gives every piece the gradient, not only the winner",
    ("self.db = dz.sum(axis=0)", "self.db = np.repeat(dy.sum(axis=0)[:, None], self.pieces, axis=1)"),
)
bug(
    "F05",
    "gated_linear",
    "the gate's gradient lacks the factor a (the linear half): affects dV, dc and dx",
    ("dz = dy * a * g * sigmoid(-self._z)", "dz = dy * g * sigmoid(-self._z)"),
)
bug(
    "F06",
    "gated_linear",
    "dx lacks the path through the gate, dz @ V.T",
    ("return da @ self.W.T + dz @ self.V.T", "return da @ self.W.T"),
)
bug(
    "F07",
    "gated_linear",
    "dV is made from da instead of dz (copied line)",
    ("self.dV = x.T @ dz", "self.dV = x.T @ da"),
)
bug("F08", "mish", "derivative of tanh written 1 - t instead of 1 - t**2", ("(1 - t * t)", "(1 - t)"))
bug(
    "F09",
    "mish",
    "inner derivative of the softplus, the factor sigmoid(x), forgotten",
    ("x * s * (1 - t * t)", "x * (1 - t * t)"),
)
bug(
    "F10",
    "wave",
    "derivative of sin**2 taken as 2 sin(ax) instead of sin(2ax) (the cosine factor forgotten)",
    ("slope = self.b * np.sin(2 * self.a * x)", "slope = self.b * 2 * np.sin(self.a * x)"),
)
bug("F11", "wave", "da lacks the factor x", ("self.da = (dy * x * slope)", "self.da = (dy * slope)"))
bug(
    "F12",
    "hard_swish",
    "product rule forgotten in the middle part: (x + bound) instead of (2x + bound)",
    ("middle = (2 * x + self.bound)", "middle = (x + self.bound)"),
)
bug(
    "F13",
    "prelu",
    "dalpha summed over x > 0 instead of x <= 0",
    ("np.where(x > 0, 0, x * dy)", "np.where(x > 0, x * dy, 0)"),
)
bug(
    "F14",
    "spatial_dropout",
    "backward divides by 1 - rate again although the mask holds that factor already",
    ("return dy * self._mask", "return dy * self._mask / (1 - self.rate)"),
)
bug(
    "F15",
    "tempered_softmax",
    "mean instead of sum in dy - sum(dy * y)",
    ("(dy * y).sum(axis=-1, keepdims=True)", "(dy * y).mean(axis=-1, keepdims=True)"),
)
bug(
    "F16",
    "pairwise_ranking",
    "only the better output of a pair is pushed up, the worse one gets no gradient",
    ("pushed = self._active.sum(axis=1) - self._active.sum(axis=2)", "pushed = -self._active.sum(axis=2)"),
)
bug(
    "F17",
    "layer_norm",
    "term through the mean, - mean(g), missing in dx",
    ("(g - mean_g - normal * mean_gn)", "(g - normal * mean_gn)"),
)
bug(
    "F18",
    "layer_norm",
    "dx divided by the variance instead of the standard deviation",
    ("mean_gn) / self._std", "mean_gn) / self._std**2"),
)
bug(
    "F19",
    "layer_norm",
    "dgamma uses x - mean, not divided by the standard deviation",
    ("self.dgamma = (dy * normal)", "self.dgamma = (dy * self._centered)"),
)
bug("F20", "layer_norm", "variance term uses dy without gamma", ("(g * normal).mean(", "(dy * normal).mean("))
bug(
    "F21",
    "batch_norm",
    "term through the variance missing in dx",
    ("(g - g.mean(axis=0) - normal * (g * normal).mean(axis=0))", "(g - g.mean(axis=0))"),
)
bug(
    "F22",
    "batch_norm",
    "dgamma uses the raw x instead of the normalised one",
    (
        "self._normal = (x - mean) / self._std",
        """\
self._x = x
        self._normal = (x - mean) / self._std""",
    ),
    ("self.dgamma = (dy * normal)", "self.dgamma = (dy * self._x)"),
)
bug(
    "F23",
    "max_pool",
    "overlapping windows with the same winner: assigned instead of added",
    (
        "np.add.at(dx, (np.arange(batch)[:, None, None], times, np.arange(channels)), dy)",
        "dx[np.arange(batch)[:, None, None], times, np.arange(channels)] = dy",
    ),
)
bug(
    "F24",
    "average_pool",
    "backward divides by size also at the ends, where fewer values counted",
    ("share = dy / self._count", "share = dy / self.size"),
)
bug(
    "F25",
    "global_pool",
    "the mean's gradient is not divided by the number of steps",
    ("dmean[:, None] / time", "dmean[:, None]"),
)
bug(
    "F26",
    "top_k",
    "gradient goes to the first k steps, not to where the largest values stood",
    ("np.put_along_axis(dx, self._order, dy, axis=1)", "dx[:, : self.k] = dy"),
)
bug(
    "F27",
    "token_embedding",
    "+= with an index array: a repeated id counts once",
    ("np.add.at(dtable, self._ids, self.scale * dy)", "dtable[self._ids] += self.scale * dy"),
)
bug(
    "F28",
    "conv",
    "db averaged over time (summed over the batch)",
    ("self.db = dy.sum(axis=(0, 1))", "self.db = dy.sum(axis=0).mean(axis=0)"),
)
bug(
    "F29",
    "conv",
    "+= with an index array: overlapping windows do not add up in dx",
    ("np.add.at(dpadded, (slice(None), index), dcolumns)", "dpadded[:, index] += dcolumns"),
)
bug(
    "F30",
    "depthwise",
    "dx is taken from the wrong end of the padded gradient (first steps instead of the last)",
    ("return dpadded[:, self.width - 1 :]", "return dpadded[:, :time]"),
)
bug("F31", "residual", "the ReLU's backward is left out", ("        dh = self.relu.backward(dh)\n", ""))
bug(
    "F32",
    "elman",
    "tanh derivative taken at the previous state h[t-1] (off by one in the list)",
    ("(1 - self._h[t + 1] ** 2)", "(1 - self._h[t] ** 2)"),
)
bug(
    "F33",
    "elman",
    "what is carried back in time lacks the tanh derivative: dh @ U.T instead of dz @ U.T",
    ("dh = dz @ self.U.T", "dh = dh @ self.U.T"),
)
bug(
    "F34",
    "attention",
    "the factor 1/sqrt(units) is missing in backward: dWq, dWk and their part of dx",
    (
        "ds = a * (da - (da * a).sum(axis=-1, keepdims=True)) / self.units**0.5",
        "ds = a * (da - (da * a).sum(axis=-1, keepdims=True))",
    ),
)
bug(
    "F35",
    "attention",
    "dk uses ds instead of its transpose",
    ("dk = ds.transpose(0, 2, 1) @ self._q", "dk = ds @ self._q"),
)
bug(
    "F36",
    "charbonnier",
    "divided by d**2 + epsilon**2 instead of its root",
    ("self.share(self._d / self._root)", "self.share(self._d / self._root**2)"),
)
bug(
    "F37",
    "smoothed_crossentropy",
    "backward uses the unsmoothed targets",
    ("self._target = target", "self._target = y"),
)
