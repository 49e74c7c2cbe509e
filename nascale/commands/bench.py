"""``nascale bench``: measurements that say what can be trusted here, as a group of lazily imported commands."""

from __future__ import annotations

from nascale.cli import LazyGroup

command = LazyGroup(
    "bench",
    modules={
        "samplers": "nascale.commands.bench_samplers",
        "proxies": "nascale.commands.bench_proxies",
        "spaces": "nascale.commands.bench_spaces",
    },
    help="Which sampler, which proxy and which search space can be trusted here.",
)
