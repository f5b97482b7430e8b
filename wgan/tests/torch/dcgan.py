"""Writes beside itself a generator as PyTorch 2.15 saves it, in half precision, noise, and the samples made of it.

    pip install torch safetensors && python3 wgan/tests/torch/dcgan.py
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(0)
generator = nn.Sequential(
    *(nn.Linear(128, 2 * 4 * 4), nn.Unflatten(1, (2, 4, 4)), nn.BatchNorm2d(2), nn.ReLU()),
    *(nn.ConvTranspose2d(2, 3, 5, stride=2, padding=2, output_padding=1), nn.Sigmoid()),
)
for _ in range(20):
    generator(torch.randn(64, 128))  # so that batch norm has statistics
z = torch.randn(4, 128)
half = generator.half().state_dict()
here = Path(__file__).parent
save_file({name: tensor.bfloat16() if "running" in name else tensor for name, tensor in half.items()}, here / "dcgan.safetensors")
generator.load_state_dict({name: tensor.bfloat16() if "running" in name else tensor for name, tensor in half.items()})
with torch.no_grad():
    np.save(here / "samples.npy", generator.float().eval()(z).numpy())
np.save(here / "z.npy", z.numpy())
