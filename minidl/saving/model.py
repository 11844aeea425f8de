"""Whole models to files and back: architecture, values, and what training needs to go on.

A file describes; it never holds code. Every size is compared with the file's before anything is allocated.
"""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minidl import __version__, checks
from minidl.callbacks import History
from minidl.config import registry
from minidl.errors import ArgumentError, MinidlError, ModelFileError
from minidl.layers.tree import walk
from minidl.saving.format import FORMAT, read_file, write_file
from minidl.saving.objects import Decoder, Encoder, check_custom_objects, differences, raise_problems, same
from minidl.typing import Array, Model

COMPILED = ("optimizer", "loss", "metrics", "weighted_metrics", "check_gradients")  # what Sequential.compile takes


def save_model(model: Model, path: Any, *, include_optimizer: bool = True) -> None:
    """Write ``model`` to one file, which is replaced as a whole or not at all; see `Sequential.save`.

    A value that is not finite, or that has no place in a file, is an `ArgumentError`.
    """
    write_file(path, *described(model, Encoder(), training=include_optimizer))


def described(
    model: Model, encoder: Encoder, run: dict[str, Any] | None = None, training: bool = True
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the JSON object of a file of ``model``; ``run`` is a training run under way."""
    if model.dtype not in ("float32", "float64"):
        raise ArgumentError(f"save: expected a model of float32 or float64, got {model.dtype}.")
    content = {
        "minidl": __version__,
        "environment": environment(),
        "model": encoder.encode(model, "model"),
        "state": {"randomness": encoder.encode(model.randomness.get_state(), "randomness")},
        "training": _training(model, encoder) if training and model.optimizer is not None else None,
        "run": run,
    }
    return {**encoder.arrays, **_weights(model)}, content


def environment() -> dict[str, str]:
    """Return what bit-equal results depend on beside the file."""
    import platform  # only saving needs it

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "system": sys.platform,
    }


def _weights(model: Model) -> dict[str, Array]:
    weights = {}
    for path, layer in walk(model.sublayers()):
        for name, view in layer.views.items():
            if name in layer.declared:
                weights[f"weights/{path}/{name}"] = array = view.copy()  # another thread may be training
                _require_finite(array, f"{layer.label}: {name}")
    return weights


def _require_finite(array: Array, what: str) -> None:
    if not np.isfinite(array).all():
        raise ArgumentError(
            f"save: {what}: expected finite values, got {array[~np.isfinite(array)][0]}. "
            "The run has diverged: an older file stays as it is."
        )


def _training(model: Model, encoder: Encoder) -> dict[str, Any]:
    history = getattr(model, "history", None)
    state = model.optimizer.get_state()
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            _require_finite(value, f"{type(model.optimizer).__name__}: {name}")
    return {
        "compile": {name: encoder.encode(getattr(model, name), name) for name in COMPILED},
        "optimizer_state": encoder.encode(state, "optimizer_state"),
        "history": None if history is None else encoder.encode(history.get_state(), "history"),
    }


def load_model(path: Any, custom_objects: Mapping[str, Any] | None = None, *, compile: bool = True) -> Model:
    """Return the model in the file ``path``, as `Sequential.save` or `ModelCheckpoint` wrote it.

    Parameters
    ----------
    path : str or Path
    custom_objects : dict of str to class or function, optional
        The classes that are not minidl's (or use ``@minidl.register``), and the functions, by the name in the file.
        A function can be left out until it is called: to predict, initializers, schedules and metrics are not needed.
    compile : bool
        False leaves out optimizer, loss and metrics, and the need for their classes.

    Raises
    ------
    ModelFileError
        If the file is damaged, foreign, of a newer format, or does not fit the classes at hand, with every mismatch.
    OSError
        With the path, if it cannot be read.

    Notes
    -----
    Nothing in a file is ever run or imported: a file from a stranger can be wrong, but it cannot act.
    """
    custom_objects = check_custom_objects(custom_objects)
    content, arrays = read_file(path)
    check_content(path, content)
    with refusing(path):
        return _restored(path, content, arrays, custom_objects, compile)


@contextlib.contextmanager
def refusing(path: Any) -> Iterator[None]:
    """Make a `ModelFileError` of whatever goes wrong with what a stranger wrote."""
    try:
        yield
    except ModelFileError:
        raise
    except (ArithmeticError, LookupError, AttributeError, TypeError, ValueError, RecursionError, MinidlError) as error:
        raise ModelFileError(
            f"{path}: expected a description that fits minidl, got one that does not: {str(error)[:1000]}"
        ) from error


def _restored(
    path: Any, content: dict[str, Any], arrays: dict[str, Array], custom_objects: Mapping[str, Any], compile: bool
) -> Model:
    """Return the model that the content of a file describes."""
    weights = weights_of(arrays)
    decoder = Decoder({name: array for name, array in arrays.items() if name not in weights}, custom_objects)
    model: Model = decoder.decode(content["model"], "model")
    randomness = decode_randomness(decoder, content)
    raise_problems(path, decoder.problems)
    if not isinstance(model, registry["Sequential"]):
        raise ArgumentError(f"model: expected a Sequential, got {type(model).__name__}")
    _build(path, model, content["model"]["config"]["input_shape"], weights)
    model.randomness.set_state(randomness)
    if compile and content["training"] is not None:
        _compile(path, model, decoder, content["training"])
        left = [name for name in decoder.arrays if content["run"] is None or not name.startswith("run/")]
        raise_problems(path, [f"{name}: expected no such array" for name in left])
    if not custom_objects and content["format"] == FORMAT:
        _, again = described(model, Encoder())
        compare(path, content, again, ("model", "state", "training") if compile else ("model", "state"))
    return model


def weights_of(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return the arrays that are a model's values."""
    return {name: array for name, array in arrays.items() if name.startswith("weights/")}


def check_content(path: Any, content: dict[str, Any]) -> None:
    """Raise a `ModelFileError` if the parts of the JSON object are not what every file has."""
    parts: dict[str, Any] = dict.fromkeys(("environment", "model", "state"), dict)
    parts |= dict.fromkeys(("training", "run"), (dict, type(None)))
    problems = [
        f"{name}: expected an object, got {type(content.get(name)).__name__}"
        for name, kind in parts.items()
        if name not in content or not isinstance(content[name], kind)
    ]
    problems += [f"{name[:100]}: expected no such part" for name in content.keys() - parts - {"format", "minidl"}]
    raise_problems(path, problems)


def _build(path: Any, model: Model, input_shape: Any, weights: dict[str, Array]) -> None:
    """Build ``model`` with ``weights`` as its values; nothing is allocated before they are known to fit."""
    if input_shape is None:
        raise_problems(path, [f"{name}: expected no array, as the model is not built" for name in weights])
        return
    shape = tuple(input_shape["tuple"])
    if not all(type(length) is int and 0 < length < 1 << 40 for length in shape):
        raise_problems(path, [f"model: input_shape: expected positive integers, got {shape}"])
    if not model.layers:
        model.input_shape = shape
        return
    model.declare(shape)
    raise_problems(path, misfits(model, weights))
    for where, layer in walk(model.sublayers()):  # build takes the values from here and runs no initializer
        layer.views.update({name: weights[f"weights/{where}/{name}"] for name in layer.declared})
    model.build(shape)


def misfits(model: Model, weights: dict[str, Array]) -> list[str]:
    """Return what is wrong with ``weights``, the arrays of a file, as the values of ``model``."""
    wanted = {
        f"weights/{where}/{name}": declaration.shape
        for where, layer in walk(model.sublayers())
        for name, declaration in layer.declared.items()
    }
    problems = [f"{name}: expected no such array" for name in weights.keys() - wanted]
    for name, shape in wanted.items():
        array = weights.get(name)
        if array is None or array.shape != shape or array.dtype != model.dtype:
            got = "none" if array is None else f"{array.shape} and {array.dtype}"
            problems.append(f"{name}: expected an array of shape {shape} and type {model.dtype}, got {got}")
        elif not np.isfinite(array).all():
            problems.append(f"{name}: expected finite values, got others")
    return problems


def decode_randomness(decoder: Decoder, content: dict[str, Any]) -> dict[str, Any]:
    """Return the state of the random numbers; a file of format 1 has no count of training passes."""
    state = content["state"]
    if content["format"] == 1:
        found = {"weights": decoder.decode(state["rng"], "state/rng"), "passes": 0, "epochs": state["epoch"]}
    else:
        found = decoder.decode(state["randomness"], "state/randomness")
    if found.keys() != {"weights", "passes", "epochs"}:
        raise ArgumentError("state/randomness: expected weights, passes and epochs")
    for name in ("passes", "epochs"):
        checks.integer(found[name], f"state/randomness/{name}", minimum=0)
    return found


def _compile(path: Any, model: Model, decoder: Decoder, training: dict[str, Any]) -> None:
    arguments = {name: decoder.decode(training["compile"][name], name) for name in COMPILED}
    state = decoder.decode(training["optimizer_state"], "optimizer_state")
    history = decoder.decode(training["history"], "history")
    raise_problems(path, decoder.problems)
    model.compile(**arguments)
    set_optimizer_state(model, state)
    if history is not None:
        model.trainer.history = History()
        model.trainer.history.set_state(history)


def set_optimizer_state(model: Model, state: dict[str, Any]) -> None:
    """Give the optimizer what its `get_state` returned, if the arrays are of the model's size."""
    size = model.parameters.values.size if model.output_shape else 0
    for name, value in state.items():
        if not isinstance(value, np.ndarray):
            continue
        if value.ndim == 0 or value.shape[-1] != size or value.dtype != model.dtype:
            raise ArgumentError(
                f"optimizer_state/{name}: expected {size} values of {model.dtype}, got {value.shape} of {value.dtype}."
            )
        if not np.isfinite(value).all():
            raise ArgumentError(f"optimizer_state/{name}: expected finite values, got others.")
    model.optimizer.set_state(state)


def compare(path: Any, content: dict[str, Any], again: dict[str, Any], parts: Iterable[str]) -> None:
    """Refuse a file whose model is, described again, not what the file says."""
    problems = []
    for name in parts:
        if not same(content[name], again[name]):
            where = next(differences(name, content[name], again[name]), f"{name}: expected what the file says")
            problems.append(f"{where}, once the model is made")
    raise_problems(path, problems)
