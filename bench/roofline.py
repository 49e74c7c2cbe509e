"""How well the roofline estimate ranks the known networks, compared with their measured latency.

    python -m bench.roofline [--max-macs 40G] [--repeats 5] [--device cpu]

One float32 image, eager, one thread on the CPU. Peak and bandwidth are measured first. Networks of more than
``--max-macs`` are left out and listed at the end. The networks are measured in rounds, once each per round, so that
a slow period of the machine affects all of them; a network's latency is the median of its rounds.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

from scipy.stats import kendalltau, spearmanr

from evaluators.latency import latency
from evaluators.machine_speed import machine_of
from nascale.quantities import human_count, human_seconds, parse_quantity
from space import zoo
from space.cost import costs
from space.roofline import estimate


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--max-macs", default="40G")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    limit = parse_quantity(options.max_macs, "count", "--max-macs")

    machine = machine_of(options.device, threads=1, fresh=True)
    print(
        f"{machine.name}, {machine.threads} thread: {human_count(machine.flops_per_second)}FLOP/s, "
        f"{human_count(machine.bytes_per_second)}B/s, ridge {machine.ridge:.1f} FLOP/B"
    )
    networks = {name: zoo.architecture(name) for name in zoo.ZOO}
    macs = {name: costs(network).macs for name, network in networks.items()}
    left_out = [name for name in networks if macs[name] > limit]
    kept = [name for name in networks if macs[name] <= limit]
    seconds: dict[str, list[float]] = {name: [] for name in kept}
    for _ in range(options.repeats):
        for name in kept:
            found = latency(networks[name], repeats=1, warmup=1, device=options.device)
            seconds[name].append(found.median_seconds)
    estimated = {name: estimate(networks[name], machine) for name in kept}
    measured = {name: statistics.median(seconds[name]) for name in kept}
    for name in kept:
        print(
            f"{name:<22}{human_seconds(estimated[name]):>12} estimated{human_seconds(measured[name]):>12} measured"
            f"{measured[name] / estimated[name]:>8.2f}x"
        )
    order = [measured[name] for name in kept]
    for label, scores in (("roofline", estimated), ("MACs alone", macs)):
        found_order = [scores[name] for name in kept]
        rho, tau = spearmanr(found_order, order).statistic, kendalltau(found_order, order).statistic
        print(f"{label:<12} against latency over {len(kept)} networks: Spearman {rho:.4f}, Kendall {tau:.4f}")
    print(f"left out above {options.max_macs} MACs: {', '.join(left_out) or 'none'}")


if __name__ == "__main__":
    main()
