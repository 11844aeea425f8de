r"""
6. Backpropagation, checked
===========================

**Claim.** Six lines give every gradient of a network with one hidden layer, and a finite difference for each of
them shows that they are correct.

Notes, sections 4.2.c and 5.3.b, here with observations as rows and the mean over m written out:

.. math::

   dZ^{[2]} &= (A^{[2]} - Y) / m & dZ^{[1]} &= dZ^{[2]} W^{[2]T} * \sigma'(Z^{[1]}) \\
   dW^{[2]} &= A^{[1]T} dZ^{[2]} & dW^{[1]} &= X^T dZ^{[1]} \\
   db^{[2]} &= \text{column sums of } dZ^{[2]} & db^{[1]} &= \text{column sums of } dZ^{[1]}
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential
from minidl.testing import certify

model = Sequential(
    [Input((3,)), Dense(4, activation="sigmoid"), Dense(1, activation="sigmoid")], dtype="float64", seed=2
)
model.compile("sgd", "binary_crossentropy")
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(5, 3)), np.array([[1.0], [0.0], [1.0], [0.0], [1.0]])

# %%
# Six lines of NumPy, and the same from minidl
# --------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gradients(W1, b1, W2, b2):
    A1 = sigmoid(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    dZ2 = (A2 - Y) / len(X)
    dW2, db2 = A1.T @ dZ2, dZ2.sum(axis=0)
    dZ1 = dZ2 @ W2.T * A1 * (1 - A1)
    dW1, db1 = X.T @ dZ1, dZ1.sum(axis=0)
    return np.concatenate([g.ravel() for g in (dW1, db1, dW2, db2)])


by_hand = gradients(*model.get_weights())
loss, by_minidl = model.loss_and_gradients(X, Y)
print(f"largest difference between the six lines and minidl: {np.abs(by_hand - by_minidl).max():.1e}")
assert np.abs(by_hand - by_minidl).max() < 1e-15

# %%
# A finite difference for each gradient
# -------------------------------------
# Move one parameter by h in both directions and look at the cost: (J(w + h) - J(w - h)) / 2h. No calculus is needed,
# and so no calculus can be wrong.


def finite_difference(index, h):
    values = model.parameters.values
    before, costs = values[index], []
    for step in (h, -h):
        values[index] = before + step
        costs.append(model.evaluate(X, Y, verbose=0))
    values[index] = before
    return (costs[0] - costs[1]) / (2 * h)


names = [f"dW1[{i},{k}]" for i in range(3) for k in range(4)] + [f"db1[{k}]" for k in range(4)]
names += [f"dW2[{k}]" for k in range(4)] + ["db2"]
numeric = np.array([finite_difference(index, 1e-5) for index in range(len(by_hand))])
for index in (0, 5, 12, 16, 20):
    print(f"{names[index]:8} by the formulas {by_hand[index]:+.10f}, by a finite difference {numeric[index]:+.10f}")
assert np.abs(numeric - by_hand).max() < 1e-10

# %%
# Which h?
# --------
# Large steps are wrong because J is curved: the error falls with the square of h. Small steps are wrong because two
# nearly equal costs are subtracted. The grey lines are all 21 gradients. The red line is a mistake that the notes make
# in their code: ``np.sum(dZ, axis=1, keepdims=True)`` lacks the 1/m of their formula. No step size helps a wrong
# gradient.

steps = 10.0 ** np.arange(-12, 0.1, 0.5)
errors = np.array([[abs(finite_difference(i, h) - by_hand[i]) / abs(by_hand[i]) for h in steps] for i in range(21)])
wrong = [abs(finite_difference(20, h) - 5 * by_hand[20]) / abs(5 * by_hand[20]) for h in steps]
figure, axes = plt.subplots(layout="constrained")
axes.loglog(steps, errors.T, color="0.75", linewidth=0.8)
axes.loglog(steps, np.median(errors, axis=0), color="black", label="the formulas (black: their median)")
axes.loglog(steps, wrong, color="#c8553d", label="db2 without the 1/m")
axes.set(xlabel="step h", ylabel="relative difference", title="a right gradient has a step that confirms it")
axes.legend(frameon=False)
plt.show()
assert errors.min(axis=1).max() < 1e-7 and min(wrong) > 0.7

# %%
# When is it false?
# -----------------
# A finite difference across a kink (ReLU at 0) is neither slope; in float32 there is hardly a step that works; and a
# test with one value can miss a bug that needs another. `certify` deals with all three, so in practice:

certificate = certify(Dense(4, activation="sigmoid"), input_shape=(3,))
print(f"passed: {certificate.passed}, by {len(certificate.names('PASS'))} checks")

# %%
# The notes also name things twice: their dZ is called dJ/dZ but is m times that, because their 1/m only comes with dW.
# Here the 1/m is in dZ from the start, since the loss takes the mean. Then ``db = np.sum(dZ)`` is right as it is.
#
# **Take along.** Never trust a gradient that you have not compared with a finite difference, and never trust a
# comparison that could not have failed.
