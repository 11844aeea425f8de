"""Models: where Keras keeps `Sequential` and `load_model` too.

So that ``from keras.models import Sequential`` needs another first word only.
"""

from collections.abc import Mapping
from typing import Any

from minidl.errors import ModelFileError
from minidl.saving import Decoder, check_custom_objects, read_model, save_model
from minidl.sequential import Sequential

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None = None, *, compile: bool = True) -> Sequential:
    """Return the model in the file ``filepath``, as `Sequential.save` or `ModelCheckpoint` wrote it.

    Parameters
    ----------
    filepath : str or Path
    custom_objects : dict of str to class or function, optional
        The classes that are not minidl's (or use ``@minidl.register``), and the functions, by the name in the file.
        A function can be left out until it is called: to predict, initializers, schedules and metrics are not needed.
    compile : bool
        False leaves out optimizer, loss and metrics, and the need for their classes.

    Raises
    ------
    ModelFileError
        If the file is damaged, foreign, of a newer format, or does not fit the known classes, with every mismatch.
    OSError
        With the path, if it cannot be read.

    Notes
    -----
    Nothing in a file is ever run or imported: an untrusted file may be invalid, but it cannot execute code.
    """
    model: Sequential = read_model(filepath, custom_objects, compile=compile)
    return model


def clone_model(model: Sequential) -> Sequential:
    """Return a new model of the same layers, with new weights and not compiled; ``model.copy()`` keeps the weights."""
    return type(model).from_config(model.get_config() | {"seed": None})


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Sequential:
    """Return a new model, with new weights, from what `Sequential.to_json` returned.

    Raises
    ------
    ModelFileError
        If it is no such text, or does not fit the known classes.
    """
    import json  # slow to import, and seldom needed

    decoder = Decoder({}, check_custom_objects(custom_objects))
    try:
        model: Any = decoder.decode(json.loads(json_string), "model")
    except (TypeError, ValueError, RecursionError) as error:
        got = f"{str(json_string)[:60]!r}"
        raise ModelFileError(f"model_from_json: expected the text of to_json, got {got}.") from error
    if decoder.problems or not isinstance(model, Sequential):
        raise ModelFileError("\n  ".join(["model_from_json: this is not a model:", *decoder.problems]))
    _, shape = decoder.layers[-1]
    if shape is not None:
        model.build(shape)
    return model
