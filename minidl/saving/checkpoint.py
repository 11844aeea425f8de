"""Checkpoint: a model file that also says where a training run stands, so that `fit` can go on from there.

The resumed run is the interrupted one, bit for bit, on the same machine with the same libraries.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minidl.data import Table
from minidl.errors import ArgumentError, ModelFileError
from minidl.files import TEMPORARY, as_path, remove_temporaries
from minidl.layers.base import walk
from minidl.saving.format import DIGEST, START, read_file, write_file
from minidl.saving.model import (
    COMPILED,
    check_content,
    described,
    environment,
    misfits,
    set_optimizer_state,
    weights_of,
)
from minidl.saving.objects import Decoder, Encoder, raise_problems
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential
    from minidl.training import Run

SAMPLED = 1000  # rows of the data that its fingerprint looks at
OWN = ("seed", "trainable")  # restored from the file, so never a difference
RUN = ("epoch", "batch", "first", "stopped", "loss", "rows", "metrics", "callbacks", "start", "conditions")


def save_checkpoint(model: "Sequential", path: Any) -> None:
    """Write ``model`` and the `fit` that is under way to one file; errors as in `save_model`."""
    run, encoder = model._run, Encoder()
    state = {
        "epoch": run.epoch,
        "batch": run.batch,
        "first": run.first,
        "stopped": model.stop_training,
        "loss": run.scores.loss,
        "rows": run.scores.rows,
        "metrics": [(metric.get_name(), metric.get_state()) for metric in run.scores.metrics],
        "callbacks": [
            (type(callback).__name__, state) for callback in run.callbacks if (state := callback.get_state())
        ],
        "start": run.start,
        "conditions": _conditions(run),
    }
    encoded = {name: encoder.encode(value, f"run/{name}") for name, value in state.items()}
    write_file(path, *described(model, encoder, encoded))


def _conditions(run: "Run") -> dict[str, Any]:
    """Return what ``run`` was given, with each data set as its fingerprint; a rate that is a function is none."""
    if run.conditions is None:
        given = dict(run.given)
        rate = given.pop("learning_rate")
        data, validation = given.pop("data"), given.pop("validation")
        run.conditions = given | {
            **{f"data: {name}": value for name, value in _fingerprint(*data).items()},
            **{f"validation: {name}": value for name, value in _fingerprint(*(validation or (None, None))).items()},
            "learning_rate": rate if isinstance(rate, float) else None,
        }
    return run.conditions


def _fingerprint(source: Any, rows: Array | None) -> dict[str, Any]:
    """Return what tells one data set from another: shapes, types, and a digest of up to 1,000 rows."""
    if source is None:
        return {}
    if not isinstance(source, Table):
        return {"stream": "batches", "steps": source.steps}
    import hashlib

    chosen = np.unique(np.linspace(0, len(source) - 1, SAMPLED).astype(int))
    found: dict[str, Any] = {"rows": len(source) if rows is None else len(rows)}
    for name in ("x", "y", "sample_weight"):
        array = getattr(source, name)
        if array is not None:
            sample = np.ascontiguousarray(array[chosen])
            found[name] = f"{array.dtype} {array.shape}, SHA-256 {hashlib.sha256(sample.tobytes()).hexdigest()[:16]}"
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
        self.run = {name: decoder.decode(run.get(name), f"run/{name}") for name in RUN}
        self.state = decoder.decode(self.content["state"].get("rng"), "state/rng")
        self.optimizer_state = decoder.decode(training["optimizer_state"], "optimizer_state")
        raise_problems(path, decoder.problems)
        self.seed: int = self.content["model"]["config"]["seed"]

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

    def check(self, model: "Sequential", run: "Run") -> None:
        """Raise an `ArgumentError` that names every difference between this `fit` and the one in the file."""
        _, now = described(model, Encoder())
        before = self.content
        found = list(_differences("model", before["model"], now["model"]))
        for name in COMPILED:
            then, given = before["training"]["compile"].get(name), now["training"]["compile"][name]
            if name == "optimizer" and isinstance(then, dict) and isinstance(given, dict):
                then, given = _without_rate(then), _without_rate(given)
            found += _differences(name, then, given)
        found += _differences("fit", self.run["conditions"], _conditions(run))
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
        changed = list(_differences("environment", before["environment"], environment()))
        if changed:
            warnings.warn(
                f"fit: resume: the last digits may differ from the run's: {'; '.join(changed)}.", stacklevel=4
            )

    def apply(self, model: "Sequential", run: "Run") -> None:
        """Put model and run where the file says they were."""
        for path, layer in walk(model.sublayers()):
            for name in layer.declared:
                layer.views[name][...] = self.arrays[f"weights/{path}/{name}"]
        _set_own(model, self.content["model"])
        model.rng.bit_generator.state = self.state
        model.epoch = self.content["state"]["epoch"]
        set_optimizer_state(model, self.optimizer_state)
        run.epoch, run.batch, run.first = self.run["epoch"], self.run["batch"], self.run["first"]
        run.scores.loss, run.scores.rows = self.run["loss"], self.run["rows"]
        run.start, model.stop_training = self.run["start"], self.run["stopped"]
        for metric, (_, state) in zip(run.scores.metrics, self.run["metrics"], strict=True):
            metric.set_state(state)
        waiting = list(run.callbacks)
        for name, state in self.run["callbacks"]:
            callback = next(item for item in waiting if type(item).__name__ == name)
            waiting.remove(callback)
            callback.set_state(state)


def _set_own(model: "Sequential", description: dict[str, Any]) -> None:
    """Give ``model`` and its layers the seed and the ``trainable`` of the description."""
    model.seed, model.trainable = description["config"]["seed"], description["trainable"]
    for layer, inner in zip(model.layers, description["config"]["layers"], strict=True):
        if hasattr(layer, "layers"):
            _set_own(layer, inner)  # type: ignore[arg-type]
        layer.trainable = inner["trainable"]


def _without_rate(optimizer: dict[str, Any]) -> dict[str, Any]:
    """Leave out a rate that is a number: it changes in training, and ``conditions`` has the one at the start."""
    config = dict(optimizer["config"])
    if isinstance(config.get("learning_rate"), float):
        del config["learning_rate"]
    return {**optimizer, "config": config}


def _differences(path: str, before: Any, now: Any) -> Iterator[str]:
    """Yield where two descriptions differ, apart from what the file restores."""
    import json  # only resuming needs it

    if isinstance(before, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*before, *now]):
            if name not in OWN:
                yield from _differences(f"{path}: {name}", before.get(name), now.get(name))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, (left, right) in enumerate(zip(before, now, strict=True)):
            yield from _differences(f"{path} {index}", left, right)
    elif json.dumps(before) != json.dumps(now):
        yield f"{path}: expected {_short(before)}, got {_short(now)}"


def _short(value: Any) -> str:
    if isinstance(value, dict) and "class" in value:
        return str(value["class"])
    if isinstance(value, list):
        return f"{len(value)} items"
    return str(value)[:100]


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
