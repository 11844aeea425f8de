"""Checkpoint: a model file that also holds the state of a training run, so that `fit` can resume it.

A resumed run is bit-identical to an uninterrupted one on the same machine with the same libraries.
"""

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from minidl.attribute_names import is_builtin
from minidl.callbacks import Callback, History, LambdaCallback, ProgressBar
from minidl.callbacks.console import print_line
from minidl.errors import ArgumentError, ModelFileError, StateError, warn
from minidl.files import TEMPORARY, as_path
from minidl.layers.tree import walk
from minidl.names import with_article
from minidl.saving import model as model_file
from minidl.saving.comparison import differences, file_errors, mismatches, raise_problems
from minidl.saving.fingerprint import data_fingerprint, function_fingerprint, plain
from minidl.saving.format import DIGEST, FORMAT, START, write_file
from minidl.saving.objects import Decoder, Encoder
from minidl.training import Run
from minidl.typing import Model

DATA = ("x", "y", "sample_weight", "validation_data")  # compared by fingerprints
NO_RESULT = ("verbose", "filepath", "filename", "log_dir", "backup_dir")  # callback arguments without effect on results
RESTORED = ("seed", "trainable")  # restored from the file, so not compared
RUN = {
    "epoch": int, "batch": int, "first": int, "rows": int, "loss": float, "stopped": bool, "trainable": dict,
    "metrics": dict, "callbacks": list, "start": dict | None, "conditions": dict,
}  # fmt: skip


def save_checkpoint(model: Model, path: Any) -> None:
    """Write ``model`` and the `fit` in progress to one file; raises the errors of `save_model`."""
    run, encoder = model.trainer and model.trainer.run, Encoder("save_checkpoint")
    if run is None:
        raise StateError("save_checkpoint: expected a model in fit, such as in a callback. Otherwise call save.")
    content = model_file.encode_model(model, encoder)
    state = {
        "epoch": int(run.epoch),  # may be a NumPy integer
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
    write_file(path, encoder.arrays, content, encoder.who)


def _trainable(model: Model) -> dict[str, bool]:
    return {path: bool(layer.trainable) for path, layer in walk({"": model})}


def _conditions(run: Run) -> dict[str, Any]:
    """Return the settings that the result of ``run`` depends on, with data and functions as fingerprints."""
    if run.conditions is None:
        model, encoder = run.trainer.network.root(), Encoder()
        encoder.encode(model, "model")
        model_file.encode_compile(model, encoder)
        given = {name: value for name, value in run.data._asdict().items() if name not in DATA}
        slices = run.trainer.network.parameters.slices
        run.conditions = {
            **{name: plain(value) for name, value in given.items()},
            "batch_size": int(run.source.batch_size),
            "split": run.data.split if run.data.validation_split else None,
            "initial_epoch": int(run.first),
            "data": data_fingerprint(run.source),
            "validation": data_fingerprint(run.validation),
            "learning_rate": run.learning_rate if isinstance(run.learning_rate, float) else None,
            "frozen": [name for name, part in slices.items() if part in run.frozen],
            "functions": {name: function_fingerprint(function) for name, function in encoder.functions.items()},
            "callbacks": [*_callback_settings(run.callbacks)],
        }
    return run.conditions


def _callback_settings(callbacks: Iterable[Callback]) -> Iterator[dict[str, Any]]:
    """Yield the class and arguments of each built-in callback; custom callbacks are not compared."""
    for callback in callbacks:
        if is_builtin(type(callback)) and not isinstance(callback, (History, LambdaCallback, ProgressBar)):
            config = {name: value for name, value in callback.get_config().items() if name not in NO_RESULT}
            yield {"class": type(callback).__name__, **plain(config)}


class Checkpoint:
    """A file with a training run, read and verified; its ``seed`` determines the order of the rows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content, arrays = model_file.read_content(path)
        run, training, found = self.content["run"], self.content["training"], self.content["format"]
        if run is None or training is None or found != FORMAT:
            got = "a model alone" if run is None or training is None else f"one of format {found}, not {FORMAT}"
            fix = "Use load_model and fit, or let ModelCheckpoint write the file."
            raise ModelFileError(f"{path}: expected a checkpoint with a training run, got {got}. {fix}")
        with file_errors(path):
            self.weights, decoder = model_file.weights_of(arrays), Decoder(dict(arrays), {})
            self.run = {name: decoder.decode(value, f"run/{name}") for name, value in run.items()}
            self.randomness = model_file.decode_randomness(decoder, self.content)
            self.optimizer_state = decoder.decode(training["optimizer_state"], "optimizer_state")
            self.seed = self.content["model"]["config"]["seed"]
            raise_problems([*decoder.problems, *mismatches("run", self.run, RUN), *mismatches("seed", self.seed, int)])

    @classmethod
    def find(cls, path: Any, *, tell: bool = False) -> Self | None:
        """Return the checkpoint ``path``, or the newest intact one in the folder ``path``; None if there is none.

        Corrupt or unreadable files in a folder are skipped with a warning; if none is intact, the error of the newest
        one is raised. ``tell`` prints a line that says where training starts.
        """
        found = cls._newest(path)
        if tell and found is None:
            print_line(f"fit: no checkpoint in {path}: starting at the beginning.")
        elif tell and found is not None:
            print_line(f"fit: resuming from {found.path}, epoch {found.run['epoch'] + 1}, batch {found.run['batch']}.")
        return found

    @classmethod
    def _newest(cls, path: Any) -> Self | None:
        path = as_path(path, "fit: resume")
        if not path.is_dir():
            return cls(path) if path.exists() or path.suffix == ".safetensors" else None
        newest: Path | None = None
        for candidate in sorted(path.iterdir(), key=_age, reverse=True):
            try:
                if _looks_like_a_model(candidate):
                    return cls(candidate)
            except (OSError, ModelFileError) as error:
                warn(f"fit: resume: passing over a checkpoint: {error}")
                newest = newest or candidate
        return None if newest is None else cls(newest)  # raises its error again

    def check(self, model: Model, run: Run) -> None:
        """Raise an error if ``run`` differs from the run in the file or cannot resume from it; nothing is changed.

        An `ArgumentError` lists the differences; a `ModelFileError` means that the content of the file is invalid.
        """
        with file_errors(self.path):
            found = list(self._differences(model, run))
        if found:
            first = f"fit: cannot resume from {self.path}, because this run differs from the one that wrote it:"
            fix = "\nTo start a new run from its weights, use load_model."
            raise ArgumentError("\n  ".join([first, *found[:20]]) + fix)
        with file_errors(self.path):
            self._check_states(model, run)
        before = self.content["environment"]
        now = {name: value for name, value in model_file.environment().items() if name in before}
        changed = "; ".join(differences("environment", before, now))
        if changed:
            warn(f"fit: resume: the last digits may differ from the run's: {changed}.")

    def _differences(self, model: Model, run: Run) -> Iterator[str]:
        encoder, before = Encoder(), self.content["training"]["compile"]
        yield from differences("model", self.content["model"], encoder.encode(model, "model"), RESTORED)
        for name, now in model_file.encode_compile(model, encoder).items():
            yield from differences(name, _without_rate(before[name]), _without_rate(now))
        if model.randomness.given and model.seed != self.seed:
            yield f"seed: expected {self.seed}, got {model.seed}"
        conditions, python = self.run["conditions"], self.content["environment"].get("python")
        now = {name: value for name, value in _conditions(run).items() if name in conditions}
        skip = () if python == model_file.environment()["python"] else ("functions",)  # other bytecode
        yield from differences("fit", conditions, now, skip)
        for name, callback, _ in self._callbacks(run):
            if callback is None:
                yield f"callbacks: expected {with_article(name)}, got none"

    def _callbacks(self, run: Run) -> Iterator[tuple[str, Any, dict[str, Any]]]:
        """Yield the class name of each callback in the file, the matching one of ``run`` or None, and its state."""
        waiting = list(run.callbacks)
        for name, state in self.run["callbacks"]:
            callback = next((item for item in waiting if type(item).__name__ == name), None)
            waiting = [item for item in waiting if item is not callback]
            yield name, callback, state

    def _check_states(self, model: Model, run: Run) -> None:
        """Check that every state has the names and types that the object it is restored to expects."""
        values, states = model.network.parameters.values, model.network.states
        start = {"values": values, "states": states, "passes": int, "iterations": int}
        expected = {
            "trainable": dict.fromkeys(_trainable(model), bool),
            "metrics": dict.fromkeys(run.scores.metrics, dict),
            "start": object if self.run["start"] is None else start,
        }
        found = {name: self.run[name] for name in expected}
        weights = mismatches("weights", self.weights, model_file.expected_weights(model))
        raise_problems([*weights, *mismatches("run", found, expected)])
        model_file.check_optimizer_state(model, self.optimizer_state)
        for name, callback, state in self._callbacks(run):
            if type(callback).get_state is Callback.get_state:
                names = dict.fromkeys(callback.state_attributes, object)
                raise_problems(mismatches(f"run/callbacks/{name}", state, names))
        for name, metric in run.scores.metrics.items():
            fresh = copy.copy(metric)
            fresh.set_state(self.run["metrics"][name])
            fresh.result()  # fails for an invalid state

    def apply(self, model: Model, run: Run) -> None:
        """Restore ``model`` and ``run`` to their state in the file; whatever can fail runs before the model changes."""
        with file_errors(self.path):
            for _, callback, state in self._callbacks(run):
                callback.set_state(state)
        for name, metric in run.scores.metrics.items():
            metric.set_state(self.run["metrics"][name])
        model.optimizer.set_state(self.optimizer_state)
        for path, layer in walk({"": model}):
            layer.trainable = self.run["trainable"][path]
        model.set_weights([self.weights[name] for name in model_file.expected_weights(model)])
        model.randomness.seed = self.seed
        model.randomness.set_state(self.randomness)
        run.epoch, run.batch, run.first = self.run["epoch"], self.run["batch"], self.run["first"]
        run.scores.loss, run.scores.rows = self.run["loss"], self.run["rows"]
        run.start, model.stop_training = self.run["start"], self.run["stopped"]


def _without_rate(encoded: Any) -> Any:
    """Remove a numeric learning rate: it changes in training, and ``conditions`` holds the initial one."""
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
    """Sort key: the modification time, then the name, in case the file system's clock is too coarse."""
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:  # a broken link, or another process removed the file
        return 0, path.name
