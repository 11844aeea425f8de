"""JAX: a compiled step, and epochs in a single scan and as in its tutorials."""

from collections.abc import Callable
from typing import Any

import numpy as np
from networks import EPSILON, RATE, Network

from peers.shared import Batches, Epochs, Run, turns


def jax_parts(network: Network) -> tuple[Callable[..., Any], Callable[..., Any], tuple[Any, Any]]:
    """Return ``scores(parameters, x)`` and ``step(state, x, y) -> (state, loss)``, not yet compiled, and the state."""
    import jax
    import jax.numpy as jnp
    import optax

    activation = {"relu": jax.nn.relu, "tanh": jnp.tanh}[network.activation]
    arrays = [jnp.asarray(array) for array in network.weights()]
    parameters = list(zip(arrays[::2], arrays[1::2], strict=True))
    averages = []  # the moving mean and variance of each layer
    if network.normalization:
        parameters[:-1] = [(W, b, jnp.ones_like(b), jnp.zeros_like(b)) for W, b in parameters[:-1]]
        averages = [(jnp.zeros_like(b), jnp.ones_like(b)) for b in arrays[1:-1:2]]
    optimizer = optax.adam(RATE, eps=EPSILON)
    axis = {"batch": 0, "layer": 1}.get(network.normalization, 0)

    def outputs(parameters: Any, x: Any, averages: Any) -> Any:
        *hidden, (W, b) = parameters
        moved = []
        for level, (V, c, *scale) in enumerate(hidden):
            x = x @ V + c
            if scale:
                now = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
                if network.normalization == "batch":
                    pairs = zip(averages[level], now, strict=True)
                    moved.append(tuple(0.99 * old + 0.01 * new[0] for old, new in pairs))
                x = (x - now[0]) * jax.lax.rsqrt(now[1] + 0.001) * scale[0] + scale[1]
            x = activation(x)
        return x @ W + b, moved or averages

    def loss(parameters: Any, x: Any, y: Any, averages: Any) -> Any:
        z, averages = outputs(parameters, x, averages)
        if network.task == "classes":
            return optax.softmax_cross_entropy_with_integer_labels(z, y).mean(), averages
        losses = optax.sigmoid_binary_cross_entropy(z, y) if network.task == "binary" else (z - y) ** 2
        return losses.mean(), averages

    def step(state: Any, x: Any, y: Any) -> Any:
        parameters, (moments, averages) = state
        (value, averages), gradients = jax.value_and_grad(loss, has_aux=True)(parameters, x, y, averages)
        updates, moments = optimizer.update(gradients, moments, parameters)
        return (optax.apply_updates(parameters, updates), (moments, averages)), value

    def scores(parameters: Any, x: Any) -> Any:
        return outputs(parameters, x, averages)[0]

    return scores, step, (parameters, (optimizer.init(parameters), averages))


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
    """Return an epoch as one compiled scan, shuffled on the device, without the rows of an incomplete batch."""
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
    """Return an epoch as in JAX's tutorials: a compiled step on batches taken from NumPy arrays."""
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
