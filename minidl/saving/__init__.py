"""Model files and checkpoints: `load_model`, `save_model`, and what resumes a training run."""

from minidl.saving.checkpoint import Checkpoint, save_checkpoint
from minidl.saving.comparison import file_errors
from minidl.saving.format import read_file
from minidl.saving.model import load_model, read_content, save_model

__all__ = ["Checkpoint", "file_errors", "load_model", "read_content", "read_file", "save_checkpoint", "save_model"]
