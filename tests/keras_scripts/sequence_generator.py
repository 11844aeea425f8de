"""Batches from a subclass of Sequence. Stops: Pass any object with __len__ and __getitem__."""

import numpy as np
from keras.utils import Sequence


class DataGenerator(Sequence):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return np.ones((8, 2)), np.ones(8)
