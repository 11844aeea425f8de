"""
0. Errata of the notes
======================

The course starts from notes of "Neural Networks and Deep Learning", the first course of the Deep Learning
Specialization by Andrew Ng. Notes have slips. Here is each one that matters for programs or for understanding: a
statement, and a run that shows what is true. Each title names the sections of the notes and the chapter that goes into
it.
"""

import numpy as np

from minidl import Dense, Input, LeakyReLU, ReLU, Sequential
from minidl.losses import BinaryCrossentropy

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 5))  # the orientation of the notes: observations in columns
Y = np.array([[1.0, 0.0, 1.0, 0.0, 1.0]])
W1, b1, W2, b2 = rng.normal(size=(4, 3)), rng.normal(size=(4, 1)), rng.normal(size=(1, 4)), rng.normal(size=(1, 1))


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def forward(W1, b1, W2, b2):
    A1 = sigmoid(W1 @ X + b1)
    return A1, sigmoid(W2 @ A1 + b2)


def cost(*parameters):
    A2 = forward(*parameters)[1]
    return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))


model = Sequential([Input((3,)), Dense(4, activation="sigmoid"), Dense(1, activation="sigmoid")], dtype="float64")
model.set_weights([W1.T, b1[:, 0], W2.T, b2[:, 0]])
model.compile("sgd", "binary_crossentropy")
model.loss_and_gradients(X.T, Y.T)

# %%
# 1. "J = -1/m sum Loss" with "Loss = -(y log a + ...)" (4.2.c, 5.2; chapter 1)
# -------------------------------------------------------------------------------
# Minus twice: the cost would be negative.

A1, A2 = forward(W1, b1, W2, b2)
loss = -(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
print(f"as written {-loss.mean():.3f}, meant {loss.mean():.3f}, minidl {model.evaluate(X.T, Y.T, verbose=0):.3f}")
assert np.isclose(loss.mean(), cost(W1, b1, W2, b2))

# %%
# 2. ``db2 = np.sum(dZ2, axis=1, keepdims=True)`` (4.2.c, 5.3.b; chapter 6)
# ---------------------------------------------------------------------------
# The formula above it has 1/m, the code has not: db is m times too large. A finite difference decides.

dZ2 = A2 - Y
h = 1e-6
numeric = (cost(W1, b1, W2, b2 + h) - cost(W1, b1, W2, b2 - h)) / (2 * h)
print(f"as written {dZ2.sum():.6f}, with 1/m {dZ2.mean():.6f}, finite difference {numeric:.6f}")
assert abs(dZ2.mean() - numeric) < 1e-9

# %%
# 3. "dZ means dJ/dZ" (4.2.c, 5.3.b; chapter 6)
# -----------------------------------------------
# Their dZ is m times dJ/dZ, since the 1/m comes later. For the same reason dA[l-1] is dL/dA in one place and dJ/dA in
# another. In minidl, ``dy`` is always the gradient of the mean loss.

dJ_dZ2 = model.layers[1].db[0]
print(f"sum of the notes' dZ2 {dZ2.sum():.4f}, of dJ/dZ2 {dJ_dZ2:.4f}: the ratio is m = {dZ2.sum() / dJ_dZ2:.0f}")

# %%
# 4. "J has a SINGLE MINIMUM, in any dimension" (3.2; chapter 2)
# ----------------------------------------------------------------
# It is convex, so no minimum is wrong. Separable data have none; dependent features have a line of them.

w = np.array([1.0, 10.0, 100.0])
logits = BinaryCrossentropy(from_logits=True)
x = np.array([[-1.0], [1.0]])
print("separable data, J for W = 1, 10, 100:", [f"{logits.forward(x * W, (x > 0).astype(float)):.1e}" for W in w])

# %%
# 5. "0 < L < infinity" for 0 <= y_hat <= 1; "the logarithm is always negative" (3.1; chapter 1)
# ------------------------------------------------------------------------------------------------
# At the ends, L is 0 and infinite, and log(1) is 0.

with np.errstate(divide="ignore"):
    print("L(1, 1) =", abs(np.log(1.0)), " L(0, 1) =", -np.log(1.0 - 1.0))

# %%
# 6. "y in [0, 1]" where {0, 1} is meant (3.1)
# ----------------------------------------------
# Labels are 0 or 1. Targets in between are meaningful too (soft labels); the lowest loss is then not 0 but the entropy.

soft = BinaryCrossentropy().forward(np.array([[0.3]]), np.array([[0.3]]))
print(f"L(0.3, 0.3) = {soft:.4f}, the entropy of 0.3 is {-(0.3 * np.log(0.3) + 0.7 * np.log(0.7)):.4f}")

# %%
# 7. "w_p and w_q must differ" (4.3.a; chapter 7)
# -------------------------------------------------
# Sufficient, not necessary: equal rows of W1 get different gradients through a W2 whose entries differ.

equal = np.tile(W1[:1], (4, 1))
A1_equal, A2_equal = forward(equal, 0 * b1, W2, b2)
dW1 = (W2.T @ (A2_equal - Y) * A1_equal * (1 - A1_equal)) @ X.T / 5
print("gradients of four equal units:", dW1[:, 0].round(4))
assert np.ptp(dW1[:, 0]) > 1e-3

# %%
# 8. "w_k = (w_k1, ..., w_n)", and b[l] and w[l] as "scalars" (4.3.a, 5.4; chapter 4)
# -------------------------------------------------------------------------------------
# The index k is lost at the end: w_kn. W[l] is a matrix, and b[l] has a number for each unit.

print("W[1], b[1] here:", model.layers[0].W.shape, model.layers[0].b.shape)

# %%
# 9. ``numpy.random.rand(3, 4) * 0.001`` (4.3.c; chapter 7)
# -----------------------------------------------------------
# ``rand`` is never negative, and 0.001 leaves nothing after a few layers. The shape is that of 3 units with 4 inputs.

signal = rng.normal(size=(4, 1_000))
for _ in range(4):
    signal = np.tanh(rng.random((4, 4)) * 0.001 @ signal)
print(f"standard deviation after four layers: {signal.std():.0e}")
assert signal.std() < 1e-9

# %%
# 10. Indices (4.2.c, 5.2; chapter 4)
# -------------------------------------
# "1 <= l <= m" for layers means L; "observation m" means i; db2 has the shape (1, 1), not "dimension 1"; "gradient for
# layer 1" heads the formula of layer 2; b[l] does not depend on the observation (i).
#
# 11. "cache Z[l+1]" for layer l (5.3; chapter 11)
# --------------------------------------------------
# Layer l needs Z[l] for g' and A[l-1] for dW; its own W passes the gradient down. Scrambling what layer 2 kept does not
# change the gradients of layer 1, once its dA is known.

dA1 = model.layers[1].W @ ((A2 - Y) / 5)
dW1_here = (dA1 * A1 * (1 - A1)) @ X.T
assert np.abs(dW1_here.T - model.layers[0].dW).max() < 1e-15

# %%
# 12. ``dA[L] = -(np.divide(Y, A) - np.divide(1 - Y, 1 - A))`` (5.3.b; chapter 11)
# ----------------------------------------------------------------------------------
# 0 / 0 where the output is saturated; the difference A - Y is exact.

A = np.array([[1.0]])
with np.errstate(divide="ignore", invalid="ignore"):
    print("by the line:", (-(np.divide(1.0, A) - np.divide(0.0, 1 - A)) * A * (1 - A))[0, 0], " A - Y:", (A - 1)[0, 0])

# %%
# 13. "ReLU'(0) = 1", while the program has ``dZ[Z <= 0] = 0`` (4.4.b.3; chapter 8)
# -----------------------------------------------------------------------------------
# Both are fine as a convention, and not equal. minidl has both.

for slope in (1, 0):
    layer = ReLU(slope_at_zero=slope)
    layer.forward(np.zeros(1))
    print(f"ReLU(slope_at_zero={slope}): derivative at 0 is {layer.backward(np.ones(1))[0]:.0f}")

# %%
# 14. "max(0.01 z, z), or another small positive number" (4.4.b.4; chapter 9)
# -----------------------------------------------------------------------------
# Only below 1: above, the maximum takes the other branch.

z = np.array([-1.0, 1.0])
print("max(2 z, z):", np.maximum(2 * z, z), " LeakyReLU(2.0):", LeakyReLU(2.0).forward(z))

# %%
# 15. The prediction is 1 "if y_hat >= 0.5" (3.1; chapter 3)
# ------------------------------------------------------------
# Not an error, but a difference: minidl and Keras take > 0.5. At zero weights, every output is exactly 0.5.
#
# 16. "Monotonically decreasing widths", and the exponential need of shallow networks (5.6; chapters 12 and 13)
# ---------------------------------------------------------------------------------------------------------------
# Equal widths did as well or better on digits; and one layer of ReLU units computes parity, so the circuit argument is
# about gates, not about ReLU networks.
#
# 17. The update rule (3.2, 5.1; chapter 2)
# -------------------------------------------
# It is a picture in the notes and nowhere in their text: ``W := W - alpha dW``, ``b := b - alpha db``.
#
# 18. Not an error, only missing (4.4.b.2 and elsewhere)
# --------------------------------------------------------
# "learning_rate" next to the formula of tanh and "P / 0 <=" in section 3 are remains of typesetting.
