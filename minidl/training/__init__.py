"""The training loop: `fit`, `evaluate`, `predict` and `train_on_batch` for a compiled model."""

from minidl.training.evaluation import evaluate, predict
from minidl.training.run import Run, fit
from minidl.training.steps import step, train_on_batch

__all__ = ["Run", "evaluate", "fit", "predict", "step", "train_on_batch"]
