"""From ``python script.py`` to a result, in new processes: time and peak memory, interpreter and imports included.

Three scripts a stack: the import alone, a model trained on the digits for 20 epochs (64-64-10, batch 32), and a first
prediction from a saved model.
"""

import os
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


def run(script: str, folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a script in a new process; return its seconds and its peak memory in MiB."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    message = process.stderr.read()  # type: ignore[union-attr]
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(message.decode().strip().splitlines()[-1])
    return seconds, usage.ru_maxrss / (1 if sys.platform == "darwin" else 1024) / (
        1024 if sys.platform == "darwin" else 1
    )


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
    common.report("cold_start", arguments, tables, results)


def measure(folder: Path, environment: dict[str, str], rounds: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Return seconds and MiB of each round by stack and task, and why a stack could not be measured."""
    results: dict[str, Any] = {}
    remarks: dict[str, str] = {}
    for stack, (modules, scripts) in SCRIPTS.items():
        if not common.installed(*modules):
            remarks[stack] = "not installed"
            continue
        try:
            for script in scripts.values():  # compiles the modules, trains what `predict` loads
                run(script, folder, environment)
            results[stack] = {task: {"seconds": [], "MiB": []} for task in scripts}
        except RuntimeError as error:
            remarks[stack] = str(error)
    for _ in range(rounds):
        for stack, tasks in results.items():
            for task, result in tasks.items():
                seconds, mebibytes = run(SCRIPTS[stack][1][task], folder, environment)
                result["seconds"].append(seconds)
                result["MiB"].append(mebibytes)
    return results, remarks


if __name__ == "__main__":
    main()
