"""The examples of `compare.py` in JAX, each step compiled."""

from math import pi

import numpy as np

from jax_training import start

VISCOSITY = 0.05
SHOTS = 10


class Training:
    def __init__(self, configuration, dump, threads):
        global jax, jnp
        jax, jnp = start(threads)

        self.weights = {name.removeprefix("network."): jnp.array(value) for name, value in dump.items() if name.startswith("network.")}
        self.draw, self.loss = {"physics": (points, physics), "meta-learning": (tasks, meta_learning)}[configuration]
        self.moments = [jax.tree.map(jnp.zeros_like, self.weights) for _ in range(2)]
        self.key, self.step = jax.random.key(0), 0
        self.update = jax.jit(self.update)

    def update(self, weights, moments, key, step):
        """Adam."""
        gradients = jax.grad(self.loss)(weights, *self.draw(key))
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, moments[1], gradients)
        adam = lambda w, m, s: w - 1e-3 * m / (1 - 0.9**step) / (jnp.sqrt(s / (1 - 0.999**step)) + 1e-8)
        return jax.tree.map(adam, weights, mean, square), [mean, square]

    def iterate(self):
        self.key, key = jax.random.split(self.key)
        self.step += 1
        updated = self.update(self.weights, self.moments, key, float(self.step))
        self.weights, self.moments = jax.block_until_ready(updated)

    def losses_and_gradients(self, dump):
        """What the dump holds as results, by its names, and the size of the loss."""
        loss, gradients = jax.value_and_grad(self.loss)(self.weights, dump["first"], dump["second"])
        found = {f"gradient of network.{name}": np.asarray(value) for name, value in gradients.items()}
        return {"loss": np.asarray(loss), **found}, float(loss)


def mlp(weights, x, activation):
    *hidden, last = sorted({name.split(".")[0] for name in weights})
    for place in hidden:
        x = activation(x @ weights[f"{place}.weight"].T + weights[f"{place}.bias"])
    return x @ weights[f"{last}.weight"].T + weights[f"{last}.bias"]


def points(key):
    return jax.random.uniform(key, [2, 256, 1])


def physics(weights, x, t):
    def u(x, t):
        start = 2 * VISCOSITY * pi * jnp.sin(pi * x) / (jnp.cos(pi * x) + 1.1)
        return start + t * x * (1 - x) * mlp(weights, jnp.stack([x, t]), jnp.tanh)[0]

    def residual(x, t):
        u_x = jax.grad(u)
        return jax.grad(u, 1)(x, t) + u(x, t) * u_x(x, t) - VISCOSITY * jax.grad(u_x)(x, t)

    return jnp.square(jax.vmap(residual)(x[:, 0], t[:, 0])).mean()


def tasks(key):
    keys = jax.random.split(key, 3)
    height, phase = (jax.random.uniform(key, [25, 1, 1], maxval=most) for key, most in zip(keys, [4.9, pi]))
    x = jax.random.uniform(keys[2], [25, 2 * SHOTS, 1], minval=-5, maxval=5)
    return x, (height + 0.1) * jnp.sin(x - phase)


def error(weights, x, y):
    return jnp.square(mlp(weights, x, jax.nn.relu) - y).mean()


def meta_learning(weights, x, y):
    def adapted(x, y):
        slopes = jax.grad(error)(weights, x[:SHOTS], y[:SHOTS])
        return error(jax.tree.map(lambda w, g: w - 0.01 * g, weights, slopes), x[SHOTS:], y[SHOTS:])

    return jax.vmap(adapted)(x, y).mean()
