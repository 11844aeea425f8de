"""Checkpoint: a model file that also says where a training run stands, so that `fit` can go on from there.

The resumed run is the interrupted one, bit for bit, on the same machine with the same libraries.
"""

import warnings
from pathlib import Path
from typing import Any, Self

import numpy as np

from minidl import checks
from minidl.data import Table
from minidl.errors import ArgumentError, ModelFileError
from minidl.files import TEMPORARY, as_path, remove_temporaries
from minidl.layers.tree import walk
from minidl.saving.format import DIGEST, START, read_file, write_file
from minidl.saving.model import (
    COMPILED,
    check_content,
    compare,
    decode_randomness,
    described,
    environment,
    misfits,
    refusing,
    set_optimizer_state,
    weights_of,
)
from minidl.saving.objects import Decoder, Encoder, differences, raise_problems
from minidl.training import Run
from minidl.training.inputs import Source
from minidl.typing import Model

SAMPLED = 1000  # rows of the data that its fingerprint looks at
OWN = ("seed", "trainable")  # restored from the file, so never a difference
RUN = ("epoch", "batch", "first", "stopped", "loss", "rows", "metrics", "callbacks", "start", "conditions")


def save_checkpoint(model: Model, path: Any) -> None:
    """Write ``model`` and the `fit` that is under way to one file; errors as in `save_model`."""
    run, encoder = model.trainer.run, Encoder()
    state = {
        "epoch": run.epoch,
        "batch": run.batch,
        "first": run.first,
        "stopped": model.stop_training,
        "loss": run.scores.loss,
        "rows": run.scores.rows,
        "metrics": [(name, metric.get_state()) for name, metric in run.scores.metrics.items()],
        "callbacks": [
            (type(callback).__name__, state) for callback in run.callbacks if (state := callback.get_state())
        ],
        "start": run.start,
        "conditions": _conditions(run),
    }
    encoded = {name: encoder.encode(value, f"run/{name}") for name, value in state.items()}
    write_file(path, *described(model, encoder, encoded))


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
    """Return what tells one data set from another: shapes, types, and a digest of up to 1,000 rows."""
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
        self.content, self.arrays = read_file(path)
        check_content(path, self.content)
        run, training = self.content["run"], self.content["training"]
        if run is None or training is None:
            raise ModelFileError(
                f"{path}: expected a checkpoint with a training run, got a model alone. Use load_model and fit, or let "
                "ModelCheckpoint write the file."
            )
        decoder = Decoder(dict(self.arrays), {})
        with refusing(path):
            self.run = {name: decoder.decode(run[name], f"run/{name}") for name in RUN}
            self.randomness = decode_randomness(decoder, self.content)
            self.optimizer_state = decoder.decode(training["optimizer_state"], "optimizer_state")
            raise_problems(path, decoder.problems)
            self.seed = checks.integer(self.content["model"]["config"]["seed"], "seed", minimum=0)
            _check_run(self.run)

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
                warnings.warn(f"fit: resume: passing over a checkpoint: {error}", stacklevel=4)
                failure = failure or error
        if failure is not None:
            raise failure
        return None

    def check(self, model: Model, run: Run) -> None:
        """Raise an `ArgumentError` that names every difference between this `fit` and the one in the file."""
        _, now = described(model, Encoder())
        before = self.content
        with refusing(self.path):
            found = list(differences("model", before["model"], now["model"], OWN))
            for name in COMPILED:
                then, given = before["training"]["compile"][name], now["training"]["compile"][name]
                if name == "optimizer" and isinstance(then, dict) and isinstance(given, dict):
                    then, given = _without_rate(then), _without_rate(given)
                found += differences(name, then, given)
            found += differences("fit", self.run["conditions"], _conditions(run))
        names = [type(callback).__name__ for callback in run.callbacks]
        for name, _ in self.run["callbacks"]:
            if name not in names:
                found.append(f"callbacks: expected a {name}, got none")
            else:
                names.remove(name)
        if found:
            shown = "\n  ".join(found[:20])
            raise ArgumentError(f"fit: resume: expected the run that wrote {self.path}, got another one:\n  {shown}")
        raise_problems(self.path, misfits(model, weights_of(self.arrays)))
        self._rehearse(model)
        changed = list(differences("environment", before["environment"], environment()))
        if changed:
            warnings.warn(
                f"fit: resume: the last digits may differ from the run's: {'; '.join(changed)}.", stacklevel=4
            )

    def _rehearse(self, model: Model) -> None:
        """Put a copy of ``model`` where the file says, so that a file that cannot be followed changes nothing."""
        twin = model.copy()
        with refusing(self.path):
            start = self.run["start"]
            if start is not None:
                checks.integer(start["passes"], "run/start/passes", minimum=0)
                checks.integer(start["iterations"], "run/start/iterations", minimum=0)
                twin.network.parameters.values[...] = start["values"]
                for state, before in zip(twin.network.states, start["states"], strict=True):
                    state[...] = before
            self._set(twin)
            _, again = described(twin, Encoder())
            compare(self.path, self.content, again, ("model", "state"))
            compare(self.path, self.content["training"], again["training"], ("optimizer_state",))

    def apply(self, model: Model, run: Run) -> None:
        """Put model and run where the file says they were."""
        with refusing(self.path):
            for metric, (_, state) in zip(run.scores.metrics.values(), self.run["metrics"], strict=True):
                metric.set_state(state)
                metric.result()  # fails for a state that cannot be one
            waiting = list(run.callbacks)
            for name, state in self.run["callbacks"]:
                callback = next(item for item in waiting if type(item).__name__ == name)
                waiting.remove(callback)
                callback.set_state(state)
        self._set(model)
        run.epoch, run.batch, run.first = self.run["epoch"], self.run["batch"], self.run["first"]
        run.scores.loss, run.scores.rows = self.run["loss"], self.run["rows"]
        run.start, model.stop_training = self.run["start"], self.run["stopped"]

    def _set(self, model: Model) -> None:
        for path, layer in walk(model.sublayers()):
            for name in layer.declared:
                layer.views[name][...] = self.arrays[f"weights/{path}/{name}"]
        _set_own(model, self.content["model"])
        model.randomness.set_state(self.randomness)
        set_optimizer_state(model, self.optimizer_state)


def _check_run(run: dict[str, Any]) -> None:
    """Raise an error if a value of ``run`` is not of its kind."""
    for name in ("epoch", "batch", "first", "rows"):
        checks.integer(run[name], f"run/{name}", minimum=0)
    checks.number(run["loss"], "run/loss")
    checks.flag(run["stopped"], "run/stopped")
    pairs = [*run["metrics"], *run["callbacks"]]
    if not all(isinstance(text, str) for name, state in pairs for text in (name, *dict.keys(state))):
        raise ArgumentError("run: expected names and states of metrics and callbacks, got something else")


def _set_own(model: Model, description: dict[str, Any]) -> None:
    """Give ``model`` and its layers the seed and the ``trainable`` of the description."""
    model.seed, model.trainable = description["config"]["seed"], description["trainable"]
    for layer, inner in zip(model.layers, description["config"]["layers"], strict=True):
        if hasattr(layer, "layers"):
            _set_own(layer, inner)
        layer.trainable = inner["trainable"]


def _without_rate(optimizer: dict[str, Any]) -> dict[str, Any]:
    """Leave out a rate that is a number: it changes in training, and ``conditions`` has the one at the start."""
    config = dict(optimizer["config"])
    if isinstance(config.get("learning_rate"), float):
        del config["learning_rate"]
    return {**optimizer, "config": config}


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
