r"""
5. From the loop to the matrix
==============================

**Claim.** One product of matrices replaces two loops, over observations and over units. The result is the same to
rounding, and a thousand observations cost far less than a thousand times one.

Notes, section 4.2: the loop over observations is "computationally inefficient". Instead, "Z1 = matmul(W1, X) + b1",
where Python broadcasts b1: it acts like a matrix B whose m columns are all b.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential

# %%
# Three ways to the same numbers: one number at a time, one observation at a time, and all at once.


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def number_by_number(X, layers):
    """Loop over observations, units and inputs."""
    result = []
    for row in X.tolist():
        for W, b in layers:
            row = [
                1 / (1 + np.exp(-(sum(v * w for v, w in zip(row, unit, strict=True)) + c)))
                for unit, c in zip(W, b, strict=True)
            ]
        result.append(row)
    return np.array(result)


def row_by_row(X, layers):
    """Loop over observations."""
    result = []
    for row in X:
        for W, b in layers:
            row = sigmoid(row @ W + b)
        result.append(row)
    return np.array(result)


def all_at_once(X, layers):
    for W, b in layers:
        X = sigmoid(X @ W + b)
    return X


model = Sequential(
    [Input((3,)), Dense(4, activation="sigmoid"), Dense(1, activation="sigmoid")], dtype="float64", seed=0
)
W1, b1, W2, b2 = model.get_weights()
layers, lists = [(W1, b1), (W2, b2)], [(W1.T.tolist(), b1.tolist()), (W2.T.tolist(), b2.tolist())]
X = np.random.default_rng(0).normal(size=(1_000, 3))
expected = model.predict(X)
for ours in (number_by_number(X, lists), row_by_row(X, layers), all_at_once(X, layers)):
    assert np.abs(ours - expected).max() < 1e-15

# %%
# Broadcasting is not an approximation: writing B out changes no bit.

B = np.tile(b1, (1_000, 1))
assert np.array_equal(X @ W1 + B, X @ W1 + b1)

# %%
# The time of each
# ----------------


def seconds(function, *arguments):
    """Return the shortest of five runs."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


sizes = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000]
X = np.random.default_rng(0).normal(size=(sizes[-1], 3))
ways = {
    "number by number": (number_by_number, lists),
    "observation by observation": (row_by_row, layers),
    "all at once": (all_at_once, layers),
    "model.predict": (lambda X, _: model.predict(X), None),
}
times = {name: [seconds(way, X[:m], given) for m in sizes] for name, (way, given) in ways.items()}
figure, axes = plt.subplots(layout="constrained")
for name, style in zip(ways, ("k:", "k--", "k-", "C3-"), strict=True):
    axes.loglog(sizes, np.array(times[name]) * 1e6, style, label=name)
axes.set(xlabel="observations m", ylabel="microseconds", title="forward through the 3-4-1 network")
axes.legend(frameon=False)
plt.show()

one, all_ = times["observation by observation"][6], times["all at once"][6]
print(f"1,000 observations: {one * 1e3:.2f} ms one by one, {all_ * 1e3:.3f} ms at once: {one / all_:.0f} times faster")

# %%
# When is it false?
# -----------------
# `predict` checks its input and works on a copy of the layers, which costs some microseconds: for one observation,
# three lines of NumPy are faster. And there is one loop that no matrix removes: layer 2 needs the output of layer 1, so
# the loop over layers stays, in the notes and in every library.
#
# **Take along.** Whenever you write a loop over samples, look for the matrix product that does the same.
