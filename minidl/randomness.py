"""Randomness: every random number of a model is a function of its seed.

Thus any batch of any epoch can be computed again: after a crash, in another process, or on another machine.
"""

from typing import Any

import numpy as np

from minidl.permutation import Permutation
from minidl.typing import Array

RandomState = dict[str, Any]
STORED = 1 << 20  # samples, up to which their order is an array, as it was in all versions

seeds = [np.random.SeedSequence()]  # of which the models without a seed take the next


def seed_models(seed: int) -> None:
    """Make the seeds of the models to come a function of ``seed``."""
    seeds[0] = np.random.SeedSequence(seed)


def next_seed() -> int:
    """Return the seed of the next model without one."""
    return int(seeds[0].spawn(1)[0].generate_state(1, np.uint64)[0])


class Randomness:
    """The random numbers of one model.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    given : bool
        Whether the user chose the seed.
    weights : numpy.random.Generator
        Draws the initial values of the parameters, in the order in which they are built.
    passes : int
        Number of training passes begun; what a layer draws in a pass is a function of seed, pass and layer.
    part : int
        Of a batch that is cut into parts, as in distributed training: each part draws its own numbers.
    current_pass : object
        Another one for every pass, so that a layer knows when a new one has begun.
    epochs : int
        Number of epochs completed; the order of the samples in an epoch is a function of seed and epoch.
    """

    given = True

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.weights = np.random.default_rng(seed)
        self.passes = 0
        self.part = 0
        self.epochs = 0
        self.current_pass: object = None

    def order(self, rows: int, numbers: Array | None = None) -> Array | Permutation:
        """Return the order in which the next epoch takes its samples: all of so many, or those with these numbers."""
        if rows > STORED:
            return Permutation(rows, [self.seed, self.epochs], numbers)
        order = np.random.default_rng([self.seed, self.epochs]).permutation(rows)
        return order if numbers is None else numbers[order]

    def get_state(self) -> RandomState:
        """Return all that `set_state` needs to continue from here."""
        return {"weights": self.weights.bit_generator.state, "passes": self.passes, "epochs": self.epochs}

    def set_state(self, state: RandomState) -> None:
        """Continue from what `get_state` returned."""
        self.weights.bit_generator.state = state["weights"]
        self.passes, self.epochs = state["passes"], state["epochs"]


def split_generator(seed: int) -> np.random.Generator:
    """Return the generator that chooses the validation samples."""
    return np.random.default_rng([seed, 0, 1])


class LayerRandomness:
    """The random numbers of one layer, which start at a different point in every training pass.

    Parameters
    ----------
    model : Randomness
    index : int
        Number of the layer in its model.
    """

    def __init__(self, model: Randomness, index: int) -> None:
        self.model, self.index = model, index
        self.seed: int | None = None  # of the key and the generator
        self.drawn_for: object = None

    def current(self) -> np.random.Generator:
        """Return the generator, moved to the beginning of this pass at the pass's first call."""
        model = self.model
        if model.seed != self.seed:
            self.seed, self.drawn_for = model.seed, self
            self.key = np.random.SeedSequence([model.seed, self.index]).generate_state(2, np.uint64)
            self.generator = np.random.Generator(np.random.Philox(key=self.key))
        if model.current_pass is not self.drawn_for:
            self.drawn_for = model.current_pass
            self.generator.bit_generator.state = {
                "bit_generator": "Philox",
                "state": {"counter": np.array([0, model.passes, model.part, 0], np.uint64), "key": self.key},
                "buffer": np.zeros(4, np.uint64),
                "buffer_pos": 4,
                "has_uint32": 0,
                "uinteger": 0,
            }
        return self.generator
