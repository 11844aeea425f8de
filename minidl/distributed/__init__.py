"""Distributed: one training run on several processes or machines, each computing a part of every batch."""

from minidl.distributed.group import DistributedError
from minidl.distributed.objective import distributed
from minidl.distributed.threads import ThreadCommunicator, run_in_threads

__all__ = ["DistributedError", "ThreadCommunicator", "distributed", "run_in_threads"]
