r"""
3. From probability to decision
===============================

**Claim.** The network gives a probability; the threshold that makes a decision of it is yours to choose, and 0.5 is
only the best one if both kinds of mistake cost the same.

Notes, section 3.1: the prediction is 1 if y_hat >= 0.5; precision, recall and F1 judge it. With the counts of true and
false positives (TP, FP) and false negatives (FN):

.. math::

   \text{precision} = \frac{TP}{TP + FP} \qquad \text{recall} = \frac{TP}{TP + FN} \qquad
   F_1 = \frac{2\,TP}{2\,TP + FP + FN}
"""

import matplotlib.pyplot as plt
import numpy as np
from slider import Slider

from minidl import Dense, Input, Sequential
from minidl.metrics import F1Score, Precision, Recall
from minidl.optimizers import LBFGS

# %%
# A rare event: about one sample in seven is positive. The model is trained on 400 samples and judged on 2,000 others,
# because scores on the training data flatter.

rng = np.random.default_rng(0)


def draw(count):
    x = rng.normal(size=(count, 2))
    return x, (rng.uniform(size=(count, 1)) < 1 / (1 + np.exp(3 - 1.5 * x.sum(axis=1, keepdims=True)))).astype(float)


(x, y), (x_new, y_new) = draw(400), draw(2_000)
model = Sequential([Input((2,)), Dense(1, activation="sigmoid")], dtype="float64", seed=0)
model.compile(LBFGS(), "binary_crossentropy")
model.fit(x, y, epochs=50, verbose=0)
probability = model.predict(x_new)
print(f"{y_new.mean():.1%} of the new samples are positive")

# %%
# Three lines of NumPy, and the same from minidl
# ----------------------------------------------

said = probability > 0.5
TP, FP, FN = np.sum(said & (y_new == 1)), np.sum(said & (y_new == 0)), np.sum(~said & (y_new == 1))
by_hand = TP / (TP + FP), TP / (TP + FN), 2 * TP / (2 * TP + FP + FN)


def score(metric):
    metric.update(y_new, probability)
    return float(metric.result())


by_minidl = score(Precision()), score(Recall()), score(F1Score("micro", threshold=0.5))
print(f"TP {TP}, FP {FP}, FN {FN}; precision, recall, F1:", np.round(by_hand, 3))
assert np.allclose(by_hand, by_minidl, rtol=1e-6)

# %%
# Every threshold
# ---------------
# A higher threshold says "yes" less often: recall can only fall, precision tends to rise. The band shows how much the
# best threshold for F1 depends on the samples: it is the middle 90 % over 200 resamples of the test data.

thresholds = np.linspace(0.02, 0.9, 45)


def f1(rows):
    said = probability[rows] > thresholds
    true = y_new[rows] == 1
    return 2 * (said & true).sum(axis=0) / (said.sum(axis=0) + true.sum())


best = [thresholds[np.argmax(f1(rng.integers(0, len(y_new), len(y_new))))] for _ in range(200)]
low, high = np.quantile(best, (0.05, 0.95))

curves = {
    "precision": [score(Precision(t)) for t in thresholds],
    "recall": [score(Recall(t)) for t in thresholds],
    "F1": [score(F1Score("micro", threshold=t)) for t in thresholds],
}
figure, axes = plt.subplots(layout="constrained")
axes.axvspan(low, high, color="0.9")
for (name, values), dashes in zip(curves.items(), ("-", "--", ":"), strict=True):
    axes.plot(thresholds, values, color="black", linestyle=dashes, label=name)
axes.axvline(0.5, color="#c8553d", linewidth=1)
axes.set(xlabel="threshold", ylim=(0, 1.05), title="0.5 is not the threshold with the best F1 here")
axes.legend(frameon=False)
plt.show()

print(f"best F1 {max(curves['F1']):.3f}, at thresholds from {low:.2f} to {high:.2f}; at 0.5 it is {by_hand[2]:.3f}")
assert curves["recall"] == sorted(curves["recall"], reverse=True)
assert high < 0.5

# %%
# Move the threshold
# ------------------
# What it does to the samples: those on the right of the line are called positive.


def draw_threshold(threshold):
    figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
    bins = np.linspace(0, 1, 41)
    ax.hist([probability[y_new == 0], probability[y_new == 1]], bins, stacked=True, color=["0.75", "#c8553d"])
    ax.axvline(threshold, color="black")
    said, true = probability > threshold, y_new == 1
    counts = (
        f"TP {np.sum(said & true)}, FP {np.sum(said & ~true)}, FN {np.sum(~said & true)}, TN {np.sum(~said & ~true)}"
    )
    ax.set(xlabel="probability (red: positive samples)", ylabel="samples", yscale="symlog", title=counts)
    return figure


Slider([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], draw_threshold, "threshold")

# %%
# When is it false?
# -----------------
# At exactly 0.5, the rule of the notes says yes. In minidl, as in Keras, a value equal to the threshold counts as no.
# It sounds like a detail until the weights are all zero, as they are before the notes' training begins: then every
# probability is exactly 0.5, the notes' rule calls everything positive and ours nothing. For their 209 pictures of
# which 72 are cats, the accuracy before training is 34.4 % by one rule and 65.6 % by the other.

model.set_weights([np.zeros((2, 1)), np.zeros(1)])
probability = model.predict(x_new)
print(f"says yes: {np.mean(probability >= 0.5):.0%} by >=, {np.mean(probability > 0.5):.0%} by >")
assert np.all(probability == 0.5)

# %%
# **Take along.** Train for good probabilities, then choose the threshold for what mistakes cost, on data that was not
# trained on. If missing a positive costs c times a false alarm, the best threshold is 1 / (1 + c).
