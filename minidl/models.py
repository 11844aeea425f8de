"""Models: where Keras keeps `Sequential` and `load_model` too.

So that ``from keras.models import Sequential`` needs another first word only.
"""

from minidl.saving import load_model
from minidl.sequential import Sequential

__all__ = ["Sequential", "load_model"]
