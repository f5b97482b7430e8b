"""The trainings of `compare.py` in PyTorch, eagerly, as one would write them."""

import torch
from torch import nn

CLIP = 0.01
LAMBDA = 10.0


def mlp(widths):
    layers = [layer for inputs, outputs in zip(widths, widths[1:]) for layer in (nn.Linear(inputs, outputs), nn.ReLU())]
    return layers[:-1]


def mlps(latent, sample):
    points = sample.numel()
    critic = nn.Sequential(nn.Flatten(), *mlp([points, 512, 512, 512, 1]))
    shape = [nn.Unflatten(1, sample)] if len(sample) > 1 else []
    squash = [nn.Sigmoid()] if len(sample) > 1 else []
    return critic, nn.Sequential(*mlp([latent, 512, 512, 512, points]), *squash, *shape)


def dcgan(dim, latent):
    def conv(inputs, outputs):
        return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)

    def transposed(inputs, outputs, output_padding=1):
        return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=output_padding)

    critic = nn.Sequential(
        *(conv(1, dim), nn.LeakyReLU(0.2), conv(dim, 2 * dim), nn.LeakyReLU(0.2)),
        *(conv(2 * dim, 4 * dim), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64 * dim, 1)),
    )
    generator = nn.Sequential(
        *(nn.Linear(latent, 64 * dim), nn.ReLU(), nn.Unflatten(1, (4 * dim, 4, 4))),
        *(transposed(4 * dim, 2 * dim, 0), nn.ReLU(), transposed(2 * dim, dim), nn.ReLU()),
        *(transposed(dim, 1), nn.Sigmoid()),
    )
    return critic, generator


def infogan(dim, latent):
    def conv(inputs, outputs):
        return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)

    def transposed(inputs, outputs):
        return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)

    critic = nn.Sequential(
        *(conv(1, dim), nn.LeakyReLU(0.2), conv(dim, 2 * dim), nn.LeakyReLU(0.2), nn.Flatten()),
        *(nn.Linear(98 * dim, 8 * dim), nn.LeakyReLU(0.2), nn.Linear(8 * dim, 1)),
    )
    generator = nn.Sequential(
        *(nn.Linear(latent, 8 * dim), nn.ReLU(), nn.Linear(8 * dim, 98 * dim), nn.Unflatten(1, (2 * dim, 7, 7))),
        *(nn.ReLU(), transposed(2 * dim, dim), nn.ReLU(), transposed(dim, 1), nn.Sigmoid()),
    )
    return critic, generator


def networks(dump):
    """The critic and the generator; layers have the same places, so the same names, as in the dump."""
    latent, sample = dump["noise"].shape[1], dump["real"].shape[1:]
    if (first := dump.get("critic.0.weight")) is None:
        return mlps(latent, sample)
    return (infogan if first.shape[-1] == 4 else dcgan)(len(first), latent)


class Training:
    def __init__(self, configuration, dump, threads, device="cpu", compiled=False):
        torch.set_num_threads(threads)
        torch.set_default_device(device)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # 24 bits, as everywhere here
        self.on_gpu = device != "cpu"
        dump = {name: torch.tensor(value) for name, value in dump.items()}
        self.batch, self.latent = dump["noise"].shape
        light = configuration == "light"
        self.critic_steps, self.penalised = 3 if light else 5, light or configuration.endswith("gp")
        self.critic, self.generator = networks(dump)
        for name, network in [("critic.", self.critic), ("generator.", self.generator)]:
            network.load_state_dict({key.removeprefix(name): dump[key] for key in dump if key.startswith(name)})
        self.data = dump["real"].repeat(10_000 // self.batch, *[1] * (dump["real"].dim() - 1))
        self.critic_rule, self.generator_rule = (
            torch.optim.Adam(network.parameters(), lr=2e-3 if light else 1e-4, betas=(0.0 if light else 0.5, 0.9))
            if self.penalised
            else torch.optim.RMSprop(network.parameters(), lr=5e-5)
            for network in (self.critic, self.generator)
        )
        if compiled:
            self.critic_loss, self.generator_loss = torch.compile(self.critic_loss), torch.compile(self.generator_loss)

    def critic_loss(self, real, fake, mix):
        scores = self.critic(torch.cat([real, fake]))
        loss = scores[len(real) :].mean() - scores[: len(real)].mean()
        return loss + LAMBDA * self.penalty(real, fake, mix) if self.penalised else loss

    def penalty(self, real, fake, mix):
        points = torch.lerp(fake, real, mix.view(-1, *[1] * (real.dim() - 1))).requires_grad_()
        [slopes] = torch.autograd.grad(self.critic(points).sum(), points, create_graph=True)
        return (slopes.flatten(1).norm(dim=1) - 1).square().mean()

    def generator_loss(self, noise):
        return -self.critic(self.generator(noise)).mean()

    def iterate(self):
        for _ in range(self.critic_steps):
            real = self.data[torch.randint(len(self.data), (self.batch,))]
            with torch.no_grad():
                fake = self.generator(torch.randn(self.batch, self.latent))
            self.critic_rule.zero_grad()
            self.critic_loss(real, fake, torch.rand(self.batch)).backward()
            self.critic_rule.step()
            if not self.penalised:
                with torch.no_grad():
                    for weight in self.critic.parameters():
                        weight.clamp_(-CLIP, CLIP)
        self.generator_rule.zero_grad()
        self.generator_loss(torch.randn(self.batch, self.latent)).backward(inputs=list(self.generator.parameters()))
        self.generator_rule.step()
        if self.on_gpu:
            torch.cuda.synchronize()  # what is timed is done

    def losses_and_gradients(self, dump):
        """What the dump holds as results, by its names, and the mean absolute score."""
        noise, real, mixes = (torch.tensor(dump[name]) for name in ("noise", "real", "mixes"))
        with torch.no_grad():
            fake = self.generator(noise)
            scale = self.critic(torch.cat([real, fake])).abs().mean().item()
        found = {}
        for name, network, loss in [
            ("critic", self.critic, self.critic_loss(real, fake, mixes[0])),
            ("generator", self.generator, self.generator_loss(noise)),
        ]:
            found[f"{name} loss"] = loss.detach().cpu().numpy()
            gradients = torch.autograd.grad(loss, list(network.parameters()))
            for (key, _), gradient in zip(network.named_parameters(), gradients):
                found[f"gradient of {name}.{key}"] = gradient.cpu().numpy()
        return found, scale
