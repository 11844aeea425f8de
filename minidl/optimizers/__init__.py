"""Optimizers: update the parameters of a model, given their gradients."""

from minidl.config import register_builtins
from minidl.optimizers import schedules
from minidl.optimizers.adagrad import Adagrad
from minidl.optimizers.adam import Adam, AdamW
from minidl.optimizers.adamax import Adamax
from minidl.optimizers.base import Optimizer
from minidl.optimizers.lion import Lion
from minidl.optimizers.nadam import Nadam
from minidl.optimizers.rmsprop import RMSprop
from minidl.optimizers.sgd import SGD
from minidl.solvers import LBFGS

__all__ = ["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "Nadam", "Optimizer", "RMSprop", "schedules"]

register_builtins(globals())
