r"""
2. One minimum?
===============

**Claim.** The cost of one unit is convex: it has no second minimum. Whether it has one at all depends on the data.

Notes, section 3.2: J has a "SINGLE MINIMUM", in any dimension, and gradient descent finds it:

.. math::

   W := W - \alpha \frac{\partial J}{\partial W} \qquad b := b - \alpha \frac{\partial J}{\partial b}
"""

import matplotlib.pyplot as plt
import numpy as np
from slider import Slider

from minidl import Dense, Input, Sequential
from minidl.losses import BinaryCrossentropy
from minidl.optimizers import SGD

loss = BinaryCrossentropy(from_logits=True)

# %%
# Convex in any number of dimensions
# ----------------------------------
# On the line between two points, a convex function is never above the chord. Ten thousand random pairs in 20
# dimensions find no exception.

rng = np.random.default_rng(0)
x, y = rng.normal(size=(50, 20)), rng.integers(0, 2, (50, 1)).astype(float)


def cost(w):
    return loss.forward(x @ w[:, None], y)


excess = []
for _ in range(10_000):
    start, end, t = rng.normal(0, 3, 20), rng.normal(0, 3, 20), rng.uniform()
    excess.append(cost(t * start + (1 - t) * end) - (t * cost(start) + (1 - t) * cost(end)))
print(f"largest J above its chord: {max(excess):.1e}")
assert max(excess) <= 1e-12

# %%
# The update rule
# ---------------
# Three lines of NumPy take a step of gradient descent, and the same three lines are what `SGD` does.

W, b, rate = np.zeros((20, 1)), np.zeros(1), 0.1
dz = (1 / (1 + np.exp(-(x @ W + b))) - y) / len(y)
W -= rate * x.T @ dz
b -= rate * dz.sum(axis=0)

model = Sequential([Input((20,)), Dense(1, activation="sigmoid", kernel_initializer="zeros")], dtype="float64")
model.compile(SGD(rate), "binary_crossentropy")
model.train_on_batch(x, y)
assert np.abs(model[0].W - W).max() < 1e-15 and np.abs(model[0].b - b).max() < 1e-15

# %%
# Three landscapes
# ----------------
# A bowl: classes that overlap. A valley without end: classes that a threshold separates, where a larger W is always
# better. A trough: two features that are copies of each other, where only the sum of their weights matters. The paths
# are gradient descent from four corners.

hours = rng.normal(size=(100, 1))
passed = (rng.uniform(size=(100, 1)) < 1 / (1 + np.exp(-2 * hours))).astype(float)
problems = {
    "a bowl": (np.hstack([hours, np.ones_like(hours)]), passed, ("W", "b")),
    "a valley without end": (np.hstack([hours, np.ones_like(hours)]), (hours > 0).astype(float), ("W", "b")),
    "a trough": (np.hstack([hours, hours]), passed, ("W[0]", "W[1]")),
}


def descend(x, y, start, steps=400, rate=1.0):
    """Return the points that gradient descent visits."""
    w, path = np.array(start, float), [start]
    for _ in range(steps):
        loss.forward(x @ w[:, None], y)
        w = w - rate * (x.T @ loss.backward())[:, 0]
        path.append(w)
    return np.array(path)


figure, panels = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
ends, grid = {}, np.linspace(-4, 8, 50)
for ax, (name, (x, y, labels)) in zip(panels, problems.items(), strict=True):
    J = [[loss.forward(x @ np.array([[u], [v]]), y) for u in grid] for v in grid]
    ax.contour(grid, grid, J, levels=np.geomspace(0.02, 8, 14), cmap="Greys", vmin=-4)
    paths = [descend(x, y, (u, v)) for u in (-3, 6) for v in (-3, 6)]
    for path in paths:
        ax.plot(*path.T, ".-", color="#c8553d", markersize=3, linewidth=0.8)
        ax.plot(*path[-1], "k*", markersize=10)
    ax.set(title=name, xlabel=labels[0], ylabel=labels[1], xlim=(-4, 8), ylim=(-4, 8))
    ends[name] = np.array([path[-1] for path in paths])
plt.show()

for name, points in ends.items():
    print(f"{name:21} ends of the four paths: {points.round(2).tolist()}")
assert np.ptp(ends["a bowl"], axis=0).max() < 1e-3
assert np.ptp(ends["a trough"].sum(axis=1)) < 1e-3 < 5 < np.ptp(ends["a trough"], axis=0).max()

# %%
# Step by step, in the trough: whichever valley wall the path starts on, it ends where it meets the floor.

x, y, _ = problems["a trough"]
J = [[loss.forward(x @ np.array([[u], [v]]), y) for u in grid] for v in grid]
paths = [descend(x, y, start) for start in ((-3.0, -3.0), (-3.0, 6.0), (6.0, 0.0))]


def draw_steps(count):
    figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
    ax.contour(grid, grid, J, levels=np.geomspace(0.02, 8, 14), cmap="Greys", vmin=-4)
    for path in paths:
        ax.plot(*path[: count + 1].T, ".-", color="#c8553d", markersize=3)
        ax.plot(*path[count], "ko")
    ax.set(xlabel="W[0]", ylabel="W[1]", xlim=(-4, 8), ylim=(-4, 8), title=f"after {count} steps")
    return figure


Slider([0, 1, 2, 4, 8, 16, 32, 64, 128, 256], draw_steps, "step")

# %%
# When is it false?
# -----------------
# In the valley, J tends to 0 and W to infinity. So it is for the notes' own task: 209 pictures in 12,288 dimensions can
# always be separated, and the published network is still on its way: the length of its W is 1.9 after 2,000 steps, 3.4
# after 8,000 and 4.3 after 16,000, while the cost falls from 0.136 to 0.040 and 0.020.
#
# And "finds it" needs a learning rate that is small enough. The curvature of J in the bowl is at most that of
# x'x / 4m: a rate below 2 divided by it always arrives, a larger one may not.

x, y, _ = problems["a valley without end"]
lengths = [np.linalg.norm(descend(x, y, (0, 0), steps)[-1]) for steps in (100, 1_000, 10_000)]
print("separable data: the length of (W, b) after 100, 1,000 and 10,000 steps:", np.round(lengths, 1))
assert lengths[0] + 1 < lengths[1] < lengths[2] - 1

x, y, _ = problems["a bowl"]
lowest = loss.forward(x @ ends["a bowl"][0][:, None], y)
limit = 2 / np.linalg.eigvalsh(x.T @ x / 4 / len(x)).max()
print(f"the minimum of the bowl: J = {lowest:.3f}")
for rate in (limit, 6 * limit):
    last = loss.forward(x @ descend(x, y, (0.0, 0.0), rate=rate)[-1][:, None], y)
    print(f"J after 400 steps with a rate of {rate:.1f}: {last:.3f}")
    assert (last < lowest + 1e-6) == (rate == limit)

# %%
# **Take along.** Convex means: no wrong minimum. It does not mean that there is one, that it is a single point, or that
# every learning rate gets there. A penalty on W (``kernel_regularizer``) turns all three landscapes into bowls.
