"""Training: from checked batches to optimizer steps, on which the model's `fit` is built."""

from minidl.training.evaluation import evaluate
from minidl.training.inputs import Data
from minidl.training.link import check_accuracy, check_end
from minidl.training.objective import Objective
from minidl.training.prediction import predict, predict_batches
from minidl.training.run import Epochs, Run
from minidl.training.solver_run import SolverRun
from minidl.training.trainer import Trainer, in_keras_form

__all__ = [
    "Data", "Epochs", "Objective", "Run", "SolverRun", "Trainer", "check_accuracy", "check_end",
    "evaluate", "in_keras_form", "predict", "predict_batches",
]  # fmt: skip
