"""The examples of `compare.py` in PyTorch, eagerly, as one would write them."""

from math import pi

import torch
from torch.func import grad, vmap
from torch.nn.functional import linear, mse_loss

VISCOSITY = 0.05
SHOTS = 10


class Training:
    def __init__(self, configuration, dump, threads, device="cpu", compiled=False):
        torch.set_num_threads(threads)
        torch.set_default_device(device)
        self.on_gpu = device != "cpu"
        weights = {name.removeprefix("network."): torch.tensor(value) for name, value in dump.items() if name.startswith("network.")}
        self.weights = {name: value.requires_grad_() for name, value in weights.items()}
        self.draw, self.loss = {"physics": (points, physics), "meta-learning": (tasks, meta_learning)}[configuration]
        self.rule = torch.optim.Adam(self.weights.values())

    def iterate(self):
        self.rule.zero_grad()
        self.loss(self.weights, *self.draw()).backward()
        self.rule.step()
        if self.on_gpu:
            torch.cuda.synchronize()  # what is timed is done

    def losses_and_gradients(self, dump):
        """What the dump holds as results, by its names, and the size of the loss."""
        loss = self.loss(self.weights, *(torch.tensor(dump[name]) for name in ("first", "second")))
        gradients = torch.autograd.grad(loss, list(self.weights.values()))
        found = {f"gradient of network.{name}": value.cpu().numpy() for name, value in zip(self.weights, gradients)}
        return {"loss": loss.detach().cpu().numpy(), **found}, loss.item()


def mlp(weights, x, activation):
    *hidden, last = sorted({name.split(".")[0] for name in weights})
    for place in hidden:
        x = activation(linear(x, weights[f"{place}.weight"], weights[f"{place}.bias"]))
    return linear(x, weights[f"{last}.weight"], weights[f"{last}.bias"])


def points():
    return torch.rand(256, 1), torch.rand(256, 1)


def physics(weights, x, t):
    x.requires_grad_(), t.requires_grad_()
    start = 2 * VISCOSITY * pi * torch.sin(pi * x) / (torch.cos(pi * x) + 1.1)
    u = start + t * x * (1 - x) * mlp(weights, torch.cat([x, t], 1), torch.tanh)
    u_x, u_t = torch.autograd.grad(u.sum(), [x, t], create_graph=True)
    [u_xx] = torch.autograd.grad(u_x.sum(), x, create_graph=True)
    return (u_t + u * u_x - VISCOSITY * u_xx).square().mean()


def tasks():
    height, phase = 0.1 + 4.9 * torch.rand(25, 1, 1), pi * torch.rand(25, 1, 1)
    x = 10 * torch.rand(25, 2 * SHOTS, 1) - 5
    return x, height * torch.sin(x - phase)


def error(weights, x, y):
    return mse_loss(mlp(weights, x, torch.relu), y)


def meta_learning(weights, x, y):
    def adapted(x, y):
        slopes = grad(error)(weights, x[:SHOTS], y[:SHOTS])
        return error({name: weights[name] - 0.01 * slopes[name] for name in weights}, x[SHOTS:], y[SHOTS:])

    return vmap(adapted)(x, y).mean()
