"""Checkpoint: a model file that also holds the state of a training run, so that `fit` can resume it.

The resumed run is the interrupted one, bit for bit, on the same machine with the same libraries.
"""

import copy
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from minidl.data import Table
from minidl.errors import ArgumentError, ModelFileError
from minidl.files import TEMPORARY, as_path
from minidl.layers.tree import walk
from minidl.saving.comparison import differences, file_errors, mismatches, raise_problems
from minidl.saving.format import DIGEST, FORMAT, START, write_file
from minidl.saving.model import (
    check_optimizer_state,
    decode_randomness,
    encode_compile,
    encode_model,
    environment,
    expected_weights,
    read_content,
    weights_of,
)
from minidl.saving.objects import Decoder, Encoder
from minidl.training import Run
from minidl.training.inputs import Source
from minidl.typing import Model

SAMPLED = 1000  # rows of the data that its fingerprint looks at
RESTORED = ("seed", "trainable")  # set to what the file says, so never a difference
RUN = {
    "epoch": int, "batch": int, "first": int, "rows": int, "loss": float, "stopped": bool, "trainable": dict,
    "metrics": dict, "callbacks": list, "start": dict | None, "conditions": dict,
}  # fmt: skip


def save_checkpoint(model: Model, path: Any) -> None:
    """Write ``model`` and the `fit` that is under way to one file; errors as in `save_model`."""
    run, encoder = model.trainer.run, Encoder()
    content = encode_model(model, encoder)
    state = {
        "epoch": int(run.epoch),  # users pass NumPy's numbers too
        "batch": run.batch,
        "first": int(run.first),
        "rows": run.scores.rows,
        "loss": float(run.scores.loss),
        "stopped": bool(model.stop_training),
        "trainable": _trainable(model),
        "metrics": {name: metric.get_state() for name, metric in run.scores.metrics.items()},
        "callbacks": [(type(each).__name__, state) for each in run.callbacks if (state := each.get_state())],
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
            "shuffle": bool(run.data.shuffle),
            "steps_per_epoch": run.data.steps_per_epoch,
            "data": _fingerprint(run.source),
            "validation": _fingerprint(run.validation),
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
        run, training, found = self.content["run"], self.content["training"], self.content["format"]
        if run is None or training is None or found != FORMAT:
            got = "a model alone" if run is None or training is None else f"one of format {found}, not {FORMAT}"
            raise ModelFileError(
                f"{path}: expected a checkpoint with a training run, got {got}. Use load_model and fit, or let "
                "ModelCheckpoint write the file."
            )
        with file_errors(path):
            self.weights, decoder = weights_of(arrays), Decoder(dict(arrays), {})
            self.run = {name: decoder.decode(value, f"run/{name}") for name, value in run.items()}
            self.randomness = decode_randomness(decoder, self.content)
            self.optimizer_state = decoder.decode(training["optimizer_state"], "optimizer_state")
            self.seed = self.content["model"]["config"]["seed"]
            raise_problems([*decoder.problems, *mismatches("run", self.run, RUN), *mismatches("seed", self.seed, int)])

    @classmethod
    def find(cls, path: Any) -> Self | None:
        """Return the checkpoint ``path``, or the newest whole one of the folder ``path``; None if that has none.

        Each damaged file of a folder that is passed over gives a warning; if all are damaged, the newest one's error
        is raised.
        """
        path = as_path(path, "fit: resume")
        if not path.is_dir():
            return cls(path)
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
            shown = "\n  ".join(["", *found[:20]])
            raise ArgumentError(
                f"fit: cannot resume from {self.path}, because this run differs from the one that wrote it:{shown}\n"
                "To start a new run from its weights, use load_model."
            )
        with file_errors(self.path):
            self._check_states(model, run)
        changed = "; ".join(differences("environment", self.content["environment"], environment()))
        if changed:
            warnings.warn(f"fit: resume: the last digits may differ from the run's: {changed}.", stacklevel=3)

    def _differences(self, model: Model, run: Run) -> Iterator[str]:
        encoder, before = Encoder(), self.content["training"]["compile"]
        yield from differences("model", self.content["model"], encoder.encode(model, "model"), RESTORED)
        for name, now in encode_compile(model, encoder).items():
            yield from differences(name, _without_rate(before[name]), _without_rate(now))
        yield from differences("fit", self.run["conditions"], _conditions(run))
        for name, callback, _ in self._callbacks(run):
            if callback is None:
                yield f"callbacks: expected {'an' if name[:1] in 'AEIOU' else 'a'} {name}, got none"

    def _callbacks(self, run: Run) -> Iterator[tuple[str, Any, dict[str, Any]]]:
        """Yield the class name of each callback in the file, the callback of ``run`` or None, and its state."""
        waiting = list(run.callbacks)
        for name, state in self.run["callbacks"]:
            callback = next((item for item in waiting if type(item).__name__ == name), None)
            waiting = [item for item in waiting if item is not callback]
            yield name, callback, state

    def _check_states(self, model: Model, run: Run) -> None:
        """Compare every state with the part of the run that will take it, by name and kind."""
        values, states = model.network.parameters.values, model.network.states
        start = {"values": values, "states": states, "passes": int, "iterations": int}
        expected = {
            "trainable": dict.fromkeys(_trainable(model), bool),
            "metrics": dict.fromkeys(run.scores.metrics, dict),
            "start": object if self.run["start"] is None else start,
        }
        found = {name: self.run[name] for name in expected}
        raise_problems(
            [*mismatches("weights", self.weights, expected_weights(model)), *mismatches("run", found, expected)]
        )
        check_optimizer_state(model, self.optimizer_state)
        copy.deepcopy(model.optimizer).set_state(self.optimizer_state)
        for name, metric in run.scores.metrics.items():
            fresh = copy.copy(metric)
            fresh.set_state(self.run["metrics"][name])
            fresh.result()  # fails for a state that cannot be one

    def apply(self, model: Model, run: Run) -> None:
        """Move ``model`` and ``run`` to where the file says they were; what can fail comes before the model changes."""
        with file_errors(self.path):
            for _, callback, state in self._callbacks(run):
                callback.set_state(state)
        for name, metric in run.scores.metrics.items():
            metric.set_state(self.run["metrics"][name])
        model.optimizer.set_state(self.optimizer_state)
        for path, layer in walk({"": model}):
            layer.trainable = self.run["trainable"][path]
        for path, layer in walk(model.sublayers()):
            for name in layer.declared:
                layer.views[name][...] = self.weights[f"{path}/{name}"]
        model.randomness.seed = self.seed
        model.randomness.set_state(self.randomness)
        run.epoch, run.batch, run.first = self.run["epoch"], self.run["batch"], self.run["first"]
        run.scores.loss, run.scores.rows = self.run["loss"], self.run["rows"]
        run.start, model.stop_training = self.run["start"], self.run["stopped"]


def _without_rate(encoded: Any) -> Any:
    """Leave out a rate that is a number: it changes in training, and ``conditions`` has the one at the start."""
    match encoded:
        case {"config": {"learning_rate": float(), **config}}:
            return {**encoded, "config": config}
    return encoded


def _looks_like_a_model(path: Path) -> bool:
    if not path.is_file() or TEMPORARY.fullmatch(path.name):
        return False
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        return file.read(DIGEST.start)[8:] == START


def _age(path: Path) -> tuple[int, str]:
    """Sort by time, and by name where the file system's clock is too coarse."""
    return path.stat().st_mtime_ns, path.name
