#!/usr/bin/env python3
"""Loads the generator of a run with --arch infogan, as the default run is, into PyTorch and compares samples of both.

    pip install torch numpy safetensors
    wgan sample --run RUN --save-z z.npy --out samples.npy
    python3 benches/load.py RUN/generator.safetensors z.npy samples.npy
"""

import sys

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn


def infogan(latent, dim):
    """The generator of 28×28 pixels, `wgan/src/game/models.rs`: layers without weights count as well."""
    return nn.Sequential(
        *(nn.Linear(latent, 8 * dim), nn.ReLU(), nn.Linear(8 * dim, 98 * dim), nn.Unflatten(1, (2 * dim, 7, 7)), nn.ReLU()),
        *(nn.ConvTranspose2d(2 * dim, dim, 4, stride=2, padding=1), nn.ReLU()),
        *(nn.ConvTranspose2d(dim, 1, 4, stride=2, padding=1), nn.Sigmoid()),
    )


weights, noise, samples = sys.argv[1:]
state = {name.removeprefix("generator."): tensor for name, tensor in load_file(weights).items()}
generator = infogan(state["0.weight"].shape[1], state["7.weight"].shape[0])
generator.load_state_dict(state)  # strictly: no name may be missing or left over, no shape may differ
with torch.no_grad():
    ours, theirs = np.load(samples), generator(torch.from_numpy(np.load(noise))).squeeze(1).numpy()
error = np.abs(ours - theirs).max()
print(f"{len(ours)} samples differ by {error:.1e} at most")
sys.exit(not (ours.shape == theirs.shape and error < 1e-5))
