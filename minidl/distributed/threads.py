"""Threads instead of processes: a communicator for `distributed`, for tests and machines without MPI."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from minidl.typing import Array

T = TypeVar("T")


class ThreadCommunicator:
    """The communicator of one of several threads, with the methods of mpi4py that `distributed` calls."""

    def __init__(self, rank: int, barrier: threading.Barrier, slots: list[Any]) -> None:
        self.rank, self.barrier, self.slots = rank, barrier, slots

    def Get_rank(self) -> int:
        """Return the number of this thread, from 0."""
        return self.rank

    def Get_size(self) -> int:
        """Return the number of threads."""
        return len(self.slots)

    def allgather(self, value: Any) -> list[Any]:
        """Return the values of all threads in the order of their ranks."""
        self.slots[self.rank] = value
        self.barrier.wait()
        found = list(self.slots)
        self.barrier.wait()
        return found

    def Allreduce(self, vector: Array, total: Array) -> None:
        """Store the sum of the threads' vectors in ``total``."""
        first, *others = self.allgather(vector.copy())
        total[...] = first
        for other in others:
            total += other

    def Sendrecv(self, vector: Array, dest: int, *, recvbuf: Array, source: int) -> None:
        """Copy the vector of thread ``source`` into ``recvbuf``; all threads must call it together."""
        recvbuf[...] = self.allgather(vector.copy())[source]


def run_in_threads(function: Callable[[ThreadCommunicator], T], ranks: int) -> list[T]:
    """Return ``[function(communicator), ...]``, each called in a separate thread; the first error is raised.

    Examples
    --------
    >>> from minidl.distributed import run_in_threads
    >>> run_in_threads(lambda comm: sum(comm.allgather(comm.rank)), 3)
    [3, 3, 3]
    """
    barrier = threading.Barrier(ranks)
    slots: list[Any] = [None] * ranks
    results: list[Any] = [None] * ranks
    errors: dict[int, BaseException] = {}

    def run(rank: int) -> None:
        try:
            results[rank] = function(ThreadCommunicator(rank, barrier, slots))
        except BaseException as error:
            errors[rank] = error
            barrier.abort()  # otherwise, the others would wait forever

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(ranks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own = [error for error in errors.values() if not isinstance(error, threading.BrokenBarrierError)]
    for error in [*own, *errors.values()]:
        raise error
    return results
