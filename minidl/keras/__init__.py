"""Keras: converts models to and from the `.keras` files of Keras 3, without Keras.

`model.save("m.keras")` and `load_model("m.keras")` use it; anything that has no equivalent in the
other library raises an error and is never dropped silently.
"""

from minidl.aliases import finder
from minidl.keras import layers, models
from minidl.keras.files import read_content, write_content

__all__ = ["read_content", "write_content"]

__getattr__ = finder("minidl.keras")
for module in (layers, models):
    vars(module)["__getattr__"] = finder(module.__name__)
