"""Sequential: the model."""

from minidl.config import register_builtins
from minidl.sequential.model import Sequential

__all__ = ["Sequential"]

register_builtins(globals())
