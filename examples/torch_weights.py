"""Weights from PyTorch: a state dict becomes a minidl model, without PyTorch.

``python torch_weights.py net.pt`` reads your file; without one, a small file in the safetensors format is made.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from minidl import Dense, Input, Sequential
from minidl.torch import load_torch


def write_example(path):
    """Write what ``safetensors.torch.save_file(net.state_dict(), path)`` writes for a small network."""
    rng = np.random.default_rng(0)
    shapes = {"0.bias": (6,), "0.weight": (6, 4), "2.bias": (3,), "2.weight": (3, 6)}
    header, parts, end = {}, [], 0
    for name, shape in shapes.items():
        array = rng.normal(size=shape).astype("<f4")
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + array.nbytes]}
        parts.append(array.tobytes())
        end += array.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="?", type=Path)
    path = parser.parse_args().path
    if path is None:
        path = Path("net.safetensors")
        write_example(path)

    # the layers of: nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3), nn.Softmax(-1))
    model = Sequential([Input((4,)), Dense(6, activation="relu"), Dense(3, activation="softmax")])
    load_torch(model, path)
    print(f"probabilities of one sample: {model.predict(np.ones((1, 4))).round(3)}")


if __name__ == "__main__":
    main()
