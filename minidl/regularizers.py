"""Regularizers: penalties on the size of a parameter, added to the loss, and their gradients.

The penalty is part of every reported loss: in training, validation and evaluation.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from minidl import checks
from minidl.config import Configured, register_builtins, resolve
from minidl.typing import Array


class Regularizer(Configured, ABC):
    """Abstract base: ``loss += penalty(W)``, ``dW += gradient(W)``.

    Examples
    --------
    >>> regularizer = minidl.regularizers.L2(0.5)
    >>> W = np.array([[1.0, -2.0]])
    >>> regularizer.penalty(W)
    2.5
    >>> regularizer.gradient(W)
    array([[ 1., -2.]])
    """

    @abstractmethod
    def penalty(self, W: Array) -> float:
        """Return what the parameter ``W`` adds to the loss."""

    @abstractmethod
    def gradient(self, W: Array) -> Array:
        """Return the gradient of the penalty with respect to ``W``, of the same shape and dtype."""


def resolve_regularizer(value: Any, who: str) -> Regularizer | None:
    """Return ``value`` as a regularizer: an instance, a name, or None."""
    return None if value is None else resolve(value, Regularizer, who)


class L1(Regularizer):
    """``l1 * sum(|W|)`` with ``l1 >= 0``; its derivative at 0 is defined as 0."""

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = checks.number(l1, "L1: l1", at_least=0)

    def penalty(self, W: Array) -> float:
        return self.l1 * float(np.abs(W).sum())

    def gradient(self, W: Array) -> Array:
        return self.l1 * np.sign(W)


class L2(Regularizer):
    """``l2 * sum(W**2)`` with ``l2 >= 0``; as in Keras, without a factor of one half."""

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = checks.number(l2, "L2: l2", at_least=0)

    def penalty(self, W: Array) -> float:
        return self.l2 * float(np.vdot(W, W))

    def gradient(self, W: Array) -> Array:
        return (2.0 * self.l2) * W


class L1L2(Regularizer):
    """``l1 * sum(|W|) + l2 * sum(W**2)`` with ``l1, l2 >= 0``."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = checks.number(l1, "L1L2: l1", at_least=0)
        self.l2 = checks.number(l2, "L1L2: l2", at_least=0)

    def penalty(self, W: Array) -> float:
        return self.l1 * float(np.abs(W).sum()) + self.l2 * float(np.vdot(W, W))

    def gradient(self, W: Array) -> Array:
        return self.l1 * np.sign(W) + (2.0 * self.l2) * W


l1, l2, l1_l2 = L1, L2, L1L2  # Keras' other spelling


register_builtins(globals())
