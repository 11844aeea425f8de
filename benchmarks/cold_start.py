"""Time and peak memory from ``python script.py`` to a result, in new processes, including interpreter and imports.

There are three scripts per library: the import alone, training a model on the digits for 20 epochs (64-64-10, batch 32)
and saving it, and a first prediction from the saved model. An untimed first run compiles the modules and brings the
files into the system's cache. The installed size of each library, including its requirements, is measured as well.
"""

import importlib.metadata
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import common

SETUP = """
import numpy as np
with np.load("digits.npz") as stored: x, y = stored["x"], stored["y"]
"""
SCRIPTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "numpy alone": (("numpy",), {"import": "import numpy"}),
    "minidl": (
        ("numpy",),
        {
            "import": "import minidl",
            "train": SETUP
            + """
from minidl import Dense, Input, Sequential
model = Sequential([Input((64,)), Dense(64, activation="relu"), Dense(10, activation="softmax")], seed=0)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, batch_size=32, epochs=20, verbose=0)
model.save("minidl.model")
""",
            "predict": SETUP
            + """
import minidl
print(minidl.load_model("minidl.model").predict(x[:1]).argmax())
""",
        },
    ),
    "scikit-learn": (
        ("sklearn",),
        {
            "import": "from sklearn.neural_network import MLPClassifier",
            "train": SETUP
            + """
import pickle, warnings
from sklearn.neural_network import MLPClassifier
warnings.simplefilter("ignore")
model = MLPClassifier((64,), batch_size=32, max_iter=20, tol=0, n_iter_no_change=21, alpha=0, random_state=0).fit(x, y)
with open("sklearn.model", "wb") as file: pickle.dump(model, file)
""",
            "predict": SETUP
            + """
import pickle
with open("sklearn.model", "rb") as file: print(pickle.load(file).predict(x[:1]))
""",
        },
    ),
    "torch": (
        ("torch",),
        {
            "import": "import torch",
            "train": SETUP
            + """
import torch
from torch import nn
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer, loss = torch.optim.Adam(model.parameters(), fused=True), nn.CrossEntropyLoss()
x, y = torch.from_numpy(x), torch.from_numpy(y)
for _ in range(20):
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
torch.save(model.state_dict(), "torch.model")
""",
            "predict": SETUP
            + """
import torch
from torch import nn
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
model.load_state_dict(torch.load("torch.model"))
with torch.inference_mode(): print(model(torch.from_numpy(x[:1])).argmax())
""",
        },
    ),
    "Keras on JAX": (
        ("keras", "jax"),
        {
            "import": "import keras",
            "train": SETUP
            + """
import keras
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, batch_size=32, epochs=20, verbose=0)
model.save("keras.keras")
""",
            "predict": SETUP
            + """
import keras
print(keras.models.load_model("keras.keras").predict(x[:1], verbose=0).argmax())
""",
        },
    ),
    "JAX": (
        ("jax", "optax"),
        {
            "import": "import jax, optax",
            "train": SETUP
            + """
import jax, jax.numpy as jnp, optax
rng = np.random.default_rng(0)
sizes = [(64, 64), (64, 10)]
parameters = [(rng.normal(0, (2 / (a + b)) ** 0.5, (a, b)).astype("float32"), np.zeros(b, "float32")) for a, b in sizes]
optimizer = optax.adam(0.001)
def scores(parameters, x):
    (V, c), (W, b) = parameters
    return jax.nn.relu(x @ V + c) @ W + b
def loss(parameters, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(scores(parameters, x), y).mean()
def step(state, batch):
    parameters, moments = state
    updates, moments = optimizer.update(jax.grad(loss)(parameters, x[batch], y[batch]), moments)
    return (optax.apply_updates(parameters, updates), moments), None
@jax.jit
def epoch(state, key):
    rows = jax.random.permutation(key, len(x))
    full, rest = rows[: len(x) // 32 * 32].reshape(-1, 32), rows[len(x) // 32 * 32 :]
    return step(jax.lax.scan(step, state, full)[0], rest)[0]
x, y = jax.device_put((x, y))
state = parameters, optimizer.init(parameters)
for key in jax.random.split(jax.random.key(0), 20): state = epoch(state, key)
np.savez("jax.npz", *jax.tree.leaves(state[0]))
""",
            "predict": SETUP
            + """
import jax
with np.load("jax.npz") as stored: V, W, b, c = (stored[name] for name in ("arr_0", "arr_2", "arr_3", "arr_1"))
print(jax.jit(lambda x: jax.nn.relu(x @ V + c) @ W + b)(x[:1]).argmax())
""",
        },
    ),
}
TASKS = ("import", "train", "predict")


PACKAGES = {  # what `pip install` installs for each library
    "numpy alone": ("numpy",),
    "minidl": ("minidl",),
    "scikit-learn": ("scikit-learn",),
    "torch": ("torch", "numpy"),
    "Keras on JAX": ("keras", "jax"),
    "JAX": ("jax", "optax"),
}


def installed(packages: tuple[str, ...]) -> set[str]:
    """Return the names of ``packages`` and of all their requirements that are installed."""
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = re.sub("[-_.]+", "-", waiting.pop()).lower()
        try:
            requirements = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # required only on other systems
        if name not in found:
            found.add(name)
            waiting += [re.match(r"[\w.-]+", text)[0] for text in requirements if "extra ==" not in text]  # type: ignore[index]
    return found


def mebibytes(package: str) -> float:
    """Return the size of a package's files in MiB; for minidl, of those in the clone."""
    if package == "minidl":
        paths = [path for path in Path(__file__).parents[1].joinpath("minidl").rglob("*") if path.is_file()]
    else:
        paths = [Path(str(file.locate())) for file in importlib.metadata.files(package) or []]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 2**20


def run(script: str, folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a script in a new process; return its seconds and its peak memory in MiB."""
    (folder / "script.py").write_text(script, encoding="utf-8")
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "script.py"], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    message = process.stderr.read()  # type: ignore[union-attr]
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(message.decode().strip().splitlines()[-1])
    return seconds, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def main() -> None:
    arguments = common.options(__doc__)
    import numpy as np

    from minidl import datasets

    environment = common.child_environment(arguments.threads)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users' modules are compiled once, not in each run
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (x, y), _ = datasets.digits()
        np.savez(folder / "digits.npz", x=x, y=y)
        results, remarks = measure(folder, environment, arguments.rounds)
    tables = {}
    for task, title in zip(TASKS, ("import alone", "digits, 20 epochs", "first prediction from a file"), strict=True):
        times = {stack: result[task]["seconds"] for stack, result in results.items() if task in result}
        rows = []
        for stack, seconds in times.items():
            memory = statistics.median(results[stack][task]["MiB"])
            ratio = common.factor(common.ratio(times, "minidl", stack))
            rows.append([stack, common.duration(statistics.median(seconds)), ratio, f"{memory:.0f} MiB"])
        rows += [[stack, remark, "", ""] for stack, remark in remarks.items()]
        tables[title] = common.table(["stack", "time", "minidl / it", "peak memory"], rows)
    tables["more than numpy alone, and on disk"] = beyond_numpy(results)
    common.report("cold_start", arguments, tables, results)


def beyond_numpy(results: dict[str, Any]) -> str:
    """Return the table of import costs beyond numpy and of installed sizes."""
    alone, rows = results["numpy alone"]["import"], []
    for stack, result in results.items():
        more = [
            statistics.median(a - b for a, b in zip(result["import"][kind], alone[kind], strict=True))
            for kind in ("seconds", "MiB")
        ]
        packages = installed(PACKAGES[stack])
        size = sum(map(mebibytes, packages))
        result["installed"] = {"MiB": size, "packages": sorted(packages)}
        rows.append([stack, f"{more[0] * 1e3:.0f} ms", f"{more[1]:.0f} MiB", f"{size:.0f} MiB", str(len(packages))])
    return common.table(["stack", "import, time", "import, memory", "installed size", "packages"], rows)


def measure(folder: Path, environment: dict[str, str], rounds: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Return seconds and MiB for each round by library and task, and the reasons why a library was not measured."""
    results: dict[str, Any] = {}
    remarks: dict[str, str] = {}
    for stack, (modules, scripts) in SCRIPTS.items():
        if not common.installed(*modules):
            remarks[stack] = "not installed"
            continue
        try:
            for script in scripts.values():  # compiles the modules and trains the model for `predict`
                run(script, folder, environment)
            results[stack] = {task: {"seconds": [], "MiB": []} for task in scripts}
        except RuntimeError as error:
            remarks[stack] = str(error)
    order, rng = list(results), random.Random(0)
    for _ in range(rounds):
        rng.shuffle(order)  # so that no contender always follows the same one
        for stack in order:
            for task, result in results[stack].items():
                seconds, mebibytes = run(SCRIPTS[stack][1][task], folder, environment)
                result["seconds"].append(seconds)
                result["MiB"].append(mebibytes)
    return results, remarks


if __name__ == "__main__":
    main()
