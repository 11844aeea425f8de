"""Chain: the nodes of an ONNX file that lead from its input to an output, read as layers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl import layers
from minidl.errors import ArgumentError, MinidlError, ModelFileError
from minidl.files import as_path
from minidl.layers import Dense, Input, Layer
from minidl.packages import import_package
from minidl.sequential import Sequential
from minidl.typing import Array

READ: dict[str, Callable[[dict[str, Any]], Layer]] = {
    "Sigmoid": lambda _: layers.Sigmoid(),
    "Tanh": lambda _: layers.Tanh(),
    "Relu": lambda _: layers.ReLU(),
    "LeakyRelu": lambda attributes: layers.LeakyReLU(attributes.get("alpha", 0.01)),
    "Elu": lambda attributes: layers.ELU(attributes.get("alpha", 1.0)),
    "Gelu": lambda _: layers.GELU(),
    "Selu": lambda _: layers.SELU(),
    "Softplus": lambda _: layers.Softplus(),
    "Softmax": lambda _: layers.Softmax(),
}
PASSED = ("Identity", "Dropout", "Flatten", "Reshape", "Cast")  # if they do not change rows of features


def load(path: Any, output: str | None = None) -> Sequential:
    """Return the dense network in the ONNX file ``path`` as a model, ready to predict or to be compiled.

    It must be a chain of Gemm, MatMul, Add and activations (Sigmoid, Tanh, Relu, LeakyRelu, Elu, exact Gelu, Softplus,
    Softmax, and x * Sigmoid(x)), as exported from torch, Keras, scikit-learn or minidl. Its ``dtype`` is that of the
    weights.

    Parameters
    ----------
    path : str or Path
    output : str, optional
        Which output, if the file has several: ``"probabilities"`` of a classifier exported from scikit-learn.

    Raises
    ------
    ModelFileError
        If the file is not ONNX, or has an unsupported operator, a branch, or weights that do not fit; the message
        names it.
    MissingPackageError
        Without the package onnx: ``pip install onnx``.
    """
    path = as_path(path, "onnx.load: path")
    onnx = import_package("onnx", "minidl.onnx", "onnx")
    try:
        found = onnx.load(path)
        onnx.checker.check_model(found)
    except OSError:
        raise
    except Exception as error:  # a damaged file fails in protobuf or in the checker
        raise ModelFileError(f"{path}: expected an ONNX file, got another: {str(error)[:300]}") from error
    try:
        return Chain(onnx, found.graph, output).model()
    except MinidlError as error:
        raise ModelFileError(f"{path}: {error}") from error


class Chain:
    """The nodes of a graph, followed from the input to the output."""

    def __init__(self, onnx: Any, graph: Any, output: str | None) -> None:
        self.onnx = onnx
        given = {each.name: each for each in graph.initializer}
        given |= {
            node.output[0]: onnx.helper.get_attribute_value(node.attribute[0])
            for node in graph.node
            if node.op_type == "Constant"
        }
        self.constants = {name: self._array(value) for name, value in given.items()}
        outputs = [each.name for each in graph.output]
        if len(outputs) != 1 and output is None:
            raise ArgumentError(f"expected one output, got {', '.join(outputs)}. Pass output= one of them.")
        if output not in (None, *outputs):
            raise ArgumentError(f"expected the output {output!r}, got {', '.join(outputs)}.")
        self.end = output or outputs[0]
        self.nodes = self._leading_to(self.end, list(graph.node))
        used = {name for node in self.nodes for name in node.input}
        self.inputs = [each for each in graph.input if each.name in used - self.constants.keys()]
        self.steps: list[tuple[Array, Array | None] | Layer] = []

    def _array(self, value: Any) -> Array:
        return self.onnx.numpy_helper.to_array(value) if hasattr(value, "raw_data") else np.asarray(value)

    def _leading_to(self, end: str, nodes: list[Any]) -> list[Any]:
        """Return the nodes that the output called ``end`` depends on; the file lists them in execution order."""
        wanted, found = {end}, []
        for node in reversed(nodes):
            if wanted.intersection(node.output) and node.op_type != "Constant":
                wanted.update(node.input)
                found.append(node)
        return found[::-1]

    def model(self) -> Sequential:
        """Return the chain as a model."""
        if len(self.inputs) != 1:
            raise ArgumentError(f"expected one input, got {', '.join(each.name for each in self.inputs) or 'none'}.")
        x = self.inputs[0].name
        while x != self.end:
            x = self._follow(x)
        return self._sequential()

    def _follow(self, x: str) -> str:
        """Read the node or nodes that use ``x``; return the name of their output."""
        users = [node for node in self.nodes if x in node.input]
        operators = sorted(node.op_type for node in users)
        if operators == ["Mul", "Sigmoid"]:
            gate, product = sorted(users, key=lambda node: node.op_type, reverse=True)
            if sorted(product.input) == sorted([x, gate.output[0]]):
                self.steps.append(layers.SiLU())
                return str(product.output[0])
        if len(users) != 1:
            raise ArgumentError(f"expected a chain, got {len(users)} nodes that use {x!r}: {', '.join(operators)}.")
        node = users[0]
        attributes = {each.name: self.onnx.helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "Gemm":
            self.steps.append(self._gemm(node, attributes))
        elif node.op_type == "MatMul" and node.input[0] == x:
            self.steps.append((self._matrix(node, node.input[1]), None))
        elif node.op_type == "Add":
            self._add_bias(node, next(name for name in node.input if name != x))
        elif node.op_type in READ and _on_rows(attributes):
            self.steps.append(READ[node.op_type](attributes))
        elif not self._changes_nothing(node, attributes):
            readable = ", ".join(["Gemm", "MatMul", "Add", *READ, *PASSED])
            raise ArgumentError(
                f"expected a chain of {readable}; got {_name_of(node)} with {attributes or 'no settings'}."
            )
        return str(node.output[0])

    def _changes_nothing(self, node: Any, attributes: dict[str, Any]) -> bool:
        """Return whether a node leaves rows of features unchanged; a leading Flatten creates these rows."""
        if node.op_type == "Cast":
            return attributes["to"] in (self.onnx.TensorProto.FLOAT, self.onnx.TensorProto.DOUBLE)
        if node.op_type == "Flatten":
            return attributes.get("axis", 1) == 1
        if node.op_type == "Reshape":
            target, last = [int(n) for n in self.constants.get(node.input[1], ())], self._units()
            return len(target) == 2 and target[0] in (-1, 0) and target != [-1, -1] and target[1] in (-1, last)
        return node.op_type in PASSED

    def _units(self) -> int | None:
        """Return the number of features at this point, None before the first weights."""
        units = [step[0].shape[1] for step in self.steps if isinstance(step, tuple)]
        return units[-1] if units else None

    def _gemm(self, node: Any, attributes: dict[str, Any]) -> tuple[Array, Array | None]:
        if attributes.get("transA") or node.input[1] not in self.constants:
            raise ArgumentError(f"expected x @ W + b with constant W, got another product in {_name_of(node)}.")
        W = self._matrix(node, node.input[1]) * np.float32(attributes.get("alpha", 1.0))
        W = W.T if attributes.get("transB") else W
        if len(node.input) < 3 or not node.input[2]:
            return W, None
        return W, self._bias(node, node.input[2], W.shape[1]) * np.float32(attributes.get("beta", 1.0))

    def _add_bias(self, node: Any, name: str) -> None:
        last = self.steps[-1] if self.steps else None
        if not isinstance(last, tuple) or last[1] is not None:
            raise ArgumentError(f"expected each Add right behind a MatMul, got {_name_of(node)}.")
        self.steps[-1] = last[0], self._bias(node, name, last[0].shape[1])

    def _matrix(self, node: Any, name: str) -> Array:
        W = self.constants.get(name)
        if W is None or W.ndim != 2:
            got = "none" if W is None else f"one of shape {W.shape}"
            raise ArgumentError(f"expected a constant matrix in {_name_of(node)}, got {got}.")
        return W

    def _bias(self, node: Any, name: str, units: int) -> Array:
        b = self.constants.get(name)
        if b is None or b.size not in (1, units) or b.shape not in ((), (1,), (units,), (1, 1), (1, units)):
            got = "none" if b is None else f"one of shape {b.shape}"
            raise ArgumentError(f"expected a constant bias for {units} units in {_name_of(node)}, got {got}.")
        return np.broadcast_to(b.reshape(-1), (units,))

    def _sequential(self) -> Sequential:
        weights = [step for step in self.steps if isinstance(step, tuple)]
        if not weights:
            raise ArgumentError("expected at least one Gemm or MatMul, got none.")
        shape = tuple(each.dim_value for each in self.inputs[0].type.tensor_type.shape.dim)[1:]
        flattened = len(shape) > 1 and math.prod(shape) == weights[0][0].shape[0]
        made: list[Any] = [Input(shape), layers.Flatten()] if flattened else [Input((weights[0][0].shape[0],))]
        for step in self.steps:
            if isinstance(step, tuple):
                made.append(Dense(step[0].shape[1], use_bias=step[1] is not None))
            elif isinstance(made[-1], Dense) and made[-1].activation is None:
                made[-1] = Dense(made[-1].units, activation=step, use_bias=made[-1].use_bias)
            else:
                made.append(step)
        dtype = "float64" if any(W.dtype == np.float64 for W, _ in weights) else "float32"
        model = Sequential(made, dtype=dtype)
        arrays = [array for step in weights for array in step if array is not None]
        model.set_weights(arrays)
        return model


def _on_rows(attributes: dict[str, Any]) -> bool:
    """Return whether an activation is exact, not approximate, and acts on the features of each row."""
    return attributes.get("axis", -1) in (-1, 1) and attributes.get("approximate", b"none") == b"none"


def _name_of(node: Any) -> str:
    return f"{node.op_type} {node.name or node.output[0]!r}"
