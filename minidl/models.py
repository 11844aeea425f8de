"""Models: where Keras keeps `Sequential` and `load_model` too.

So only the package name changes in ``from keras.models import Sequential``.
"""

from collections.abc import Mapping
from typing import Any

from minidl.errors import ModelFileError
from minidl.saving import Decoder, check_custom_objects, read_model, save_model
from minidl.sequential import Sequential

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None = None, *, compile: bool = True) -> Sequential:
    """Return the model that `Sequential.save` or `ModelCheckpoint` wrote to the file ``filepath``.

    Parameters
    ----------
    filepath : str or Path
    custom_objects : dict of str to class or function, optional
        Custom classes (unless registered with ``@minidl.register``) and functions, by their names in the file.
        Functions that are never called can be omitted: prediction needs no initializers, schedules or metrics.
    compile : bool
        False omits optimizer, loss and metrics, so that their classes are not needed.

    Raises
    ------
    ModelFileError
        If the file is corrupt, not a model file, of a newer format, or does not fit the known classes; it lists every
        mismatch.
    OSError
        If the file cannot be read; it names the path.

    Notes
    -----
    Nothing in a file is ever run or imported: an untrusted file may be invalid, but it cannot execute code.
    """
    model: Sequential = read_model(filepath, custom_objects, compile=compile)
    return model


def clone_model(model: Sequential) -> Sequential:
    """Return a new, uncompiled model with the same layers and new weights; ``model.copy()`` keeps the weights."""
    return type(model).from_config(model.get_config() | {"seed": None})


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Sequential:
    """Return a new model with new weights from the text that `Sequential.to_json` returned.

    Raises
    ------
    ModelFileError
        If the text is not such JSON, or does not fit the known classes.
    """
    import json  # slow to import, and rarely needed

    decoder = Decoder({}, check_custom_objects(custom_objects))
    try:
        model: Any = decoder.decode(json.loads(json_string), "model")
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"model_from_json: expected the text of to_json, got {json_string!r:.60}.") from error
    if decoder.problems or not isinstance(model, Sequential):
        raise ModelFileError("\n  ".join(["model_from_json: expected text of minidl's to_json:", *decoder.problems]))
    _, shape = decoder.layers[-1]
    if shape is not None:
        model.build(shape)
    return model
