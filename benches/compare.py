#!/usr/bin/env python3
"""Compares the time of a training's iteration with PyTorch's (and JAX's), on the same threads.

    pip install torch numpy            # and jax, for --jax
    python3 benches/compare.py         # --help shows the options

All start from the same weights. First the losses and gradients of one update of each network are compared, so that
what is timed is the same computation. Then the programs take turns, each as a process of its own, which also tells its
memory and how long it took to get started. Numbers are medians.
"""

import argparse
import importlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

try:
    import numpy as np
except ImportError:
    sys.exit("error: numpy is missing; install what is compared with: pip install torch numpy")

EXAMPLES = ["physics", "meta-learning"]
CONFIGURATIONS = ["toy-gp", "mnist-mlp-clip", "mnist-dcgan-gp", "mnist-dcgan-clip", "light", *EXAMPLES]
EXAMPLES_ITERATIONS = 25  # times as many, as each takes a millisecond or less
NAMES = {"ours": "ours", "torch": "PyTorch", "compiled": "compiled", "jax": "JAX"}
ROOT = Path(__file__).resolve().parent.parent
IDLE = 0.5  # load average above which something else is running
TOLERANCE = 1e-4
STARTED = "the first iteration is done"
WARM_UP = 3  # iterations


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configurations", nargs="*", metavar="CONFIG", help=f"of {', '.join(CONFIGURATIONS)}")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="for every program [default: all cores]")
    parser.add_argument("--iterations", type=int, default=20, help="in each turn [default: 20]")
    parser.add_argument("--turns", type=int, default=3, help="of every program [default: 3]")
    parser.add_argument("--backend", default="cpu", help="what ours computes on, as in benches step [default: cpu]")
    parser.add_argument("--device", default="cpu", help="what PyTorch computes on, such as cuda [default: cpu]")
    parser.add_argument("--batch", type=int, help="samples per update [default: the configuration's]")
    parser.add_argument("--program", metavar="PATH", help="ours, if it is built already")
    parser.add_argument("--jax", action="store_true", help="compare with JAX, too")
    parser.add_argument("--compile", action="store_true", help="and with torch.compile, where no gradient is penalised")
    parser.add_argument("--force", action="store_true", help="measure even while something else is running")
    parser.add_argument("--measure", nargs=2, metavar=("LIBRARY", "DUMP"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.configurations) - set(CONFIGURATIONS)
    if unknown:
        parser.error(f"there is no configuration {' or '.join(unknown)}; there are {', '.join(CONFIGURATIONS)}")
    if options.measure:
        return measure(*options.measure, options)
    if not options.force:
        refuse_if_busy()
    compare(options.configurations or CONFIGURATIONS, options)


def refuse_if_busy():
    load = os.getloadavg()[0]
    if load > IDLE:
        sys.exit(
            f"error: the load average is {load:.2f}, so something else is running or was a minute ago; PyTorch slows "
            f"down up to fifty-fold when it shares its cores, so wait until it is below {IDLE}, or measure with --force"
        )


def compare(configurations, options):
    wanted = ["torch", *(["compiled"] if options.compile else []), *(["jax"] if options.jax else [])]
    missing = " ".join(module for module in {module_of(library) for library in wanted} if not find_spec(module))
    if missing:
        sys.exit(f"error: what is compared with is missing; install it with: pip install {missing}")
    ours = options.program or build(options)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for configuration in configurations:
            dump = Path(folder) / f"{configuration}.safetensors"
            example = configuration in EXAMPLES
            step = [ours, "example" if example else "step", configuration, f"--threads={options.threads}"]
            if not example:
                step += [f"--backend={options.backend}", *([f"--batch={options.batch}"] if options.batch else [])]
            iterations = options.iterations * (EXAMPLES_ITERATIONS if example else 1)
            checked([*step, "--dump", dump])
            # What torch.compile makes cannot be differentiated twice, as a penalty is.
            libraries = [library for library in wanted if library != "compiled" or configuration.endswith("clip")]
            for library in libraries:
                check(library, configuration, dump, options)
            commands = {"ours": [*step, f"--iterations={iterations}"]}
            for library in libraries:
                commands[library] = [
                    *(sys.executable, __file__, configuration, "--measure", library, dump),
                    *(f"--threads={options.threads}", f"--iterations={iterations}"),
                    f"--device={options.device}",
                ]
            turns = {program: [] for program in commands}
            for _ in range(options.turns):
                for program, command in commands.items():
                    turns[program].append(run(command))
            results[configuration] = {
                program: {key: statistics.median(turn[key] for turn in measured) for key in measured[0]}
                for program, measured in turns.items()
            }
    print_table(["ours", *wanted], results, options)


def module_of(library):
    return "torch" if library == "compiled" else library


def build(options):
    """Builds the program that trains with this project, and returns its path."""
    command = "cargo build --release -p benches --bin benches --message-format=json-render-diagnostics"
    command += "" if options.backend == "cpu" else " --features opencl"
    output = checked(command.split(), cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    executables = [json.loads(line).get("executable") for line in output.splitlines()]
    return next(path for path in executables if path)


def checked(command, **options):
    """Runs a program that has told what is wrong if it fails."""
    done = subprocess.run(command, **options)
    return done if done.returncode == 0 else sys.exit(done.returncode)


def check(library, configuration, dump, options):
    """Exits unless the library computes the same losses and gradients of the same weights and samples."""
    expected = read_safetensors(dump)
    found, scale = training(library, configuration, expected, options).losses_and_gradients(expected)
    # The gradient of the critic's last bias is 0 but for rounding, so a tensor is compared with its network's others.
    norms = {name: np.linalg.norm(value) for name, value in expected.items() if name.startswith("gradient")}
    worst = 0.0
    for name, value in found.items():
        if name.startswith("gradient"):
            network = name.split(".")[0]
            floor = 1e-4 * max(norm for other, norm in norms.items() if other.startswith(network))
            error = np.linalg.norm(value - expected[name]) / max(norms[name], floor)
        else:
            error = np.abs(value - expected[name]).max() / scale
        worst = max(worst, error)
        if not error < TOLERANCE:
            sys.exit(f"error: {configuration}: {library}'s {name} differs by {error:.1e} of its size")
    print(f"{configuration}: {library} computes the same to {worst:.0e}", flush=True)


def training(library, configuration, dump, options):
    module = module_of(library)
    how = {"device": options.device, "compiled": library == "compiled"} if module == "torch" else {}
    kind = "examples" if configuration in EXAMPLES else "training"
    return importlib.import_module(f"{module}_{kind}").Training(configuration, dump, options.threads, **how)


def read_safetensors(path):
    """The tensors of a file: a length, a header in JSON, and the numbers."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)

    def tensor(dtype, shape, data_offsets):
        assert dtype == "F32"
        first, end = (start + offset for offset in data_offsets)
        return np.frombuffer(data[first:end], "<f4").reshape(shape)

    return {name: tensor(**description) for name, description in header.items()}


def run(command):
    """Runs a program and returns what it measured; it tells on standard error when its first iteration is done."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = None
    errors = []
    for line in process.stderr:
        if line.strip() == STARTED:
            first = time.perf_counter() - start
        else:
            errors.append(line)
    output = process.stdout.read()
    if process.wait() != 0:
        sys.exit("".join(errors))
    return {
        "ms": float(re.match(r"([\d.]+) ms/iteration", output)[1]),
        "mib": float(re.search(r"peak_rss_mib=([\d.]+)", output)[1]),
        "start": first,
    }


def measure(library, dump, options):
    """Trains with a library and prints what `benches step` does."""
    [configuration] = options.configurations
    trainee = training(library, configuration, read_safetensors(dump), options)
    trainee.iterate()
    print(STARTED, file=sys.stderr, flush=True)
    for _ in range(WARM_UP - 1):
        trainee.iterate()
    times = []
    for _ in range(options.iterations):
        start = time.perf_counter()
        trainee.iterate()
        times.append(1e3 * (time.perf_counter() - start))
    print(
        f"{statistics.median(times):.3f} ms/iteration {configuration} threads={options.threads}"
        f" min={min(times):.3f} max={max(times):.3f} peak_rss_mib={peak_mib():.1f}"
    )


def peak_mib():
    """The most memory that this process has had resident."""
    try:
        status = Path("/proc/self/status").read_text()  # Linux's getrusage counts the parent's memory before exec, too
        return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 2**10
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes


def print_table(programs, results, options):
    columns = [
        ("ms", "ms/iteration", "8.2f"),
        ("mib", "peak memory, MiB", "8.0f"),
        ("start", "first iteration, s", "8.2f"),
    ]
    width = 9 * len(programs) + 6 * (len(programs) - 1)
    print(f"\n{options.threads} threads; a ratio is ours by theirs")
    print(" " * 17 + "".join(f" | {title:^{width}}" for _, title, _ in columns))
    heading = "".join(f"{NAMES[program]:>9}" + ("" if program == "ours" else " ratio") for program in programs)
    print(" " * 17 + f" | {heading}" * len(columns))
    for configuration, result in results.items():
        row = f"{configuration:<17}"
        for key, _, style in columns:
            ours = result["ours"][key]
            cells = [f" {ours:{style}}"]
            for program in programs[1:]:
                there = program in result
                cells.append(f" {result[program][key]:{style}} {ours / result[program][key]:5.2f}" if there else f"{'–':>15}")
            row += " | " + "".join(cells)
        print(row)


if __name__ == "__main__":
    main()
