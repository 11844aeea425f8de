r"""
10. Linear networks, and regression
===================================

**Claim.** Without nonlinear activations, a network of any depth is one matrix. At the output, though, "no activation"
is exactly right when the target is a number.

Notes, section 4.4.a: with the identity in the hidden layers, ``w' = W2 W1`` and ``b' = W2 b1 + b2``: a network with a
hidden layer is logistic regression with a useless layer. The output may be linear, for regression.
"""

import matplotlib.pyplot as plt
import numpy as np
from slider import Slider

from minidl import Dense, Input, Sequential, datasets
from minidl.optimizers import Adam
from minidl.plotting import plot_decision_boundary

x, y = datasets.moons(300, noise=0.15, seed=0)


def train(*hidden):
    model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=0, dtype="float64")
    model.compile(Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=100, verbose=0)
    return model, model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"]


linear, linear_accuracy = train(Dense(16), Dense(16))
curved, curved_accuracy = train(Dense(16, activation="tanh"), Dense(16, activation="tanh"))

# %%
# Three lines of NumPy
# --------------------
# The matrices of the linear network, multiplied together, compute what it computes.

(W1, b1, W2, b2, W3, b3) = linear.get_weights()
W, b = W1 @ W2 @ W3, (b1 @ W2 + b2) @ W3 + b3
difference = np.abs(1 / (1 + np.exp(-(x @ W + b))) - linear.predict(x)).max()
print(f"{linear.count_params()} parameters and {W.size + b.size}: the outputs differ by {difference:.1e}")
assert difference < 1e-12

# %%
# Regression
# ----------
# A curve with noise, and two networks that differ only in the output: linear, or a sigmoid. The sigmoid cannot leave
# (0, 1), so whatever lies outside is lost.

rng = np.random.default_rng(0)
t = np.linspace(-3, 3, 200)[:, None]
target = np.sin(2 * t) + t / 2 + rng.normal(0, 0.1, t.shape)


def fit_curve(activation):
    model = Sequential([Input((1,)), Dense(32, activation="tanh"), Dense(1, activation=activation)], seed=0)
    model.compile(Adam(0.02), "mean_squared_error")
    model.fit(t, target, epochs=300, verbose=0)
    return model.predict(t), model.evaluate(t, target, verbose=0)


curves = {"linear output": fit_curve(None), "sigmoid output": fit_curve("sigmoid")}
figure, panels = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
plot_decision_boundary(linear, x, y, ax=panels[0])
panels[0].set_title(f"three linear layers: {linear_accuracy:.0%}")
panels[0].get_legend().remove()
plot_decision_boundary(curved, x, y, ax=panels[1])
panels[1].set_title(f"tanh in the hidden layers: {curved_accuracy:.0%}")
panels[1].get_legend().remove()
panels[2].plot(t, target, ".", color="0.7", markersize=4)
for (name, (curve, error)), style in zip(curves.items(), ("k-", "C3--"), strict=True):
    panels[2].plot(t, curve, style, label=f"{name}: {error:.2f}")
panels[2].set(title="regression (mean squared error)", xlabel="x")
panels[2].legend(frameon=False)
plt.show()

print(f"accuracy: linear {linear_accuracy:.1%}, tanh {curved_accuracy:.1%}")
print("mean squared error:", {name: round(error, 3) for name, (_, error) in curves.items()})
assert linear_accuracy < 0.95 < curved_accuracy
assert curves["linear output"][1] < 0.05 < 0.2 < curves["sigmoid output"][1]

# %%
# Watch it learn
# --------------
# The boundary of the network with tanh, and that of the linear one, during training.

snapshots = {}
for name, activation in (("linear", None), ("tanh", "tanh")):
    hidden = [Dense(16, activation=activation) for _ in range(2)]
    model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=0, dtype="float64")
    model.compile(Adam(0.02), "binary_crossentropy")
    for epoch in (0, 1, 2, 4, 8, 16, 32, 64):
        model.fit(x, y, initial_epoch=model.epoch, epochs=epoch, verbose=0)
        snapshots[name, epoch] = model.copy()


def draw_epoch(epoch):
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for ax, name in zip(panels, ("linear", "tanh"), strict=True):
        plot_decision_boundary(snapshots[name, epoch], x, y, ax=ax)
        ax.get_legend().remove()
        ax.set_title(f"{name}, epoch {epoch}")
    return figure


Slider([0, 1, 2, 4, 8, 16, 32, 64], draw_epoch, "epoch")

# %%
# When is it false?
# -----------------
# "Useless" is meant for what the network can compute. Training is another matter: a deep linear network has the same
# functions but another cost surface, which is no longer convex, and takes another path through it. And a narrow linear
# layer does restrict: through one unit, a product of matrices has rank 1.

narrow = Sequential([Input((5,)), Dense(1), Dense(4)], dtype="float64", seed=0)
print("rank of the product through one unit:", np.linalg.matrix_rank(narrow[0].W @ narrow[1].W))

# %%
# **Take along.** Nonlinear inside; at the end what the target needs: nothing for a number, a sigmoid for yes or no, a
# softmax for one of several classes.
