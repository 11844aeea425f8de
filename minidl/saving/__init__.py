"""Model files and checkpoints: `load_model`, `save_model`, and what resumes a training run."""

from minidl.saving.checkpoint import Checkpoint, save_checkpoint
from minidl.saving.format import read_file
from minidl.saving.model import check_content, load_model, save_model

__all__ = ["Checkpoint", "check_content", "load_model", "read_file", "save_checkpoint", "save_model"]
