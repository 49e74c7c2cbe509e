"""How many networks the cost model counts in a second, compared with building and counting them.

    python -m bench.cost_speed [--networks 5000] [--peers 20] [--repeats 5]

The networks are drawn at random from the MnasNet/EfficientNet-B0 space; no two have the same key. All methods
run in this process on one thread, one after the other. Time is processor time, which other work on the machine
affects little; each rate is the median of ``--repeats``:

costs               parameters, MACs, FLOPs and memory of architectures that exist as values
decode and costs    the same from the decisions: making and checking the architecture included
torch flop_counter  building the module on the meta device and one forward pass under FlopCounterMode
fvcore              building the module on the CPU and FlopCountAnalysis, whose tracing refuses meta tensors

torch and fvcore count the first ``--peers`` of the networks. Their MACs must equal ours. fvcore is in the extra
``bench``.
"""

from __future__ import annotations

import argparse
import logging
import random
import statistics
import time
import warnings
from collections.abc import Callable, Sequence

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench import require
from evaluators.network import build
from space.architecture import Architecture
from space.cost import costs
from space.search_space import Decisions, SearchSpace
from space.zoo.spaces import mnasnet


def distinct(space: SearchSpace, count: int, seed: int) -> list[Decisions]:
    """``count`` random assignments whose networks all have different keys."""
    rng = random.Random(seed)
    found: dict[str, Decisions] = {}
    while len(found) < count:
        decisions = space.sample(rng)
        found.setdefault(space.decode(decisions).key, decisions)
    return list(found.values())


def flop_counter_macs(architecture: Architecture) -> int:
    network = build(architecture, seed=None).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, architecture.resolution, architecture.resolution, device="meta"))
    return int(counter.get_total_flops()) // 2


def fvcore_macs(architecture: Architecture) -> int:
    """fvcore calls a multiply-accumulate one flop; only convolutions and linear layers are kept here."""
    from fvcore.nn import FlopCountAnalysis

    network = build(architecture).eval()
    image = torch.zeros(1, 3, architecture.resolution, architecture.resolution)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_operator = FlopCountAnalysis(network, image).by_operator()
    return int(by_operator["conv"] + by_operator["linear"])


def rate(work: Callable[[], object], count: int, repeats: int) -> float:
    """Networks per second of processor time: the median of ``repeats`` runs."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return count / statistics.median(seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", type=int, default=5000)
    parser.add_argument("--peers", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    require("fvcore")
    torch.set_num_threads(1)
    logging.getLogger("fvcore").setLevel(logging.ERROR)

    space = mnasnet(None, 3, 1000)
    decisions = distinct(space, options.networks, options.seed)
    architectures = [space.decode(d) for d in decisions]
    sample = architectures[: options.peers]
    repeats = options.repeats
    rates = {
        "costs": rate(lambda: [costs(a) for a in architectures], len(architectures), repeats),
        "decode and costs": rate(
            lambda: [costs(space.decode(d)) for d in decisions], len(architectures), repeats
        ),
        "torch flop_counter": rate(lambda: [flop_counter_macs(a) for a in sample], len(sample), repeats),
        "fvcore": rate(lambda: [fvcore_macs(a) for a in sample], len(sample), repeats),
    }
    ours = [costs(a).macs for a in sample]
    agree = {
        "torch flop_counter": ours == [flop_counter_macs(a) for a in sample],
        "fvcore": ours == [fvcore_macs(a) for a in sample],
    }
    print(f"{len(architectures)} networks with distinct keys, {repeats} repeats, one thread, processor time")
    for name, found in rates.items():
        beside = ", ".join(
            f"{rates[own] / found:,.0f}x slower than {own!r}"
            for own in ("costs", "decode and costs")
            if name in agree
        )
        same = f"; MACs {'equal' if agree[name] else 'DIFFER'}" if name in agree else ""
        print(f"{name:<20}{found:>12,.1f} a second   {beside}{same}")


if __name__ == "__main__":
    main()
