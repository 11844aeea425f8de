"""Code shared by all contenders: the types, the order of batches, and the matrix products of a step."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from networks import Network

Run = Callable[[int], Any]
Batches = list[tuple[Any, Any]]
Epochs = tuple[Run, Callable[[np.ndarray], np.ndarray]]


def turns(batches: Batches, n: int) -> Iterator[tuple[Any, Any]]:
    """Return n batches, cycling through ``batches``."""
    return itertools.islice(itertools.cycle(batches), n)


def products(network: Network, x: np.ndarray, lowest: bool = False) -> Run:
    """Return the matrix products that every step needs, the lower bound here; ``lowest`` adds the input's dx."""
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
