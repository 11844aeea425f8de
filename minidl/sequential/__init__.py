"""Sequential: the model."""

from minidl.sequential.model import Sequential

__all__ = ["Sequential"]
