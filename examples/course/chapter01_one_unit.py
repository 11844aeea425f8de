r"""
1. One unit and its loss
========================

**Claim.** One unit with a sigmoid is logistic regression. Its loss is the cross-entropy: a confident, correct
prediction costs almost nothing, and a confident, wrong one costs as much as you like.

Notes, section 3.1: "y_hat = sigma(w'x + b) = P(y = 1 given x)", "L = -(y log y_hat + (1 - y) log(1 - y_hat))", and J
is the mean of L over the m observations.

.. math::

   z = xW + b \qquad a = \sigma(z) = \frac{1}{1 + e^{-z}} \qquad
   J = -\frac{1}{m} \sum_i \bigl( y_i \log a_i + (1 - y_i) \log (1 - a_i) \bigr)
"""

import matplotlib.pyplot as plt
import numpy as np

from minidl import Dense, Input, Sequential
from minidl.losses import BinaryCrossentropy
from minidl.optimizers import LBFGS

# %%
# A hundred students: hours of preparation (minus the mean), and whether they passed. The data are drawn with W = 2 and
# b = 0.5, so that we know the truth.

rng = np.random.default_rng(1)
x = rng.normal(size=(100, 1))
y = (rng.uniform(size=(100, 1)) < 1 / (1 + np.exp(-(2 * x + 0.5)))).astype(float)

# %%
# Three lines of NumPy, and the same as a model
# ---------------------------------------------
# ``Dense`` computes ``z`` and its activation ``a``; the loss takes the mean. The two costs agree to rounding.

W, b = np.array([[1.5]]), np.array([0.2])
z = x @ W + b
a = 1 / (1 + np.exp(-z))
J = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))

model = Sequential([Input((1,)), Dense(1, activation="sigmoid")], dtype="float64")
model.compile(LBFGS(), "binary_crossentropy")
model.set_weights([W, b])
print(f"J by hand {J:.12f}, by minidl {model.evaluate(x, y, verbose=0):.12f}")
assert abs(J - model.evaluate(x, y, verbose=0)) < 1e-14

# %%
# The notes also write both parameters as one vector, theta = (b, w), with a feature that is always 1. That is a layer
# without a bias on one more column.

theta = Sequential([Input((2,)), Dense(1, activation="sigmoid", use_bias=False)], dtype="float64")
theta.set_weights([np.vstack([b, W])])
assert np.abs(theta.predict(np.hstack([np.ones_like(x), x])) - a).max() < 1e-15

# %%
# The loss of each student
# ------------------------
# After training, each dot is a student. Those who passed lie on the curve -log(a), the others on -log(1 - a). The
# most expensive dots are the surprises: a student who was expected to pass and failed, or the reverse.

model.fit(x, y, epochs=50, verbose=0)
probability = model.predict(x)
curve = np.linspace(0.002, 0.998, 400)
figure, axes = plt.subplots(layout="constrained")
axes.plot(curve, -np.log(curve), color="black", label="y = 1: -log(a)")
axes.plot(curve, -np.log(1 - curve), color="black", linestyle="--", label="y = 0: -log(1 - a)")
for label, marker in ((1, "o"), (0, "x")):
    chosen = probability[y == label]
    loss = -np.log(chosen if label else 1 - chosen)
    axes.plot(chosen, loss, marker, color="#c8553d", markersize=5)
axes.set(xlabel="predicted probability a", ylabel="loss L", ylim=(-0.1, 5), title="being wrong and sure is expensive")
axes.legend(frameon=False)
plt.show()

# %%
# The estimates are not the truth, because 100 students are few. The curvature of J says how far off to expect them:
# the inverse of the Hessian of m J estimates the covariance of W and b.

design = np.hstack([x, np.ones_like(x)])
hessian = design.T @ (probability * (1 - probability) * design)
errors = np.sqrt(np.diag(np.linalg.inv(hessian)))
for name, value, error, true in zip("Wb", model.parameters.values, errors, (2, 0.5), strict=True):
    print(f"{name} = {value:.2f}, standard error {error:.2f}, true value {true}")
    assert abs(value - true) < 2 * error

# %%
# When is it false?
# -----------------
# The notes write 0 < L < infinity for probabilities from 0 to 1. At the ends it is not so: L(1, 1) = 0 and
# L(0, 1) is infinite. A sigmoid gets there: from z = 37 on, a is exactly 1 in float64, and the formula of the notes
# returns infinity. Computed from z instead of a, the loss keeps all its digits. A model that ends in a sigmoid trains
# that way.

z = np.array([[40.0]])
with np.errstate(divide="ignore"):
    print("L for y = 0 and z = 40, by the formula:", -np.log(1 - 1 / (1 + np.exp(-z)))[0, 0])
print("from the logit:", BinaryCrossentropy(from_logits=True).forward(z, np.array([[0.0]])))

# %%
# **Take along.** A unit is a weighted sum and a sigmoid. The logarithm is natural: with all weights at 0, every
# probability is 1/2 and J = log 2 = 0.693, which is a good first check of any program.

model.set_weights([np.zeros((1, 1)), np.zeros(1)])
assert abs(model.evaluate(x, y, verbose=0) - np.log(2)) < 1e-15
