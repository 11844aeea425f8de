"""Callbacks: code that runs around the steps of training, testing and predicting."""

from minidl.callbacks.base import BatchLogs, Callback, CallbackList, check_callbacks
from minidl.callbacks.csv_logger import CSVLogger
from minidl.callbacks.history import History
from minidl.callbacks.lambda_callback import LambdaCallback
from minidl.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from minidl.callbacks.model_checkpoint import BackupAndRestore, ModelCheckpoint, backup_folder
from minidl.callbacks.monitor import MonitorCallback
from minidl.callbacks.progress import ProgressBar, progress_bar
from minidl.callbacks.stopping import EarlyStopping, TimeLimit

__all__ = [
    "BackupAndRestore", "BatchLogs", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History",
    "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "MonitorCallback", "ProgressBar", "ReduceLROnPlateau",
    "TimeLimit", "backup_folder", "check_callbacks", "progress_bar",
]  # fmt: skip
