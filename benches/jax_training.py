"""The trainings of `compare.py` in JAX, each update compiled."""

import os

import numpy as np

CLIP = 0.01
LAMBDA = 10.0


def start(threads):
    """JAX and its numpy on so many threads: it takes as many as it finds cores when it is imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import jax.numpy

    return jax, jax.numpy


class Training:
    def __init__(self, configuration, dump, threads):
        global jax, jnp
        jax, jnp = start(threads)

        light = configuration == "light"
        self.critic_steps, self.rate, self.decay = (3, 2e-3, 0.0) if light else (5, 1e-4, 0.5)
        self.penalised = light or configuration.endswith("gp")
        kernel = dump["critic.0.weight"].shape[-1] if "critic.0.weight" in dump else None
        dcgan, infogan = (dcgan_critic, dcgan_generator), (infogan_critic, infogan_generator)
        self.networks = {None: (mlp_critic, mlp_generator), 4: infogan, 5: dcgan}[kernel]
        self.batch, self.latent = dump["noise"].shape
        self.sample = dump["real"].shape[1:]
        self.weights = tuple(
            {key.removeprefix(network): jnp.array(value) for key, value in dump.items() if key.startswith(network)}
            for network in ("critic.", "generator.")
        )
        moments = [jax.tree.map(jnp.zeros_like, self.weights) for _ in range(2)]
        self.state = [[mean, square] for mean, square in zip(*moments)]
        self.data = jnp.tile(dump["real"], [10_000 // self.batch, *[1] * len(self.sample)])
        self.key = jax.random.key(0)
        self.step = 0
        self.update_critic = jax.jit(self.update_critic)
        self.update_generator = jax.jit(self.update_generator)

    def critic(self, w, x):
        return self.networks[0](w, x)

    def generator(self, w, z):
        x = self.networks[1](w, z).reshape(-1, *self.sample)
        return jax.nn.sigmoid(x) if len(self.sample) > 1 else x

    def critic_loss(self, w, real, fake, mix):
        scores = self.critic(w, jnp.concatenate([real, fake]))
        loss = scores[len(real) :].mean() - scores[: len(real)].mean()
        if not self.penalised:
            return loss
        points = fake + mix.reshape(-1, *[1] * len(self.sample)) * (real - fake)
        slopes = jax.grad(lambda x: self.critic(w, x).sum())(points).reshape(len(real), -1)
        return loss + LAMBDA * jnp.square(jnp.linalg.norm(slopes, axis=1) - 1).mean()

    def generator_loss(self, w, critic, noise):
        return -self.critic(critic, self.generator(w, noise)).mean()

    def update_critic(self, critic, generator, state, step, key):
        keys = jax.random.split(key, 3)
        real = self.data[jax.random.randint(keys[0], [self.batch], 0, len(self.data))]
        fake = self.generator(generator, jax.random.normal(keys[1], [self.batch, self.latent]))
        gradients = jax.grad(self.critic_loss)(critic, real, fake, jax.random.uniform(keys[2], [self.batch]))
        critic, state = self.rule(critic, gradients, state, step)
        return critic if self.penalised else jax.tree.map(lambda x: x.clip(-CLIP, CLIP), critic), state

    def update_generator(self, critic, generator, state, step, key):
        noise = jax.random.normal(key, [self.batch, self.latent])
        return self.rule(generator, jax.grad(self.generator_loss)(generator, critic, noise), state, step)

    def rule(self, weights, gradients, state, step):
        """Adam under a penalty, RMSProp under clipping."""
        mean, square = state
        if self.penalised:
            mean = jax.tree.map(lambda m, g: self.decay * m + (1 - self.decay) * g, mean, gradients)
            square = jax.tree.map(lambda s, g: 0.9 * s + 0.1 * g * g, square, gradients)
            adam = lambda m, s: self.rate * m / (1 - self.decay**step) / (jnp.sqrt(s / (1 - 0.9**step)) + 1e-8)
            return jax.tree.map(lambda w, m, s: w - adam(m, s), weights, mean, square), [mean, square]
        square = jax.tree.map(lambda s, g: 0.99 * s + 0.01 * g * g, square, gradients)
        rmsprop = lambda w, g, s: w - 5e-5 * g / (jnp.sqrt(s) + 1e-8)
        return jax.tree.map(rmsprop, weights, gradients, square), [mean, square]

    def iterate(self):
        self.key, *keys = jax.random.split(self.key, self.critic_steps + 2)
        critic, generator = self.weights
        for number, key in enumerate(keys[:-1]):
            step = self.step * self.critic_steps + number + 1.0
            critic, self.state[0] = self.update_critic(critic, generator, self.state[0], step, key)
        self.step += 1
        generator, self.state[1] = self.update_generator(critic, generator, self.state[1], float(self.step), keys[-1])
        self.weights = jax.block_until_ready((critic, generator))

    def losses_and_gradients(self, dump):
        """What the dump holds as results, by its names, and the mean absolute score."""
        noise, real, mixes = (jnp.array(dump[name]) for name in ("noise", "real", "mixes"))
        critic, generator = self.weights
        fake = self.generator(generator, noise)
        scale = float(jnp.abs(self.critic(critic, jnp.concatenate([real, fake]))).mean())
        found = {}
        for name, (loss, gradients) in [
            ("critic", jax.value_and_grad(self.critic_loss)(critic, real, fake, mixes[0])),
            ("generator", jax.value_and_grad(self.generator_loss)(generator, critic, noise)),
        ]:
            found[f"{name} loss"] = np.asarray(loss)
            found.update((f"gradient of {name}.{key}", np.asarray(value)) for key, value in gradients.items())
        return found, scale


def mlp_critic(w, x):
    x = x.reshape(len(x), -1)
    for place in "135":
        x = jax.nn.relu(linear(w, place, x))
    return linear(w, "7", x)[:, 0]


def mlp_generator(w, z):
    for place in "024":
        z = jax.nn.relu(linear(w, place, z))
    return linear(w, "6", z)


def dcgan_critic(w, x):
    for place in "024":
        x = leaky_relu(conv(w, place, x, 2))
    return linear(w, "7", x.reshape(len(x), -1))[:, 0]


def dcgan_generator(w, z):
    x = jax.nn.relu(linear(w, "0", z)).reshape(len(z), -1, 4, 4)
    x = jax.nn.relu(transposed(w, "3", x, 2, 2))  # 2 = 5 − 1 − padding
    x = jax.nn.relu(transposed(w, "5", x, 2, 3))
    return transposed(w, "7", x, 2, 3)


def infogan_critic(w, x):
    for place in "02":
        x = leaky_relu(conv(w, place, x, 1))
    return linear(w, "7", leaky_relu(linear(w, "5", x.reshape(len(x), -1))))[:, 0]


def infogan_generator(w, z):
    x = linear(w, "2", jax.nn.relu(linear(w, "0", z)))
    x = jax.nn.relu(x).reshape(len(z), -1, 7, 7)
    x = jax.nn.relu(transposed(w, "5", x, 2, 2))  # 2 = 4 − 1 − padding
    return transposed(w, "7", x, 2, 2)


def leaky_relu(x):
    return jnp.where(x > 0, x, 0.2 * x)


def linear(w, place, x):
    return x @ w[f"{place}.weight"].T + w[f"{place}.bias"]


def conv(w, place, x, padding):
    y = jax.lax.conv_general_dilated(x, w[f"{place}.weight"], [2, 2], [(padding, padding)] * 2)
    return y + w[f"{place}.bias"][:, None, None]


def transposed(w, place, x, before, after):
    """A transposed convolution is one over an image with zeros between its pixels, with the filter turned around."""
    filters = w[f"{place}.weight"].swapaxes(0, 1)[:, :, ::-1, ::-1]
    y = jax.lax.conv_general_dilated(x, filters, [1, 1], [(before, after)] * 2, lhs_dilation=[2, 2])
    return y + w[f"{place}.bias"][:, None, None]
