"""Arrays: the arrays of each layer, and their paths in Keras' file.

The paths are numbered class names (``layers/dense_1``), independent of the names of the layers.
"""

import re

from minidl.keras.objects import Json

# The arrays of a layer in Keras' order, each with the setting that can omit it.
SCALE_AND_SHIFT = (("gamma", "scale"), ("beta", "center"))
ARRAYS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "Dense": (("W", None), ("b", "use_bias")),
    "BatchNormalization": (*SCALE_AND_SHIFT, ("moving_mean", None), ("moving_variance", None)),
    "Embedding": (("W", None),),
    "LayerNormalization": SCALE_AND_SHIFT,
    "Normalization": (("adapt_mean", None), ("adapt_variance", None), ("count", None)),
    "PReLU": (("alpha", None),),
}
STATE = ("moving_mean", "moving_variance", "adapt_mean", "adapt_variance", "count")  # arrays that are not trained


class Arrays:
    """The arrays of a model, in order, with their names in minidl and their paths in Keras."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str, bool]] = []  # minidl's name, Keras' path, trained

    def add(self, layer: dict[str, Json], path: str, keras_path: str, *, trainable: bool) -> None:
        """Add the arrays of ``layer``, given in minidl's JSON."""
        config = layer["config"]
        names = [name for name, switch in ARRAYS.get(layer["class"], ()) if switch is None or config.get(switch, True)]
        for index, name in enumerate(names):
            self.places.append(
                (f"weights/{path}/{name}", f"{keras_path}/vars/{index}", trainable and name not in STATE)
            )


def snake_case(name: str) -> str:
    """Return ``"leaky_re_lu"`` for ``"LeakyReLU"``: the form of class names in Keras' files."""
    return re.sub(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", name).lower()


class Names:
    """Generates the layer names in one container of Keras' file: ``dense``, ``dense_1``, ..."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def next(self, class_name: str) -> str:
        """Return the name of the next layer of that class."""
        name = snake_case(class_name)
        number = self.counts[name] = self.counts.get(name, -1) + 1
        return f"{name}_{number}" if number else name
