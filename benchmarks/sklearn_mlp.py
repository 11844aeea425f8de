"""MinidlClassifier and MinidlRegressor compared with scikit-learn's MLP, with default arguments, on five data sets.

Each round draws a new split into training and test samples, standardises them, and fits both models in turn. The score
is the accuracy, or R2 for regression; "difference" is its mean over the rounds with the standard error.
"""

import statistics
import time
from typing import Any

import common
import numpy as np


def data_sets() -> dict[str, Any]:
    """Return the samples and targets of each data set; float targets mean regression."""
    from sklearn import datasets

    made = datasets.make_classification(5000, 30, n_informative=15, n_classes=4, random_state=0)
    return {
        "breast cancer": datasets.load_breast_cancer(return_X_y=True),
        "digits": datasets.load_digits(return_X_y=True),
        "made, 4 classes": made,
        "diabetes": datasets.load_diabetes(return_X_y=True),
        "Friedman 1": datasets.make_friedman1(3000, noise=1.0, random_state=0),
    }


def measure(x: np.ndarray, y: np.ndarray, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return the seconds, scores and epochs of both models in each round, by name."""
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import StandardScaler

    from minidl.sklearn import MinidlClassifier, MinidlRegressor

    numeric = y.dtype.kind == "f"
    kinds = (MinidlRegressor, MLPRegressor) if numeric else (MinidlClassifier, MLPClassifier)
    results: dict[str, dict[str, list[float]]] = {
        name: {"seconds": [], "scores": [], "epochs": []} for name in ("minidl", "MLP")
    }
    for number in range(rounds):
        x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=number, stratify=None if numeric else y)
        scaler = StandardScaler().fit(x_train)
        x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)
        turn = list(zip(results, kinds, strict=True))
        for name, kind in turn if number % 2 else turn[::-1]:
            estimator = kind(random_state=number)
            start = time.perf_counter()
            estimator.fit(x_train, y_train)
            results[name]["seconds"].append(time.perf_counter() - start)
            results[name]["scores"].append(float(estimator.score(x_test, y_test)))
            results[name]["epochs"].append(int(estimator.n_iter_))
    return results


def line(title: str, x: np.ndarray, results: dict[str, dict[str, list[float]]]) -> list[str]:
    """Return a row of the table."""
    ours, theirs = results["minidl"], results["MLP"]
    faster = [b / a for a, b in zip(ours["seconds"], theirs["seconds"], strict=True)]
    better = [a - b for a, b in zip(ours["scores"], theirs["scores"], strict=True)]
    error = statistics.stdev(better) / len(better) ** 0.5 if len(better) > 1 else 0.0
    return [
        f"{title}, {len(x)} x {x.shape[1]}",
        *(common.duration(statistics.median(each["seconds"])) for each in (theirs, ours)),
        f"{statistics.median(faster):.1f}",
        *(f"{statistics.mean(each['scores']):.3f}" for each in (theirs, ours)),
        f"{statistics.mean(better):+.3f} +- {error:.3f}",
        *(f"{statistics.mean(each['epochs']):.0f}" for each in (theirs, ours)),
    ]


def main() -> None:
    import warnings

    arguments = common.options(__doc__, rounds=10)
    warnings.filterwarnings("ignore", message=".*Maximum iterations")  # MLP does not always converge with its defaults
    numbers, rows = {}, []
    for title, (x, y) in list(data_sets().items())[: 2 if arguments.quick else None]:
        numbers[title] = measure(x, y, arguments.rounds)
        rows.append(line(title, x, numbers[title]))
    header = ["data", "MLP", "minidl", "faster", "MLP's score", "minidl's", "difference", "MLP's epochs", "minidl's"]
    common.report("sklearn_mlp", arguments, {"fit with the default arguments": common.table(header, rows)}, numbers)


if __name__ == "__main__":
    main()
