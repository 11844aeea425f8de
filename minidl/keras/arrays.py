"""Arrays: those of each layer, and where they are in Keras' file.

There, paths are class names numbered in their order (``layers/dense_1``), whatever the layers are called.
"""

import re

from minidl.keras.objects import Json

# The arrays of a layer in Keras' order, each with the setting that can leave it out.
SCALE_AND_SHIFT = (("gamma", "scale"), ("beta", "center"))
ARRAYS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "Dense": (("W", None), ("b", "use_bias")),
    "BatchNormalization": (*SCALE_AND_SHIFT, ("moving_mean", None), ("moving_variance", None)),
    "Embedding": (("W", None),),
    "LayerNormalization": SCALE_AND_SHIFT,
    "Normalization": (("adapt_mean", None), ("adapt_variance", None), ("count", None)),
    "PReLU": (("alpha", None),),
}
STATE = ("moving_mean", "moving_variance", "adapt_mean", "adapt_variance", "count")  # arrays that do not train


class Arrays:
    """The arrays of a model, in order: where minidl has them, and where Keras."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str, bool]] = []  # minidl's name, Keras' path, trained

    def add(self, layer: dict[str, Json], path: str, keras_path: str, *, trainable: bool) -> None:
        """Add those of ``layer``, in minidl's JSON."""
        config = layer["config"]
        names = [name for name, switch in ARRAYS.get(layer["class"], ()) if switch is None or config.get(switch, True)]
        for index, name in enumerate(names):
            self.places.append(
                (f"weights/{path}/{name}", f"{keras_path}/vars/{index}", trainable and name not in STATE)
            )


def snake_case(name: str) -> str:
    """Return ``"leaky_re_lu"`` for ``"LeakyReLU"``: what Keras calls a class in its files."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Names:
    """The names of layers in one container of Keras' file: ``dense``, ``dense_1``, ..."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def next(self, class_name: str) -> str:
        """Return the name of the next layer of that class."""
        name = snake_case(class_name)
        number = self.counts[name] = self.counts.get(name, -1) + 1
        return f"{name}_{number}" if number else name
