"""Whole trainings against what others reach: scikit-learn's optimum, and Fashion-MNIST's 88 %."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from minidl import DataError, Dense, Input, Sequential, datasets
from minidl.optimizers import LBFGS
from minidl.regularizers import L2


def test_lbfgs_reaches_the_optimum_of_scikit_learns_logistic_regression():
    x, y = load_breast_cancer(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    C = 1.0
    # scikit-learn minimises sum(w**2) / 2 + C * sum of losses, here it is l2 * sum(w**2) + mean of losses
    model = Sequential(
        [Input((30,)), Dense(1, activation="sigmoid", kernel_regularizer=L2(1 / (2 * C * len(x))))],
        dtype="float64",
        seed=0,
    )
    model.compile(LBFGS(gradient_tolerance=1e-10, loss_tolerance=0), "binary_crossentropy")
    model.fit(x, y, epochs=1000, verbose=0)
    reference = LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(model[0].W[:, 0], reference.coef_[0], rtol=1e-4)
    np.testing.assert_allclose(model[0].b, reference.intercept_, rtol=1e-4)


@pytest.mark.slow
def test_fashion_mnist_reaches_88_percent_within_ten_epochs():
    try:
        (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist()
    except DataError as error:
        pytest.skip(str(error))
    x_train, x_test = x_train.reshape(-1, 784) / 255, x_test.reshape(-1, 784) / 255
    model = Sequential(
        [Input((784,)), Dense(256, activation="relu"), Dense(128, activation="relu"), Dense(10, activation="softmax")],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    best = max(
        model.fit(x_train, y_train, batch_size=128, epochs=10, verbose=0, validation_data=(x_test, y_test)).history[
            "val_accuracy"
        ]
    )
    assert best >= 0.88
