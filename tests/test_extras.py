"""Without the optional packages the core does what it does with them, and each integration says what to install."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPTIONAL = (
    "dask h5py joblib jax keras matplotlib mpi4py onnx onnxruntime pandas safetensors sklearn tensorboard tensorboardX "
    "torch"
)
MODEL = """
import sys
for name in {blocked!r}.split():
    sys.modules[name] = None
import numpy as np, minidl
x, y = minidl.datasets.moons(64, seed=0)
model = minidl.Sequential([minidl.Input((2,)), minidl.Dense(8, activation="gelu"), minidl.Dense(1, "sigmoid")], seed=0)
model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
"""
CORE = """
history = model.fit(
    x, y, epochs=3, verbose=2, validation_split=0.2, class_weight="balanced",
    callbacks=[minidl.callbacks.EarlyStopping(), minidl.callbacks.CSVLogger("log.csv"),
               minidl.callbacks.ModelCheckpoint("{epoch}.safetensors")],
)
model.save("m.safetensors")
print({name: [f"{value:.6f}" for value in values] for name, values in history.history.items()})
print(minidl.load_model("m.safetensors").predict(x[:3]).tolist(), minidl.load_model("3.safetensors").predict(x[:3]))
model.summary()
print(model.explain(x[:2], y[:2]))
model.compile("lbfgs", "binary_crossentropy")
print(model.fit(x, y, epochs=5, verbose=0).history["loss"][-1] < history.history["loss"][-1])
"""
# extra: what needs it
USES = {
    "plot": "from minidl.plotting import plot_history; plot_history(model.fit(x, y, verbose=0))",
    "keras": "model.save('m.keras')",
    "onnx": "import minidl.onnx; minidl.onnx.export(model, 'm.onnx')",
    "sklearn": "import minidl.sklearn",
    "tensorboard": "model.fit(x, y, verbose=0, callbacks=minidl.callbacks.TensorBoard('logs'))",
}
NEEDS_NO_IMPORT = {
    "mpi": "the communicator that is passed is mpi4py's own",
    "test": "of the project's own tests",
    "docs": "of its documentation",
    "bench": "of its benchmarks",
}


def run(code, folder, blocked=OPTIONAL):
    code = MODEL.format(blocked=blocked) + code
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def test_the_core_computes_the_same_without_the_optional_packages(tmp_path):
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    without, everything = run(CORE, tmp_path / "without"), run(CORE, tmp_path / "with", blocked="")
    assert without.returncode == 0, without.stderr
    timeless = [re.sub(r" - [\d.]+ s", "", one.stdout) for one in (without, everything)]
    assert timeless[0] == timeless[1]
    assert without.stdout.endswith("True\n")


@pytest.mark.parametrize("extra", USES)
def test_what_needs_an_extra_says_how_to_install_it(extra, tmp_path):
    done = run(USES[extra], tmp_path)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("minidl.errors.MissingPackageError"), done.stderr
    assert "pip install" in last
    assert f"minidl[{extra}]" in last


def test_every_extra_is_tried():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras) == {*USES, *NEEDS_NO_IMPORT}
