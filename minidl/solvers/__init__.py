"""Solvers: methods that minimise the loss of all samples at once and choose their own step lengths."""

from minidl.config import register_builtins
from minidl.solvers.base import Solver
from minidl.solvers.lbfgs import LBFGS

__all__ = ["LBFGS", "Solver"]

register_builtins(globals())
