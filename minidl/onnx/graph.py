"""Graph: the nodes and constants of an ONNX file that a model is written to."""

from typing import Any

import numpy as np

from minidl import __version__
from minidl.errors import ArgumentError
from minidl.files import as_path, write_file
from minidl.layers import Layer
from minidl.numeric import in_dtype
from minidl.onnx.operators import OPERATORS
from minidl.packages import import_package
from minidl.sequential import Sequential
from minidl.typing import Model

OPSET, IR = 21, 10  # what onnxruntime 1.18 and newer runs
LARGEST = 2**31 - 2**20  # bytes of a file: protobuf's limit, less room for everything but the weights
TYPES = {"float16": "FLOAT16", "float32": "FLOAT", "float64": "DOUBLE", "int64": "INT64"}


def export(model: Model, path: Any) -> None:
    """Write what ``model`` computes in inference to the ONNX file ``path``: opset 21, float32.

    The input is called ``"input"`` and the output ``"output"``; the number of samples is variable.

    Parameters
    ----------
    model : Sequential
        A built model. A custom layer needs a method ``to_onnx(graph, x)``: see `Graph`.
    path : str or Path

    Raises
    ------
    StateError
        If the model is not built.
    LayerError, ArgumentError
        For a layer without `to_onnx`, or a weight that float32 cannot hold.
    MissingPackageError
        Without the package onnx: ``pip install onnx``.
    """
    write_file(as_path(path, "onnx.export: path"), [to_onnx(model).SerializeToString()])


def to_onnx(model: Model) -> Any:
    """Return the model that `export` writes, as an ``onnx.ModelProto``."""
    if not isinstance(model, Sequential):
        raise ArgumentError(f"onnx.export: model: expected a Sequential, got {model!r:.60}.")
    network, graph = model.built("onnx.export"), Graph()
    if sum(layer.views[name].size for _, layer in network.parts for name in layer.declared) * 4 > LARGEST:
        raise ArgumentError("onnx.export: expected weights of less than 2 GiB in float32, protobuf's limit, got more.")
    kind = "int64" if network.input_dtype.kind == "i" else "float32"
    y = "input"
    for layer in network.layers:
        y = graph.layer(layer, y)
    graph.add("Identity", y, output="output")
    return graph.finish(model.name or "minidl", (kind, network.input_shape), network.output_shape)


class Graph:
    """The nodes of an ONNX file under construction, for the `to_onnx` of custom layers.

    Examples
    --------
    >>> class Gain(minidl.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.add_parameter("gamma", input_shape, "ones")
    ...         return input_shape
    ...
    ...     def forward(self, x, training=False):
    ...         self._x = x
    ...         return self.gamma * x
    ...
    ...     def backward(self, dy):
    ...         self.dgamma = (dy * self._x).sum(axis=0)
    ...         return dy * self.gamma
    ...
    ...     def to_onnx(self, graph, x):
    ...         return graph.add("Mul", x, graph.constant(self.gamma))
    """

    def __init__(self) -> None:
        self.onnx = import_package("onnx", "minidl.onnx", "onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node of the standard operators; return the name of its output."""
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Any) -> str:
        """Add a constant, with real numbers in float32 and integers in int64; return its name."""
        array = np.asarray(value)
        dtype = np.dtype(np.int64 if array.dtype.kind in "iu" else np.float32)
        array = np.ascontiguousarray(in_dtype(array, dtype)).reshape(array.shape)
        if not np.isfinite(array).all():
            raise ArgumentError("onnx.export: expected weights that are finite in float32, got NaN or infinity.")
        name = f"constant_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def layer(self, layer: Layer, x: str) -> str:
        """Add the nodes of ``layer`` and its sublayers for the input named ``x``; return the output's name."""
        for step in layer.expand().values():
            known = OPERATORS.get(type(step).__name__) if type(step).__module__.startswith("minidl.layers.") else None
            if hasattr(step, "to_onnx"):
                x = step.to_onnx(self, x)
            elif known is not None:
                x = known(self, step, x)
            else:
                raise ArgumentError(
                    f"onnx.export: {step.label}: expected a layer of minidl, or one with a method "
                    "to_onnx(graph, x), got neither. Add the method: see the page on ONNX."
                )
        return x

    def finish(self, name: str, x: tuple[str, tuple[int, ...]], output_shape: tuple[int, ...]) -> Any:
        """Return the graph as a checked ``onnx.ModelProto``, for inputs ``x`` of this dtype and shape."""
        helper, types = self.onnx.helper, self.onnx.TensorProto
        kind, shape = x
        inputs = helper.make_tensor_value_info("input", getattr(types, TYPES[kind]), ["batch", *shape])
        outputs = helper.make_tensor_value_info("output", types.FLOAT, ["batch", *output_shape])
        graph = helper.make_graph(self.nodes, name, [inputs], [outputs], self.constants)
        made = helper.make_model(
            graph, producer_name="minidl", producer_version=__version__, ir_version=IR,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )  # fmt: skip
        self.onnx.checker.check_model(made, full_check=True)
        return made
