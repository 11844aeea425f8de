"""Permutation: a random order of very many numbers, computed when needed and never stored.

The order of 1e8 samples takes no more memory than that of ten.
"""

from typing import Any

import numpy as np

from minidl.typing import Array

ROUNDS = 6
BLOCK = 1 << 14  # numbers computed at a time: they stay in cache, at 30 to 60 ns each


class Permutation:
    """The numbers ``0, ..., size - 1`` in random order; slicing returns arrays.

    Parameters
    ----------
    size : int
        At most 2**62.
    seed : int or sequence of int
        Equal seeds give equal orders.
    numbers : array, (size,), optional
        Numbers to permute instead, for example the row numbers of the training samples.

    Notes
    -----
    A cipher: with b the number of bits of ``size - 1``, each of 6 rounds maps a position x to
    ``x = (x factor + summand) mod 2**b`` and then to ``x = x xor (x >> b / 2)``, where the odd factor and the summand
    depend on the seed. Both steps are invertible, so each number occurs once. Results not below the size are encrypted
    again until they are: Black and Rogaway, "Ciphers with arbitrary finite domains", 2002.

    Examples
    --------
    >>> order = Permutation(10, seed=0)
    >>> order[:4].tolist(), sorted(order[:].tolist())
    ([8, 5, 4, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """

    def __init__(self, size: int, seed: Any, numbers: Array | None = None) -> None:
        self.size, self.numbers = size, numbers
        self.keys = np.random.SeedSequence(seed).generate_state(2 * ROUNDS, np.uint64).reshape(ROUNDS, 2)
        self.start, self.block = 0, np.empty(0, np.int64)  # the most recently computed numbers

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice) -> Array:
        start, stop, _ = part.indices(self.size)
        if start < self.start or stop > self.start + len(self.block):
            self.start, stop_of_block = start, max(stop, min(start + BLOCK, self.size))
            order = self._encipher(np.arange(start, stop_of_block, dtype=np.uint64))
            while (beyond := np.flatnonzero(order >= self.size)).size:
                order[beyond] = self._encipher(order[beyond])
            self.block = order.view(np.int64) if self.numbers is None else self.numbers[order.view(np.int64)]
        return self.block[start - self.start : stop - self.start]

    def _encipher(self, x: Array) -> Array:
        bits = max(self.size - 1, 1).bit_length()
        for factor, summand in self.keys:
            x = (x * (factor | 1) + summand) & np.uint64(2**bits - 1)
            x ^= x >> np.uint64((bits + 1) // 2)
        return x
