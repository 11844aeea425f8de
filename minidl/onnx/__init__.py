"""ONNX: exports models to files for onnxruntime and other engines, and loads dense networks from such files.

`export` writes the inference of a model in float32; `load` reads chains of dense layers and activations.
"""

from minidl.onnx.chain import load
from minidl.onnx.graph import Graph, export, to_onnx

__all__ = ["Graph", "export", "load", "to_onnx"]
