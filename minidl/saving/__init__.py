"""Model files and checkpoints: `read_model`, `save_model`, and the functions that resume a training run."""

from minidl.saving.checkpoint import Checkpoint, save_checkpoint
from minidl.saving.comparison import file_errors
from minidl.saving.format import read_file
from minidl.saving.model import load_weights, read_content, read_model, save_model
from minidl.saving.objects import Decoder, check_custom_objects, text_of_model

__all__ = [
    "Checkpoint", "Decoder", "check_custom_objects", "file_errors", "load_weights", "read_content", "read_file",
    "read_model", "save_checkpoint", "save_model", "text_of_model",
]  # fmt: skip
