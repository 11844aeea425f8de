r"""
7. How to start
===============

**Claim.** Hidden units must start from different weights, or they stay equal for ever. And the size of the weights
decides whether a deep network learns at all.

Notes, section 4.3: the weights of two units *must* differ, "close to zero" is good, and the way to do it is
``numpy.random.rand(3, 4) * 0.001``. For logistic regression, zeros will do.
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential, datasets
from minidl.initializers import Constant, GlorotUniform, RandomNormal
from minidl.optimizers import SGD

x, y = datasets.moons(200, noise=0.15, seed=0)


def train(start, last=None, *, depth=1, seed=0):
    """Return the accuracy after 300 steps of gradient descent, and how far the units of the first layer are apart."""
    hidden = [Dense(16, activation="tanh", kernel_initializer=start) for _ in range(depth)]
    layers = [Input((2,)), *hidden, Dense(1, activation="sigmoid", kernel_initializer=last or start)]
    model = Sequential(layers, seed=seed, dtype="float64")
    model.compile(SGD(0.5, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=len(x), epochs=300, verbose=0)
    return model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"], np.ptp(model[0].W, axis=1).max()


# %%
# Equal units stay equal
# ----------------------
# Units with the same weights, into them and out of them, get the same gradient: sixteen units are one. But the notes'
# "must" is too strong. If one side differs, equal units receive different gradients and part. How far they part is
# another question: here are four seeds each.

equal, random = Constant(0.1), GlorotUniform()
for name, start, last in (("both equal", equal, equal), ("only W[1] equal", equal, random), ("random", random, random)):
    runs = [train(start, last, seed=seed) for seed in range(4)]
    print(f"{name:16} accuracy", *[f"{accuracy:.1%}" for accuracy, _ in runs], end=", ")
    print("distance of two units", *[f"{distance:.1f}" for _, distance in runs])
    assert all((distance < 1e-12) == (name == "both equal") for _, distance in runs)

# %%
# A unit alone has no partner to be equal to: logistic regression may start from zeros.

alone, _ = train("zeros", depth=0)
print(f"logistic regression from zeros: {alone:.1%}")

# %%
# Three lines of NumPy
# --------------------
# ``rand`` is uniform on [0, 1), so that the notes' line makes all weights positive, and tiny. Glorot's and He's rules
# choose the size by the number of inputs (and outputs), so that neither the outputs nor the gradients of a layer shrink
# or grow on the way.

rng = np.random.default_rng(0)
W_notes = rng.random((16, 16)) * 0.001
W_glorot = rng.uniform(-1, 1, (16, 16)) * np.sqrt(6 / (16 + 16))
W_he = rng.normal(size=(16, 16)) * np.sqrt(2 / 16)
for name, W in (("rand * 0.001", W_notes), ("Glorot", W_glorot), ("He", W_he)):
    print(f"{name:13} from {W.min():+.4f} to {W.max():+.4f}")

# %%
# The size decides, the deeper the more
# -------------------------------------
# The same network with one to four hidden layers and four ways to start; a dot for each of four seeds. With weights as
# small as the notes advise, one hidden layer is no better than logistic regression after 300 steps, and three are no
# better than a guess: nothing comes through.


def notes_advice(rng, shape, dtype):
    return (rng.random(shape) * 0.001).astype(dtype)


starts = {
    "rand * 0.001": notes_advice,
    "randn * 0.01": RandomNormal(stddev=0.01),
    "Glorot": GlorotUniform(),
    "randn * 30": RandomNormal(stddev=30.0),
}
scores = {name: [[train(s, depth=d, seed=k)[0] for k in range(4)] for d in range(1, 5)] for name, s in starts.items()}
figure, panels = plt.subplots(1, 4, figsize=(12, 3.6), sharey=True, layout="constrained")
for ax, (name, values) in zip(panels, scores.items(), strict=True):
    for depth, dots in enumerate(values, start=1):
        ax.plot([depth] * 4, dots, "o", color="black", alpha=0.4, markersize=5)
    ax.plot(range(1, 5), np.median(values, axis=1), color="#c8553d")
    ax.set(title=name, xlabel="hidden layers", xticks=range(1, 5), ylim=(0.4, 1.02))
panels[0].set_ylabel("accuracy after 300 steps")
plt.show()

for name, values in scores.items():
    print(f"{name:13} median accuracy by depth:", ", ".join(f"{v:.0%}" for v in np.median(values, axis=1)))
medians = {name: np.median(values, axis=1) for name, values in scores.items()}
assert medians["Glorot"].min() > 0.97 and medians["rand * 0.001"][2:].max() < 0.6

# %%
# When is it false?
# -----------------
# "Close to zero" is right compared with 30, where tanh is flat almost everywhere and training stagnates. It is wrong as
# a rule: each layer multiplies the signal by its weights, so that a thousandth becomes a millionth.
#
# **Take along.** Different, and of the right size: leave it to the default (Glorot), or use He's rule for ReLU. Biases
# may start at zero.
