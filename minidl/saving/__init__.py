"""Model files and checkpoints: `load_model`, `save_model`, and what resumes a training run."""

from minidl.saving.checkpoint import Checkpoint, save_checkpoint
from minidl.saving.model import load_model, save_model, save_weights

__all__ = ["Checkpoint", "load_model", "save_checkpoint", "save_model", "save_weights"]
