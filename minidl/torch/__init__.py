"""Torch: the weights of a network of PyTorch for a model with the same layers, read without PyTorch."""

from minidl.torch.weights import load_torch

__all__ = ["load_torch"]
