"""Checkpoint: a model file that also holds the state of a training run, so that `fit` can resume it.

The resumed run is the interrupted one, bit for bit, on the same machine with the same libraries.
"""

import copy
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from minidl import checks
from minidl.callbacks import Callback
from minidl.data import Table
from minidl.errors import ArgumentError, ModelFileError
from minidl.files import TEMPORARY, as_path, remove_temporaries
from minidl.layers.tree import walk
from minidl.saving.comparison import differences, file_errors, mismatches, name_mismatches, raise_problems
from minidl.saving.format import DIGEST, FORMAT, START, write_file
from minidl.saving.model import (
    check_optimizer_state,
    decode_randomness,
    encode_compile,
    encode_model,
    environment,
    expected_weights,
    read_content,
    take_weights,
)
from minidl.saving.objects import Decoder, Encoder
from minidl.training import Run
from minidl.training.inputs import Source
from minidl.typing import Model

SAMPLED = 1000  # rows of the data that its fingerprint looks at
RESTORED = ("seed", "trainable")  # set to what the file says, so never a difference
PROGRESS = {"epoch": 0, "batch": 0, "first": 0, "rows": 0, "loss": 0.0, "stopped": False}
STATES = {"trainable": dict, "metrics": dict, "callbacks": list, "start": (dict, type(None)), "conditions": dict}


def save_checkpoint(model: Model, path: Any) -> None:
    """Write ``model`` and the `fit` that is under way to one file; errors as in `save_model`."""
    run, encoder = model.trainer.run, Encoder()
    content = encode_model(model, encoder)
    state = {
        "epoch": run.epoch,
        "batch": run.batch,
        "first": run.first,
        "rows": run.scores.rows,
        "loss": run.scores.loss,
        "stopped": model.stop_training,
        "trainable": _trainable(model),
        "metrics": {name: metric.get_state() for name, metric in run.scores.metrics.items()},
        "callbacks": [
            (type(callback).__name__, state) for callback in run.callbacks if (state := callback.get_state())
        ],
        "start": run.start,
        "conditions": _conditions(run),
    }
    content["run"] = {name: encoder.encode(value, f"run/{name}") for name, value in state.items()}
    write_file(path, encoder.arrays, content)


def _trainable(model: Model) -> dict[str, bool]:
    return {path: bool(layer.trainable) for path, layer in walk({"": model})}


def _conditions(run: Run) -> dict[str, Any]:
    """Return what ``run`` was given, with each data set as its fingerprint; a rate that is a function is none."""
    if run.conditions is None:
        run.conditions = {
            "batch_size": run.source.batch_size,
            "shuffle": run.data.shuffle,
            "steps_per_epoch": run.data.steps_per_epoch,
            **{f"data: {name}": value for name, value in _fingerprint(run.source).items()},
            **{f"validation: {name}": value for name, value in _fingerprint(run.validation).items()},
            "learning_rate": run.learning_rate if isinstance(run.learning_rate, float) else None,
        }
    return run.conditions


def _fingerprint(source: Source | None) -> dict[str, Any]:
    """Return what distinguishes one data set from another: shapes, types, and a digest of up to 1,000 rows."""
    if source is None:
        return {}
    data = source.data
    if not isinstance(data, Table):
        return {"stream": "batches", "steps": data.steps}
    import hashlib

    chosen = np.unique(np.linspace(0, len(data) - 1, SAMPLED).astype(int))
    found: dict[str, Any] = {"rows": len(data) if source.rows is None else len(source.rows)}
    for name in ("x", "y", "sample_weight"):
        array = getattr(data, name)
        if array is not None:
            sample = np.ascontiguousarray(array[chosen])
            found[name] = f"{array.dtype} {array.shape}, SHA-256 {hashlib.sha256(sample.data).hexdigest()[:16]}"
    return found


class Checkpoint:
    """A file that holds a training run, read and verified; its ``seed`` orders the rows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content, arrays = read_content(path)
        run, training = self.content["run"], self.content["training"]
        if run is None or training is None:
            raise ModelFileError(
                f"{path}: expected a checkpoint with a training run, got a model alone. Use load_model and fit, or let "
                "ModelCheckpoint write the file."
            )
        if self.content["format"] != FORMAT:
            raise ModelFileError(
                f"{path}: expected a checkpoint of format {FORMAT}, got one of format {self.content['format']}, whose "
                "run cannot be resumed. To start a new run from its weights, use load_model."
            )
        with file_errors(path):
            raise_problems(name_mismatches("run", run, [*PROGRESS, *STATES]))
            self.weights, decoder = take_weights(arrays), Decoder(arrays, {})
            self.run = {name: decoder.decode(value, f"run/{name}") for name, value in run.items()}
            self.randomness = decode_randomness(decoder, self.content)
            self.optimizer_state = decoder.decode(training["optimizer_state"], "optimizer_state")
            raise_problems(decoder.problems)
            raise_problems(mismatches("run", {name: self.run[name] for name in PROGRESS}, PROGRESS))
            wrong = [name for name, kind in STATES.items() if not isinstance(self.run[name], kind)]
            raise_problems(f"run/{name}: expected states by name, got {self.run[name]!r:.100}" for name in wrong)
            self.seed = checks.integer(self.content["model"]["config"]["seed"], "seed", minimum=0)

    @classmethod
    def find(cls, path: Any) -> Self | None:
        """Return the checkpoint ``path``, or the newest whole one of the folder ``path``; None if that has none.

        Each damaged file of a folder that is passed over gives a warning; if all are damaged, the newest one's error
        is raised.
        """
        path = as_path(path, "fit: resume")
        if not path.is_dir():
            return cls(path)
        remove_temporaries(path)
        failure: ModelFileError | None = None
        for candidate in sorted(filter(_looks_like_a_model, path.iterdir()), key=_age, reverse=True):
            try:
                return cls(candidate)
            except ModelFileError as error:
                warnings.warn(f"fit: resume: passing over a checkpoint: {error}", stacklevel=3)
                failure = failure or error
        if failure is not None:
            raise failure
        return None

    def check(self, model: Model, run: Run) -> None:
        """Raise an error if ``run`` is not the one in the file, or cannot continue from it; nothing is changed.

        An `ArgumentError` names every difference; a `ModelFileError` is for a file that cannot be followed.
        """
        with file_errors(self.path):
            found = list(self._differences(model, run))
        if found:
            shown = "\n  ".join(found[:20])
            raise ArgumentError(
                f"fit: cannot resume from {self.path}, because this run differs from the one that wrote it:\n  {shown}\n"
                "To start a new run from its weights, use load_model."
            )
        with file_errors(self.path):
            self._check_states(model, run)
        changed = list(differences("environment", self.content["environment"], environment()))
        if changed:
            warnings.warn(
                f"fit: resume: the last digits may differ from the run's: {'; '.join(changed)}.", stacklevel=3
            )

    def _differences(self, model: Model, run: Run) -> Iterator[str]:
        encoder, before = Encoder(), self.content["training"]["compile"]
        yield from differences("model", self.content["model"], encoder.encode(model, "model"), RESTORED)
        for name, now in encode_compile(model, encoder).items():
            yield from differences(name, _without_rate(before[name]), _without_rate(now))
        yield from differences("fit", self.run["conditions"], _conditions(run))
        names = [type(callback).__name__ for callback in run.callbacks]
        for name, _ in self.run["callbacks"]:
            if name not in names:
                yield f"callbacks: expected {'an' if name[:1] in 'AEIOU' else 'a'} {name}, got none"
            else:
                names.remove(name)

    def _check_states(self, model: Model, run: Run) -> None:
        """Compare every state with the part of the run that will take it, by name and kind."""
        network = model.network
        start = {"values": network.parameters.values, "states": network.states, "passes": 0, "iterations": 0}
        problems = [
            *mismatches("weights", self.weights, expected_weights(model)),
            *mismatches("run/trainable", self.run["trainable"], _trainable(model)),
            *([] if self.run["start"] is None else mismatches("run/start", self.run["start"], start)),
            *name_mismatches("run/metrics", self.run["metrics"], run.scores.metrics, "state"),
        ]
        raise_problems(problems)
        check_optimizer_state(model, self.optimizer_state)
        copy.deepcopy(model.optimizer).set_state(self.optimizer_state)
        for name, metric in run.scores.metrics.items():
            fresh = copy.copy(metric)
            fresh.set_state(self.run["metrics"][name])
            fresh.result()  # fails for a state that cannot be one

    def apply(self, model: Model, run: Run) -> None:
        """Move ``model`` and ``run`` to where the file says they were; what can fail comes before the model changes."""
        with file_errors(self.path):
            for callback, state in self._callback_states(run):
                callback.set_state(state)
        for name, metric in run.scores.metrics.items():
            metric.set_state(self.run["metrics"][name])
        model.optimizer.set_state(self.optimizer_state)
        for path, layer in walk({"": model}):
            layer.trainable = self.run["trainable"][path]
        for path, layer in walk(model.sublayers()):
            for name in layer.declared:
                layer.views[name][...] = self.weights[f"{path}/{name}"]
        model.seed = self.seed
        model.randomness.set_state(self.randomness)
        run.epoch, run.batch, run.first = self.run["epoch"], self.run["batch"], self.run["first"]
        run.scores.loss, run.scores.rows = self.run["loss"], self.run["rows"]
        run.start, model.stop_training = self.run["start"], self.run["stopped"]

    def _callback_states(self, run: Run) -> Iterator[tuple[Callback, dict[str, Any]]]:
        waiting = list(run.callbacks)
        for name, state in self.run["callbacks"]:
            callback = next(item for item in waiting if type(item).__name__ == name)
            waiting.remove(callback)
            yield callback, state


def _without_rate(encoded: Any) -> Any:
    """Leave out a rate that is a number: it changes in training, and ``conditions`` has the one at the start."""
    match encoded:
        case {"config": {"learning_rate": float(), **config}}:
            return {**encoded, "config": config}
    return encoded


def _looks_like_a_model(path: Path) -> bool:
    if not path.is_file() or path.name.endswith(TEMPORARY):
        return False
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        return file.read(DIGEST.start)[8:] == START


def _age(path: Path) -> tuple[int, str]:
    """Sort by time, and by name where the file system's clock is too coarse."""
    return path.stat().st_mtime_ns, path.name
