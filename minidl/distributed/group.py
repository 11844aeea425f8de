"""Group: the ranks of a training run, which add up vectors and end together if one of them cannot continue."""

import zlib
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, MinidlError
from minidl.typing import Array

STEP, FAILED, DONE = 0.0, 1.0, 2.0  # the status that a rank sends with its part of a sum
TAGS = 1 << 20  # limit of tags, which must be exact even in float32
METHODS = ("Get_rank", "Get_size", "Allreduce", "Sendrecv", "allgather")


class DistributedError(MinidlError, RuntimeError):
    """Raised if another rank cannot continue, is at a different step or has different data; the message names it."""


class Group:
    """The ranks of a communicator of mpi4py or of threads.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm or ThreadCommunicator
    shards : int or None
        The fixed number of parts of each batch; by default one for each rank.

    Attributes
    ----------
    rank, size : int
    over : bool
        True once an error has ended the training on all ranks.
    """

    def __init__(self, communicator: Any, shards: int | None) -> None:
        if not all(callable(getattr(communicator, name, None)) for name in METHODS):
            raise ArgumentError(
                f"distributed: comm: expected a communicator of mpi4py, such as MPI.COMM_WORLD, got {communicator!r}."
            )
        self.communicator = communicator
        self.rank, self.size = communicator.Get_rank(), communicator.Get_size()
        self.shards, self.over = shards, False
        powers = [type(number) is int and number & (number - 1) == 0 for number in (shards or 1, self.size)]
        if shards is not None and (not all(powers) or shards < 1 or shards % self.size):
            raise ArgumentError(
                f"distributed: shards: expected a power of 2 that {self.size} ranks, a power of 2 too, can share, "
                f"got {shards!r}."
            )

    @property
    def alone(self) -> bool:
        """Whether steps are computed as without a group: one rank and no shards."""
        return self.size == 1 and self.shards is None

    def own_parts(self, rows: int) -> list[tuple[int, slice]]:
        """Return this rank's parts of a batch, as pairs of the part's number and its rows."""
        parts = self.shards or self.size
        each = parts // self.size
        bounds = [rows * part // parts for part in range(parts + 1)]
        own = range(self.rank * each, (self.rank + 1) * each)
        return [(part, slice(bounds[part], bounds[part + 1])) for part in own]

    def header(self, status: float, tag: int = 0) -> Array:
        """Return this rank's part of the header of every sum: a status and a tag for each rank."""
        found = np.zeros((2, self.size))
        found[:, self.rank] = status, tag
        return found.reshape(-1)

    def sum(self, vector: Array) -> Array:
        """Return the sum of the ranks' vectors, bitwise equal on all ranks; ``vector`` may be overwritten.

        With ``shards``, pairs of ranks add in a fixed order, so that the result does not depend on the number of ranks.
        """
        if self.shards is None:
            total = np.empty_like(vector)
            self.communicator.Allreduce(vector, total)
            return total
        distance = 1
        while distance < self.size:
            other = self.rank ^ distance
            theirs = np.empty_like(vector)
            self.communicator.Sendrecv(vector, other, recvbuf=theirs, source=other)
            vector += theirs
            distance *= 2
        return vector

    def check(self, header: Array, status: float, what: Any) -> None:
        """Raise a `DistributedError` on all ranks unless each has this ``status`` and the same tag.

        ``what`` describes this rank: its error message, or a dict that describes its step.
        """
        statuses, tags = header[: self.size], header[self.size : 2 * self.size]
        if (statuses == status).all() and (tags == tags[0]).all():
            return
        self.over = True
        told = self.communicator.allgather(what)
        if (statuses == FAILED).any():
            failed = [rank for rank in range(self.size) if statuses[rank] == FAILED]
            reasons = "; ".join(f"rank {rank}: {told[rank]}" for rank in failed[:5])
            raise DistributedError(f"distributed: training has ended on all ranks: {reasons}")
        if (statuses == DONE).any() and not (statuses == DONE).all():
            left = ", ".join(f"rank {rank}" for rank in range(self.size) if statuses[rank] == DONE)
            raise DistributedError(
                f"distributed: expected all ranks to take the same steps, but {left} has left the training and others "
                "continue. Let callbacks decide by the logs alone, which are the same on every rank."
            )
        raise DistributedError(difference(told))

    def compare(self, what: dict[str, Any]) -> None:
        """Raise a `DistributedError` on all ranks unless ``what`` is the same on each."""
        told = self.communicator.allgather(what)
        if any(other != told[0] for other in told):
            self.over = True
            raise DistributedError(difference(told))


def difference(told: list[dict[str, Any]]) -> str:
    """Return a message that lists the ranks that differ from rank 0, and the differences."""
    errors = [f"rank {rank}: {each['error']}" for rank, each in enumerate(told) if "error" in each]
    found = errors or [
        f"rank {rank}: {name}: {told[rank].get(name)!s:.200}, rank 0 has {told[0].get(name)!s:.200}"
        for rank in range(1, len(told))
        for name in told[0]
        if told[rank].get(name) != told[0].get(name)
    ]
    shown = "\n  ".join(["", *found[:10]])
    return f"distributed: expected the same model, data, seed and step on every rank, got a difference:{shown}"


def digest(*arrays: Array | None) -> int:
    """Return a checksum of arrays with their shapes and dtypes."""
    found = 0
    for array in arrays:
        text = "None" if array is None else f"{array.shape} {array.dtype}"
        found = zlib.crc32(text.encode(), found)
        if array is not None:
            found = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, found)
    return found
