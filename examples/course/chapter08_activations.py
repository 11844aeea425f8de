r"""
8. Activations: one scale, and a race
=====================================

**Claim.** What matters about an activation is its derivative: how large it is where training begins, and where it goes
to zero. That decides how fast a network learns.

Notes, section 4.4.b: sigmoid, tanh, ReLU and Leaky ReLU, with

.. math::

   \sigma' = a (1 - a) \qquad \tanh' = 1 - a^2 \qquad \text{ReLU}'(z) = [z \ge 0] \qquad
   \text{Leaky ReLU}'(z) = 1 \text{ or } 0.01

Tanh is "better than sigmoid" since its values are centred at zero, and both lose their derivative for large z
(section 1: ReLU makes training faster).
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, LeakyReLU, ReLU, Sequential, Sigmoid, Tanh, datasets
from minidl.callbacks import Callback
from minidl.optimizers import LBFGS, SGD, Adam

# %%
# Three lines of NumPy, and the same as layers
# --------------------------------------------
# ``backward`` multiplies the incoming gradient by the derivative: with ones, it is the derivative.

z = np.linspace(-4, 4, 161)
a_sigmoid, a_tanh = 1 / (1 + np.exp(-z)), (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
slopes = {Sigmoid: a_sigmoid * (1 - a_sigmoid), Tanh: 1 - a_tanh**2, ReLU: z >= 0, LeakyReLU: np.where(z >= 0, 1, 0.01)}
for kind, slope in slopes.items():
    layer = kind()
    layer.forward(z)
    assert np.abs(layer.backward(np.ones_like(z)) - slope).max() < 1e-15

# %%
# The race
# --------
# Two spirals, two hidden layers of 32 units, Adam, five seeds: how many epochs until 97 % of the samples are classified
# correctly? At most 100 are allowed.

x, y = datasets.spirals(400, turns=1.5, seed=0)


class StopAt(Callback):
    """Stop when the accuracy has been reached."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = logs["accuracy"] >= 0.97


def epochs_needed(activation, seed):
    hidden = [Dense(32, activation=activation, kernel_initializer="he_normal") for _ in range(2)]
    model = Sequential([Input((2,)), *hidden, Dense(1, activation="sigmoid")], seed=seed)
    model.compile(Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return len(model.fit(x, y, epochs=100, verbose=0, callbacks=[StopAt()]).epoch)


names = {"sigmoid": "k:", "tanh": "k--", "relu": "k-", "leaky_relu": "C3-"}
race = {name: [epochs_needed(name, seed) for seed in range(5)] for name in names}
for name, epochs in race.items():
    print(f"{name:10} epochs to 97 %: {epochs}")
assert max(race["relu"]) < min(race["tanh"]) <= max(race["tanh"]) < np.median(race["sigmoid"])

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for (name, style), slope in zip(names.items(), slopes.values(), strict=True):
    left.plot(z, slope, style, label=name)
left.set(xlabel="z", title="the derivatives, on one scale")
left.legend(frameon=False)
for row, epochs in enumerate(race.values()):
    right.plot(epochs, [row] * 5, "o", color="black", alpha=0.5)
right.set_yticks(range(4), race)
right.set(
    xlabel="epochs to 97 % (100: not reached)", xlim=(0, 104), title="the race: a dot is a seed", ylim=(3.5, -0.5)
)
plt.show()

# %%
# Centred at zero
# ---------------
# The notes' reason for tanh can be isolated. One unit with ten inputs between 0 and 1, and the same inputs minus 1/2:
# how many steps of gradient descent, with the best stable rate for each, until the cost is within 0.0001 of its
# minimum?

rng = np.random.default_rng(0)
inputs = rng.uniform(size=(500, 10))
labels = (rng.uniform(size=(500, 1)) < 1 / (1 + np.exp(-4 * (inputs - 0.5) @ rng.normal(size=(10, 1))))).astype(float)


def steps_needed(inputs):
    model = Sequential([Input((10,)), Dense(1, activation="sigmoid", kernel_initializer="zeros")], dtype="float64")
    model.compile(LBFGS(), "binary_crossentropy")
    lowest = model.fit(inputs, labels, epochs=200, verbose=0).history["loss"][-1]
    design = np.hstack([inputs, np.ones((500, 1))])
    curvature = np.linalg.eigvalsh(design.T @ design / 500 / 4)
    model.set_weights([np.zeros((10, 1)), np.zeros(1)])
    model.compile(SGD(1.9 / curvature.max()), "binary_crossentropy")
    steps = 0
    while model.train_on_batch(inputs, labels) > lowest + 1e-4:
        steps += 1
    return steps, curvature.max() / curvature.min()


for name, shifted in (("inputs from 0 to 1", inputs), ("the same, centred", inputs - 0.5)):
    steps, condition = steps_needed(shifted)
    print(f"{name:18} condition number {condition:5.0f}, steps {steps}")

# %%
# When is it false?
# -----------------
# In a whole network, centring alone does little. A layer that computes sigmoid - 1/2 isolates it: the cost after 600
# steps is that of the sigmoid. Tanh is also four times as steep, and that is what helps.


class CentredSigmoid(Sigmoid):
    def forward(self, x, training=False):
        return super().forward(x, training) - 0.5


moons = datasets.moons(300, noise=0.15, seed=0)
cost = {}
for kind in (Sigmoid, CentredSigmoid, Tanh):
    model = Sequential([Input((2,)), Dense(16), kind(), Dense(1, activation="sigmoid")], seed=0, dtype="float64")
    model.compile(SGD(0.5), "binary_crossentropy")
    cost[kind.__name__] = model.fit(*moons, batch_size=300, epochs=600, verbose=0).history["loss"][-1]
print("cost after 600 steps:", {name: round(J, 3) for name, J in cost.items()})
assert abs(cost["Sigmoid"] - cost["CentredSigmoid"]) < 0.02 < cost["Sigmoid"] - cost["Tanh"]

# %%
# The notes' 0 < sigma < 1 and -1 < tanh < 1 hold on paper. In float64, the sigmoid of 37 is exactly 1 and the formula
# a (1 - a) gives 0. The layers keep the derivative from z instead: at z = 40 it is 4e-18.

layer = Sigmoid()
one = layer.forward(np.array([[40.0]]))
print("sigmoid(40) =", one[0, 0], " a (1 - a) =", (one * (1 - one))[0, 0])
print(f"backward: {layer.backward(np.ones((1, 1)))[0, 0]:.1e}")

# %%
# **Take along.** ReLU in hidden layers, a sigmoid or softmax only at the output. ReLU'(0) = 1 in the notes; their own
# program takes 0. Both are fine, and ``ReLU(slope_at_zero=0)`` is the other one.
