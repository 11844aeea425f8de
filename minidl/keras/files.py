"""Files of Keras 3: a zip archive of config.json, metadata.json and the arrays in model.weights.h5.

Nothing in a file is executed, and no size is trusted before it has been compared with the size of the file.
"""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from minidl import __version__
from minidl.errors import ArgumentError, ModelFileError
from minidl.files import write_file
from minidl.keras.models import model_from_keras, model_to_keras
from minidl.keras.training import State, training_from_keras, training_to_keras
from minidl.packages import import_package
from minidl.randomness import Randomness
from minidl.typing import Array

FORMAT = 2  # format of the content, as in minidl's model files
KERAS = "3.8.0"  # the version whose file format is written
MEMBERS = ("config.json", "metadata.json", "model.weights.h5")
TEXT = 16 << 20  # maximum size of config.json in bytes
WHO = "a name that ends in .keras"


def write_content(path: Path, arrays: dict[str, Array], content: dict[str, Any], who: str = "save") -> None:
    """Write the content of a model file in Keras' format; an `ArgumentError` for what Keras cannot represent."""
    h5py = import_package("h5py", WHO, "keras")
    model, places = model_to_keras(content["model"], who)
    if model["config"].get("build_input_shape") is None:
        raise ArgumentError(f"{who}: expected a built model for a .keras file. Put Input((features,)) first.")
    groups = {keras_path: arrays[name] for name, keras_path, _ in places.places}
    if content["training"] is not None:
        state = State(places, arrays)
        model["compile_config"], variables = training_to_keras(content["training"], arrays, state, who)
        groups |= {f"optimizer/vars/{index}": array for index, array in enumerate(variables)}
    weights, archive = io.BytesIO(), io.BytesIO()
    with h5py.File(weights, "w") as file:
        for name, array in groups.items():
            file[name] = array
    metadata = {"keras_version": KERAS, "date_saved": f"{datetime.now():%Y-%m-%d@%H:%M:%S}"}
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("metadata.json", json.dumps(metadata))
        zipped.writestr("config.json", json.dumps(model, allow_nan=False))
        zipped.writestr("model.weights.h5", weights.getvalue())
    write_file(path, [archive.getvalue()])


def read_content(path: Path, *, training: bool = True) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the content and arrays of a Keras file as in a model file; a `ModelFileError` for other files.

    Without ``training``, the optimizer, loss and metrics are left out.
    """
    import_package("h5py", WHO, "keras")
    with path.open("rb"):
        pass  # raises an OSError if the file is missing
    try:
        return _read(path, training=training)
    except OSError:
        raise
    except ArgumentError as error:
        fix = "" if not training else " To leave out optimizer, loss and metrics, pass compile=False."
        raise ModelFileError(f"{path}: {error}{fix if _is_about_training(error) else ''}") from error
    except Exception as error:  # a damaged file fails in zipfile, json, h5py or on a missing key
        raise ModelFileError(
            f"{path}: expected a model file of Keras 3, got a damaged or different one: "
            f"{type(error).__name__}: {str(error)[:300]}"
        ) from error


def _is_about_training(error: Exception) -> bool:
    return str(error).startswith(("optimizer", "compile", "loss", "metrics", "weighted_metrics"))


def _read(path: Path, *, training: bool) -> tuple[dict[str, Any], dict[str, Array]]:
    members = _members(path)
    config, metadata = (json.loads(members[name], parse_constant=_no_number) for name in MEMBERS[:2])
    version = str(metadata.get("keras_version"))
    if not version.startswith("3."):
        raise ArgumentError(f"expected a file of Keras 3, got one of Keras {version:.20}. Save it again with Keras 3.")
    randomness = Randomness(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
    model, places = model_from_keras(config, randomness.seed)
    with _Weights(members["model.weights.h5"]) as weights:
        dtype = model["config"]["dtype"]
        arrays = {name: weights.read(keras_path, dtype) for name, keras_path, _ in places.places}
        weights.require_no_more([keras_path for _, keras_path, _ in places.places])
        content: dict[str, Any] = {
            "format": FORMAT,
            "minidl": __version__,
            "environment": {"keras": version},
            "model": model,
            "state": {"randomness": _encoded(randomness)},
            "training": None,
            "run": None,
        }
        if training and config.get("compile_config"):
            state = State(places, arrays)
            content["training"], found = training_from_keras(
                config["compile_config"], weights.optimizer(), state, dtype
            )
            arrays |= found
    return content, arrays


def _encoded(randomness: Randomness) -> dict[str, Any]:
    """Return the state of the random numbers as JSON for a model file."""
    return {"dict": [[key, _pairs(value)] for key, value in randomness.get_state().items()]}


def _pairs(value: Any) -> Any:
    return {"dict": [[key, _pairs(item)] for key, item in value.items()]} if isinstance(value, dict) else value


def _members(path: Path) -> dict[str, bytes]:
    """Return the three files of the archive, which Keras stores without compression."""
    with zipfile.ZipFile(path) as archive:
        found = {each.filename: each for each in archive.infolist()}
        if not found.keys() >= set(MEMBERS):
            raise ValueError(f"an archive without {', '.join(sorted(set(MEMBERS) - found.keys()))}")
        for name in MEMBERS:
            if found[name].compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{name} is compressed, as Keras never writes it")
            if name != MEMBERS[2] and found[name].file_size > TEXT:
                raise ValueError(f"{name} has more than {TEXT} bytes")
        return {name: archive.read(name) for name in MEMBERS}


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


class _Weights:
    """The arrays in model.weights.h5; reads only plain arrays stored in the file itself."""

    def __init__(self, data: bytes) -> None:
        self.h5py = import_package("h5py", WHO, "keras")
        self.size = len(data)
        self.file = self.h5py.File(io.BytesIO(data), "r")

    def __enter__(self) -> "_Weights":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def read(self, name: str, dtype: str) -> Array:
        """Return the array called ``name`` as ``dtype``."""
        return np.asarray(self._dataset(name)[()], dtype)

    def _dataset(self, name: str) -> Any:
        group = self.file
        for part in name.split("/"):
            if not isinstance(group, self.h5py.Group) or part not in group:
                raise ArgumentError(f"expected the array {name} in model.weights.h5, got none.")
            if not isinstance(group.get(part, getlink=True), self.h5py.HardLink):
                raise ArgumentError(f"expected an array at {name} in model.weights.h5, got a link to another file.")
            group = group[part]
        plain = isinstance(group, self.h5py.Dataset) and group.dtype.kind in "fiu"
        if not plain or group.is_virtual or group.external or group.nbytes > self.size:
            raise ArgumentError(f"expected numbers at {name} in model.weights.h5, got something else.")
        return group

    def optimizer(self) -> list[Array]:
        """Return the variables of the optimizer in order; an empty list if it has taken no step."""
        group = self.file.get("optimizer/vars")
        count = 0 if group is None else len(group)
        return [self._dataset(f"optimizer/vars/{index}")[()] for index in range(count)]

    def require_no_more(self, names: list[str]) -> None:
        """Raise an error if there are arrays of layers other than ``names``."""
        found: list[str] = []
        self.file.visititems(lambda name, item: found.append(name) if isinstance(item, self.h5py.Dataset) else None)
        known = {*names, *(name for name in found if name.startswith("optimizer/") or "seed_generator" in name)}
        others = [name for name in found if name not in known]
        if others:
            raise ArgumentError(f"expected no arrays but those of the layers, got {', '.join(others[:5])}.")
