"""Writes spectral.safetensors beside itself: spectrally normalised layers as PyTorch 2.15 saves them, and what they compute.

    pip install torch safetensors && python3 nn/tests/torch/spectral.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

torch.manual_seed(0)
layers = nn.Sequential(
    *(spectral_norm(nn.Conv2d(2, 3, 3, stride=2, padding=1)), nn.ReLU(), nn.Flatten()),
    spectral_norm(nn.Linear(12, 4)),
)
with torch.no_grad():
    for layer in (layers[0], layers[3]):
        layer.parametrizations.weight.original.mul_(3)  # as if learned since: u and v are behind
x = torch.randn(5, 2, 4, 4)
file = {name: tensor.clone() for name, tensor in layers.state_dict().items()} | {"x": x}
with torch.no_grad():
    file["evaluated"] = layers.eval()(x)
    file["trained"] = layers.train()(x)
save_file(file, Path(__file__).with_suffix(".safetensors"))
