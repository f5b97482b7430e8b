#!/usr/bin/env python3
"""Loads the generator of a run with --arch dcgan into PyTorch and compares what both make of the same noise.

    pip install torch numpy safetensors
    wgan sample --run RUN --save-z z.npy --out samples.npy
    python3 benches/load.py RUN/generator.safetensors z.npy samples.npy
"""

import sys

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn


def dcgan(latent, dim):
    """The generator of 28×28 pixels, `wgan/src/game/models.rs`: layers without weights count as well."""

    def doubled(inputs, outputs, output_padding=1):
        return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=output_padding)

    return nn.Sequential(
        *(nn.Linear(latent, 64 * dim), nn.Unflatten(1, (4 * dim, 4, 4)), nn.ReLU()),
        *(doubled(4 * dim, 2 * dim, 0), nn.ReLU(), doubled(2 * dim, dim), nn.ReLU(), doubled(dim, 1), nn.Sigmoid()),
    )


weights, noise, samples = sys.argv[1:]
state = {name.removeprefix("generator."): tensor for name, tensor in load_file(weights).items()}
generator = dcgan(state["0.weight"].shape[1], state["7.weight"].shape[0])
generator.load_state_dict(state)  # strictly: no name may be missing or left over, no shape may differ
with torch.no_grad():
    ours, theirs = np.load(samples), generator(torch.from_numpy(np.load(noise))).squeeze(1).numpy()
error = np.abs(ours - theirs).max()
print(f"{len(ours)} samples differ by {error:.1e} at most")
sys.exit(not (ours.shape == theirs.shape and error < 1e-5))
