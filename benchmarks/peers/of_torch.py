"""torch: a step, epochs in the fastest form and as in its tutorials, and predictions."""

from collections.abc import Callable
from typing import Any

import numpy as np
from networks import EPSILON, RATE, Network

from peers.shared import Batches, Epochs, Run, turns


def torch_parts(network: Network, fused: bool, compiled: bool = False) -> tuple[Any, Any, Any]:
    """Return torch's model, loss function and optimizer; seeds torch, so that it always shuffles in the same way."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[network.activation]
    layers: list[Any] = []
    normalization = {
        "": lambda units: [],
        "batch": lambda units: [nn.BatchNorm1d(units, eps=0.001, momentum=0.01)],
        "layer": lambda units: [nn.LayerNorm(units, eps=0.001)],
    }[network.normalization]
    for inputs, units in network.pairs[:-1]:
        layers += [nn.Linear(inputs, units), *normalization(units), activation()]
    model = nn.Sequential(*layers, nn.Linear(*network.pairs[-1]))
    dense = [layer for layer in model if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer, W, b in zip(dense, network.weights()[::2], network.weights()[1::2], strict=True):
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
    loss = {"classes": nn.CrossEntropyLoss, "binary": nn.BCEWithLogitsLoss, "regression": nn.MSELoss}[network.task]()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, eps=EPSILON, fused=fused or None)
    return (torch.compile(model) if compiled else model), loss, optimizer


def torch_step(network: Network, batches: Batches, *, fused: bool = False, compiled: bool = False) -> Run:
    import torch

    model, loss_function, optimizer = torch_parts(network, fused, compiled)
    tensors = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]

    def run(n: int) -> float:
        for x, y in turns(tensors, n):
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            optimizer.step()
        return loss.item()

    return run


def torch_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    """Return an epoch that indexes the tensors with a permutation and uses the fused Adam: faster than a DataLoader."""
    import torch

    model, loss_function, optimizer = torch_parts(network, fused=True)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)

    def run(n: int) -> None:
        for _ in range(n):
            for rows in torch.randperm(len(tx)).split(batch):
                optimizer.zero_grad()
                loss_function(model(tx[rows]), ty[rows]).backward()
                optimizer.step()

    return run, torch_predict(model)


def torch_loader_epoch(network: Network, x: np.ndarray, y: np.ndarray, batch: int) -> Epochs:
    """Return an epoch as in torch's tutorials: a DataLoader and the default Adam."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    model, loss_function, optimizer = torch_parts(network, fused=False)
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=batch, shuffle=True)

    def run(n: int) -> None:
        for _ in range(n):
            for rows, targets in loader:
                optimizer.zero_grad()
                loss_function(model(rows), targets).backward()
                optimizer.step()

    return run, torch_predict(model)


def torch_predict(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    def predict(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(x)).numpy()

    return predict
