"""Torch: loads the weights of a PyTorch network into a model with the same layers, without PyTorch."""

from minidl.torch.weights import load_torch

__all__ = ["load_torch"]
