"""Model files and checkpoints: `load_model`, `save_model`, and what resumes a training run."""

from minidl.saving.model import load_model, save_model

__all__ = ["load_model", "save_model"]
