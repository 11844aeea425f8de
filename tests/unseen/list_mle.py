"""A loss that is right."""

import numpy as np

from minidl import Loss


class ListMLE(Loss):
    """Negative log likelihood of the order of the targets under a Plackett-Luce model of the outputs."""

    target_domain = "real"

    def forward(self, y_pred, y_true, sample_weight=None):
        y = self.match(y_pred, y_true)
        self._order = np.argsort(-y, axis=1, kind="stable")
        s = np.take_along_axis(y_pred, self._order, axis=1)
        self._s = s
        self._tail = np.logaddexp.accumulate(s[:, ::-1], axis=1)[:, ::-1]
        return self.mean((self._tail - s).sum(axis=1), sample_weight)

    def backward(self):
        after = np.minimum(self._s[:, None, :] - self._tail[:, :, None], 0)
        ds = np.triu(np.exp(after)).sum(axis=1) - 1
        d = np.empty_like(ds)
        np.put_along_axis(d, self._order, ds, axis=1)
        return self.share(d)
