"""The architecture of a model as JSON, without its weights: `text_of_model` and `model_of_text`."""

from collections.abc import Mapping
from typing import Any

from minidl.errors import ArgumentError, ModelFileError
from minidl.saving.objects import Decoder, Encoder, check_custom_objects
from minidl.typing import Model


def text_of_model(model: Model) -> str:
    """Return a model's layers with their arguments as JSON; an `ArgumentError` for arrays and functions in them."""
    import json  # slow to import, and seldom needed

    encoder = Encoder()
    content = encoder.encode(model, "model")
    if encoder.arrays or encoder.functions:
        found = ", ".join([*encoder.arrays, *encoder.functions])
        raise ArgumentError(f"to_json: expected no arrays and functions in layers, got {found}. Use model.save(path).")
    return json.dumps(content)


def model_of_text(text: Any, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """Return a new model from what `text_of_model` returned, or raise a `ModelFileError`."""
    import json

    decoder = Decoder({}, check_custom_objects(custom_objects))
    try:
        model = decoder.decode(json.loads(text), "model")
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"model_from_json: expected the text of to_json, got {str(text)[:60]!r}.") from error
    if decoder.problems or not hasattr(model, "layers"):
        raise ModelFileError("\n  ".join(["model_from_json: this is not a model:", *decoder.problems]))
    _, shape = decoder.layers[-1]
    if shape is not None:
        model.build(shape)
    return model
