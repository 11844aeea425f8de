"""Randomness: every random number of a model is a function of its seed.

So any batch of any epoch can be reproduced: after a crash, in another process, or on another machine.
"""

from typing import Any

import numpy as np

from minidl.permutation import Permutation
from minidl.typing import Array

RandomState = dict[str, Any]
STORED = 1 << 20  # up to this many samples, the order is an array, as in all earlier versions

seeds = [np.random.SeedSequence()]  # models without a seed take the next of these


def seed_models(seed: int) -> None:
    """Make the seeds of models created from now on a function of ``seed``."""
    seeds[0] = np.random.SeedSequence(seed)


def next_seed() -> int:
    """Return the seed for the next model created without one."""
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
        Draws the initial values of the parameters, in the order in which the layers are built.
    passes : int
        Number of training passes begun; a layer's random numbers in a pass are a function of seed, pass and layer.
    part : int
        Index of this part if a batch is split, as in distributed training: each part draws its own numbers.
    current_pass : object
        A new object for every pass, so that a layer can tell when a new pass has begun.
    epochs : int
        Number of epochs completed; the order of the samples in an epoch is a function of seed and epoch.
    """

    given = True
    passes = part = epochs = 0
    current_pass: object = None

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.weights = np.random.default_rng(seed)

    def order(self, rows: int, numbers: Array | None = None) -> Array | Permutation:
        """Return the order of the samples in the next epoch: of all ``rows``, or of the given row ``numbers``."""
        if rows > STORED:
            return Permutation(rows, [self.seed, self.epochs], numbers)
        order = np.random.default_rng([self.seed, self.epochs]).permutation(rows)
        return order if numbers is None else numbers[order]

    def get_state(self) -> RandomState:
        """Return the state that `set_state` needs to continue from here."""
        return {"weights": self.weights.bit_generator.state, "passes": self.passes, "epochs": self.epochs}

    def set_state(self, state: RandomState) -> None:
        """Restore the state that `get_state` returned."""
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
        self.seed: int | None = None  # the seed of the key and the generator
        self.drawn_for: object = None

    def current(self) -> np.random.Generator:
        """Return the generator, reset to the start of the current pass on the pass's first call."""
        model = self.model
        if model.seed != self.seed:
            self.seed, self.drawn_for = model.seed, self
            key = np.random.SeedSequence([model.seed, self.index]).generate_state(2, np.uint64)
            self.generator = np.random.Generator(np.random.Philox(key=key))
            self.start = self.generator.bit_generator.state
        if model.current_pass is not self.drawn_for:
            self.drawn_for = model.current_pass
            self.start["state"]["counter"][:] = 0, model.passes, model.part, 0
            self.generator.bit_generator.state = self.start
        return self.generator
