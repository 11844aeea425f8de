"""scikit-learn: a step and an epoch."""

import warnings
from typing import Any

import numpy as np
from networks import EPSILON, RATE, Network

from peers.shared import Batches, Epochs, Run, turns


def sklearn_model(network: Network, batch: int, epochs: int = 1, **more: Any) -> Any:
    """Return scikit-learn's estimator, which draws its own initial weights."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return (MLPRegressor if network.task == "regression" else MLPClassifier)(
        hidden_layer_sizes=network.sizes[1:-1], activation=network.activation, alpha=0, batch_size=batch,
        learning_rate_init=RATE, epsilon=EPSILON, max_iter=epochs, tol=0, n_iter_no_change=epochs + 1, random_state=0,
        **more,
    )  # fmt: skip


def flat(y: np.ndarray) -> np.ndarray:
    """Return targets of shape (rows, 1) as (rows,), the shape that scikit-learn expects."""
    return y.reshape(len(y)) if y.shape[1:] == (1,) else y


def sklearn_step(network: Network, batches: Batches) -> Run:
    model = sklearn_model(network, len(batches[0][0]), shuffle=False)
    batches = [(x, flat(y)) for x, y in batches]
    further = {} if network.task == "regression" else {"classes": np.arange(max(2, network.sizes[-1]))}

    def run(n: int) -> None:
        for x, y in turns(batches, n):
            model.partial_fit(x, y, **further)

    return run


def sklearn_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    model: Any = None
    y = flat(y)

    def run(n: int) -> None:
        nonlocal model
        from sklearn.exceptions import ConvergenceWarning

        model = sklearn_model(network, batch, n)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # training stops after n epochs on purpose
            model.fit(x, y)

    return run, lambda x: (model.predict if network.task == "regression" else model.predict_proba)(x)
