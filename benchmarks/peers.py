"""One training step, and one epoch, of minidl and of each peer at its best.

``..._step(network, batches)`` returns ``run(n)``: n steps on the batches in turn, waiting for the last, whose loss it
returns.
``..._epoch(network, x, y, batch)`` returns ``run(n)``, n shuffled epochs in batches, and ``predict(x)``, the scores of
the rows with what has been learnt. Peers are optional, hence imported where they are used.
"""

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from networks import EPSILON, RATE, Network

Run = Callable[[int], Any]
Batches = list[tuple[Any, Any]]
Epochs = tuple[Run, Callable[[np.ndarray], np.ndarray]]


def turns(batches: Batches, n: int) -> Iterator[tuple[Any, Any]]:
    """Return n batches: all in turn, again and again."""
    return itertools.islice(itertools.cycle(batches), n)


def products(network: Network, x: np.ndarray, lowest: bool = False) -> Run:
    """The matrix products that a step cannot do without: the limit on this machine; ``lowest`` adds the input's dx."""
    weights = network.weights()[::2]
    gradients = [np.empty_like(w) for w in weights]
    inputs = [x]
    for w in weights:
        inputs.append(inputs[-1] @ w)

    def run(n: int) -> None:
        for _ in range(n):
            for a, w in zip(inputs, weights, strict=False):
                a @ w
            for level in reversed(range(len(weights))):
                np.matmul(inputs[level].T, inputs[level + 1], out=gradients[level])
                if level or lowest:
                    inputs[level + 1] @ weights[level].T

    return run


def minidl_model(network: Network) -> Any:
    """Return the compiled model with the common initial weights."""
    from minidl import Dense, Input, Sequential, optimizers

    *hidden, last = [units for _, units in network.pairs]
    head = {"classes": "softmax", "binary": "sigmoid", "regression": None}[network.task]
    loss = {"classes": "sparse_categorical_crossentropy", "binary": "binary_crossentropy", "regression": "mse"}
    layers = [Input((network.sizes[0],)), *[Dense(units, activation=network.activation) for units in hidden]]
    model = Sequential([*layers, Dense(last, activation=head)], seed=0)
    model.compile(optimizer=optimizers.Adam(RATE, epsilon=EPSILON), loss=loss[network.task])
    model.set_weights(network.weights())
    return model


def minidl_step(network: Network, batches: Batches) -> Run:
    model = minidl_model(network)

    def run(n: int) -> float:
        for x, y in turns(batches, n):
            loss = model.train_on_batch(x, y)
        return loss

    return run


def minidl_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    model = minidl_model(network)
    return lambda n: model.fit(x, y, batch_size=batch, epochs=n, verbose=0), model.predict


def torch_parts(network: Network, fused: bool, compiled: bool = False) -> tuple[Any, Any, Any]:
    """Return torch's model, loss function and optimizer; and have it shuffle the same way each time."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[network.activation]
    layers: list[Any] = []
    for inputs, units in network.pairs:
        layers += [nn.Linear(inputs, units), activation()]
    model = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter, array in zip(model.parameters(), network.weights(), strict=True):
            parameter.copy_(torch.from_numpy(array.T))
    loss = {"classes": nn.CrossEntropyLoss, "binary": nn.BCEWithLogitsLoss, "regression": nn.MSELoss}[network.task]()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, eps=EPSILON, fused=fused or None)
    return (torch.compile(model) if compiled else model), loss, optimizer


def torch_step(network: Network, batches: Batches, *, fused: bool = False, compiled: bool = False) -> Run:
    import torch

    model, loss_function, optimizer = torch_parts(network, fused, compiled)
    tensors = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]

    def run(n: int) -> float:
        for x, y in turns(tensors, n):
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            optimizer.step()
        return loss.item()

    return run


def torch_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    """The tensors cut up by a permutation, and the fused Adam: faster than a DataLoader."""
    import torch

    model, loss_function, optimizer = torch_parts(network, fused=True)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)

    def run(n: int) -> None:
        for _ in range(n):
            for rows in torch.randperm(len(tx)).split(batch):
                optimizer.zero_grad()
                loss_function(model(tx[rows]), ty[rows]).backward()
                optimizer.step()

    return run, torch_predict(model)


def torch_loader_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    """As torch's tutorials write it: a DataLoader and the default Adam."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    model, loss_function, optimizer = torch_parts(network, fused=False)
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=batch, shuffle=True)

    def run(n: int) -> None:
        for _ in range(n):
            for rows, targets in loader:
                optimizer.zero_grad()
                loss_function(model(rows), targets).backward()
                optimizer.step()

    return run, torch_predict(model)


def torch_predict(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    def predict(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(x)).numpy()

    return predict


def jax_parts(network: Network) -> tuple[Callable[..., Any], Callable[..., Any], tuple[Any, Any]]:
    """Return ``scores(parameters, x)``, ``step(state, x, y) -> (state, loss)``, neither compiled yet, and the state."""
    import jax
    import jax.numpy as jnp
    import optax

    activation = {"relu": jax.nn.relu, "tanh": jnp.tanh}[network.activation]
    arrays = [jnp.asarray(array) for array in network.weights()]
    parameters = list(zip(arrays[::2], arrays[1::2], strict=True))
    optimizer = optax.adam(RATE, eps=EPSILON)

    def scores(parameters: Any, x: Any) -> Any:
        *hidden, (W, b) = parameters
        for V, c in hidden:
            x = activation(x @ V + c)
        return x @ W + b

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        z = scores(parameters, x)
        if network.task == "classes":
            return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()
        return (optax.sigmoid_binary_cross_entropy(z, y) if network.task == "binary" else (z - y) ** 2).mean()

    def step(state: Any, x: Any, y: Any) -> Any:
        parameters, moments = state
        value, gradients = jax.value_and_grad(loss)(parameters, x, y)
        updates, moments = optimizer.update(gradients, moments, parameters)
        return (optax.apply_updates(parameters, updates), moments), value

    return scores, step, (parameters, optimizer.init(parameters))


def jax_step(network: Network, batches: Batches) -> Run:
    import jax

    _, step, state = jax_parts(network)
    compiled = jax.jit(step, donate_argnums=0)
    on_device = jax.device_put(batches)

    def run(n: int) -> float:
        nonlocal state
        for x, y in turns(on_device, n):
            state, loss = compiled(state, x, y)
        jax.block_until_ready(state)
        return float(loss)

    return run


def jax_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    """An epoch in one compiled scan, shuffled on the device, without the rows that fill no batch."""
    import jax

    scores, step, state = jax_parts(network)
    forward = jax.jit(scores)
    dx, dy = jax.device_put((x, y))
    key = jax.random.key(0)

    def epoch(state: Any, key: Any, x: Any, y: Any) -> Any:
        rows = jax.random.permutation(key, len(x))[: len(x) // batch * batch].reshape(-1, batch)
        return jax.lax.scan(lambda state, rows: step(state, x[rows], y[rows]), state, rows)

    compiled = jax.jit(epoch, donate_argnums=0)

    def run(n: int) -> None:
        nonlocal state, key
        for _ in range(n):
            key, now = jax.random.split(key)
            state, _ = compiled(state, now, dx, dy)
        jax.block_until_ready(state)

    return run, lambda x: np.asarray(forward(state[0], x))


def jax_loop_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    """As JAX's tutorials write it: a compiled step, and the batches taken from NumPy arrays."""
    import jax

    scores, step, state = jax_parts(network)
    forward, compiled = jax.jit(scores), jax.jit(step, donate_argnums=0)
    rng = np.random.default_rng(0)

    def run(n: int) -> None:
        nonlocal state
        for _ in range(n):
            order = rng.permutation(len(x))
            for start in range(0, len(x), batch):
                rows = order[start : start + batch]
                state, _ = compiled(state, x[rows], y[rows])
        jax.block_until_ready(state)

    return run, lambda x: np.asarray(forward(state[0], x))


def keras_model(network: Network, steps: int = 1) -> Any:
    """Return Keras' compiled model, on JAX; jit_compile is its default there."""
    import keras

    keras.utils.set_random_seed(0)
    *hidden, last = [units for _, units in network.pairs]
    head = {"classes": "softmax", "binary": "sigmoid", "regression": None}[network.task]
    loss = {"classes": "sparse_categorical_crossentropy", "binary": "binary_crossentropy", "regression": "mse"}
    layers = [keras.layers.Dense(units, activation=network.activation) for units in hidden]
    model = keras.Sequential([keras.Input((network.sizes[0],)), *layers, keras.layers.Dense(last, activation=head)])
    optimizer = keras.optimizers.Adam(RATE, epsilon=EPSILON)
    model.compile(optimizer=optimizer, loss=loss[network.task], steps_per_execution=steps)
    model.set_weights(network.weights())
    return model


def keras_step(network: Network, batches: Batches) -> Run:
    model = keras_model(network)

    def run(n: int) -> float:
        for step, (x, y) in enumerate(turns(batches, n), 1):
            if step == n:
                model.reset_metrics()  # otherwise the loss is the mean over all steps so far
            loss = model.train_on_batch(x, y)
        return float(loss)

    return run


def keras_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int, *, steps: int = 1) -> Epochs:
    """Fit; ``steps`` is how many training steps a call of the compiled function does, at most an epoch."""
    model = keras_model(network, min(steps, len(x) // batch))
    return lambda n: model.fit(x, y, batch_size=batch, epochs=n, verbose=0), lambda x: model.predict(x, verbose=0)


def sklearn_model(network: Network, batch: int, epochs: int = 1, **more: Any) -> Any:
    """Return scikit-learn's estimator; it draws its own initial weights."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    return (MLPRegressor if network.task == "regression" else MLPClassifier)(
        hidden_layer_sizes=network.sizes[1:-1], activation=network.activation, alpha=0, batch_size=batch,
        learning_rate_init=RATE, epsilon=EPSILON, max_iter=epochs, tol=0, n_iter_no_change=epochs + 1, random_state=0,
        **more,
    )  # fmt: skip


def flat(y: np.ndarray) -> np.ndarray:
    """Return targets of shape (rows, 1) as scikit-learn wants them: (rows,)."""
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
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is told to stop after n epochs
            model.fit(x, y)

    return run, lambda x: (model.predict if network.task == "regression" else model.predict_proba)(x)
