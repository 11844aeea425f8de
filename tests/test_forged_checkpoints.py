"""Untrusted checkpoints with a valid digest: `fit(resume=...)` refuses them and changes nothing, or resumes."""

import copy
import random

import numpy as np
import pytest

from minidl import Dense, Input, Sequential, load_model
from minidl.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from minidl.errors import ArgumentError, ModelFileError, NonFiniteError
from tests.faults import fuzzing
from tests.faults.forging import forge, parts, text_of
from tests.faults.fuzzing import nodes

FORGED = [
    -1, 10**30, 1.5, "x", None, True, {"float": "nan"}, [], [1], {"dict": []}, {"array": "weights/dense/W"},
    {"function": "os.system"},
    {"class": "ReLU", "name": None, "trainable": True, "input_shape": None, "config": {"slope_at_zero": 1}},
]  # fmt: skip
X = np.random.default_rng(0).standard_normal((10, 3))
Y = np.arange(10) % 2


class Count(Callback):
    """A callback of a user's, whose value changes its kind."""

    state_attributes = ("seen",)

    def __init__(self):
        self.seen = 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen = "something"


def new_model(optimizer="adam"):
    model = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def fit(model, folder, epochs, **arguments):
    saving = ModelCheckpoint(folder / "{epoch}.safetensors", keep_last=1)
    watching = [saving, EarlyStopping("loss", patience=9), ReduceLROnPlateau("loss"), Count()]
    return model.fit(X, Y, epochs=epochs, verbose=0, callbacks=watching, **arguments)


@pytest.fixture
def checkpoint(tmp_path):
    fit(new_model(), tmp_path, 2)
    return tmp_path / "2.safetensors"


def everything(model):
    state = {name: np.asarray(value).tobytes() for name, value in model.optimizer.get_state().items()}
    return [w.tobytes() for w in model.get_weights()], state, model.randomness.get_state(), model.seed


def replaced(content, path, value):
    content = copy.deepcopy(content)
    holder = content
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return content


def test_any_value_of_a_run_may_be_another_one(checkpoint):
    content, entries, data = parts(checkpoint.read_bytes())
    tried = [(name, *path) for name in ("state", "training", "run") for path in nodes(content[name])]
    assert len(tried) > 100
    for path in tried:
        for value in FORGED:
            checkpoint.write_bytes(forge(text_of(replaced(content, path, value)), entries, data))
            model = new_model()
            before = everything(model)
            try:
                fit(model, checkpoint.parent, 3, resume=checkpoint)
            except (ModelFileError, ArgumentError):
                assert everything(model) == before, f"{path}: {value}"
            except Exception as error:
                raise AssertionError(f"{path}: {value}") from error


def test_a_checkpoint_with_arrays_of_its_run_loads_as_a_model(checkpoint):
    assert any(name.startswith("run/") for name in parts(checkpoint.read_bytes())[1])
    assert load_model(checkpoint).optimizer.iterations == 2


def test_a_user_may_keep_what_changes_its_kind(checkpoint):
    callback = Count()
    callback.set_state({"seen": "something"})
    assert callback.seen == "something"


def forged_callback(checkpoint, name, change):
    """Change the state of a callback in the file."""
    content, entries, data = parts(checkpoint.read_bytes())
    state = next(pair["tuple"][1] for pair in content["run"]["callbacks"] if pair["tuple"][0] == name)
    change(state["dict"])
    checkpoint.write_bytes(forge(text_of(content), entries, data))


def test_no_file_is_removed_because_a_checkpoint_names_it(checkpoint, tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("precious")
    forged_callback(checkpoint, "ModelCheckpoint", lambda pairs: pairs[2][1].insert(0, str(mine)))
    forged_callback(
        checkpoint, "ModelCheckpoint", lambda pairs: pairs[2][1].insert(0, f"{tmp_path}/../mine.safetensors")
    )
    fit(new_model(), tmp_path, 4, resume=checkpoint)
    assert mine.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4.safetensors", "mine"]


@pytest.mark.parametrize("name", ["filepath", "keep_last", "on_epoch_end", "_model", "__class__"])
def test_no_attribute_is_set_because_a_checkpoint_names_it(checkpoint, name):
    forged_callback(checkpoint, "ModelCheckpoint", lambda pairs: pairs.append([name, "elsewhere"]))
    with pytest.raises(ModelFileError, match=f"run/callbacks/ModelCheckpoint/{name}: expected no such name"):
        fit(new_model(), checkpoint.parent, 3, resume=checkpoint)


def test_no_argument_of_a_metric_is_set_because_a_checkpoint_names_it(checkpoint):
    content, entries, data = parts(checkpoint.read_bytes())
    content["run"]["metrics"]["dict"][0][1]["dict"].append(["name", "other"])
    checkpoint.write_bytes(forge(text_of(content), entries, data))
    with pytest.raises(ModelFileError, match="accuracy: set_state: expected what get_state returns"):
        fit(new_model(), checkpoint.parent, 3, resume=checkpoint)


@pytest.mark.parametrize(
    "name", ["update", "__class__", "values", "higher_is_better", "_abc_impl", "aliases", "get_state", "__dict__", 3]
)
def test_nothing_of_a_metric_but_its_state_is_replaced_because_a_checkpoint_names_it(checkpoint, name):
    content, entries, data = parts(checkpoint.read_bytes())
    content["run"]["metrics"]["dict"][0][1]["dict"].append([name, 1])
    checkpoint.write_bytes(forge(text_of(content), entries, data))
    model = new_model()
    before = everything(model)
    with pytest.raises(ModelFileError, match=r"accuracy: set_state: expected what get_state returns, got|not a valid"):
        fit(model, checkpoint.parent, 3, resume=checkpoint)
    assert everything(model) == before


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adagrad", "nadam"])
def test_squares_below_zero_are_refused_before_they_make_values_nan(tmp_path, optimizer):
    fit(new_model(optimizer), tmp_path, 2)
    content, entries, data = parts((tmp_path / "2.safetensors").read_bytes())
    start, end = entries["optimizer_state/v"]["data_offsets"]
    changed = data[:start] + np.full((end - start) // 4, -0.5, "f4").tobytes() + data[end:]
    (tmp_path / "2.safetensors").write_bytes(forge(text_of(content), entries, changed))
    model = new_model(optimizer)
    before = everything(model)
    with pytest.raises(ModelFileError, match="optimizer_state: values after a step: expected finite values"):
        fit(model, tmp_path, 3, resume=tmp_path / "2.safetensors")
    assert everything(model) == before
    with pytest.raises(ModelFileError, match="optimizer_state: values after a step: expected finite values"):
        load_model(tmp_path / "2.safetensors")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("run", "epoch"), -1, "run/epoch: expected an integer of at least 0, got -1"),
        (("run", "loss"), {"float": "nan"}, "run/loss: expected a finite number, got nan"),
        (("run", "trainable", "dict", 1, 0), "other", "run/trainable//dense: expected True or False, got none"),
        (("run", "metrics", "dict", 0, 0), "other", "run/metrics/accuracy: expected a dict, got none"),
        (("run", "metrics", "dict", 0, 1, "dict", 0, 1), "x", "not a valid model file"),
        (
            ("state", "randomness", "dict", 1, 1),
            1.0,
            "state/randomness/passes: expected an integer of at least 0, got 1.0",
        ),
        (("state", "randomness", "dict", 0, 1, "dict", 1, 1, "dict", 0, 1), 2**128, "not a valid model file"),
        (("training", "optimizer_state", "dict", 2, 1), 1.0, "optimizer_state/m: expected an array of shape"),
        (("training", "optimizer_state", "dict", 2, 0), "other", "Adam: set_state: expected iterations"),
    ],
    ids=str,
)
def test_a_state_of_another_name_or_kind_is_refused_by_name(checkpoint, path, value, words):
    content, entries, data = parts(checkpoint.read_bytes())
    checkpoint.write_bytes(forge(text_of(replaced(content, path, value)), entries, data))
    with pytest.raises(ModelFileError, match=words):
        fit(new_model(), checkpoint.parent, 3, resume=checkpoint)


def test_the_start_of_a_full_batch_run_may_be_another_one(tmp_path):
    def run(epochs, name, **arguments):
        model = new_model("lbfgs")
        before = everything(model)
        try:
            model.fit(X, Y, epochs=epochs, verbose=0, callbacks=ModelCheckpoint(tmp_path / name), **arguments)
        except ModelFileError:
            assert everything(model) == before

    run(2, "run")
    content, entries, data = parts((tmp_path / "run").read_bytes())
    for path in nodes(content["run"]["start"]):
        for value in FORGED:
            forged = forge(text_of(replaced(content, ("run", "start", *path), value)), entries, data)
            (tmp_path / "forged").write_bytes(forged)
            run(3, "new", resume=tmp_path / "forged")


# Fuzzing


def fuzz(checkpoint, seed, count):
    """Resume from ``count`` resealed mutants of the state of a run; return how many were refused and accepted."""
    refused, data, folder = 0, checkpoint.read_bytes(), checkpoint.parent
    within = ("run", "state", "training")
    fit(new_model(), folder, 3, resume=checkpoint)  # imports what is imported on demand
    for index, (mutant, _) in enumerate(fuzzing.mutants(data, seed, count, resealed_all=True, within=within)):
        for file in folder.iterdir():
            file.unlink()
        checkpoint.write_bytes(mutant)
        model = new_model()
        before = everything(model)
        try:
            with fuzzing.cheap(len(mutant)), fuzzing.audited(checkpoint) as seen:
                fit(model, folder, 3, resume=checkpoint)
        except (ModelFileError, ArgumentError):
            assert everything(model) == before, f"mutant {index}"
            refused += 1
        except NonFiniteError:  # a value of the optimizer may have become 1e38
            pass
        except Exception as error:
            error.add_note(f"mutant {index} of seed {seed}")
            raise
        reads = "'r'"  # a checkpoint names the version of SciPy, which is read from SciPy's files
        assert [one for one in seen if str(folder) not in one[1] and (one[0] != "open" or reads not in one[1])] == []
        assert all(np.isfinite(array).all() for array in model.get_weights())
    return refused, count - refused


OTHER_ENVIRONMENT = pytest.mark.filterwarnings("ignore:fit. resume. the last digits may differ")


@OTHER_ENVIRONMENT
def test_mutants_of_a_run_are_refused_or_resume(checkpoint):
    refused, accepted = fuzz(checkpoint, 0, 200)
    assert refused > 100
    assert accepted > 0


@pytest.mark.slow
@OTHER_ENVIRONMENT
def test_ten_thousand_mutants_of_a_run_are_refused_or_resume(checkpoint, record_property):
    refused, accepted = fuzz(checkpoint, random.randrange(2**32), 10_000)
    record_property("figure", f"mutants of a run: {refused + accepted} tried, {refused} refused, 0 wrong")
    assert refused + accepted == 10_000
