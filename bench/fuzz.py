"""Malformed input by the thousand: what the command line makes of it.

    python -m bench.fuzz --cases 20000 --seed 0

Each case is valid input with one or a few places damaged, run through the command line's own function in a process
that may take 2 GB more than the libraries. A fault is a traceback, an error that is not one line, an exit status but
0, 1 (a failed run) and 2, a file written by a command that refused, anything executed, or more than 10 s. ``--first``
goes on behind what was run before; ``--groups`` chooses what is damaged.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections import Counter

from tests.fuzzing import groups
from tests.fuzzing.running import run_group


def main(arguments: list[str] | None = None) -> int:
    """Runs the cases and prints a row for each group, then each fault; returns 1 where there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000, help="in all groups together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each group")
    parser.add_argument("--groups", default=",".join(groups.GROUPS))
    chosen = parser.parse_args(arguments)
    names = chosen.groups.split(",")
    each = -(-chosen.cases // len(names))
    groups.prepare()
    total: Counter[str] = Counter()
    faults = []
    print(f"{'group':14}{'cases':>7}{'exit 0':>8}{'exit 1':>8}{'exit 2':>8}{'faults':>8}{'ms a case':>11}")
    for name in names:
        report = run_group(name, each, chosen.seed, chosen.first)
        found = [report.statuses[status] for status in ("0", "1", "2")]
        print(
            f"{name:14}{each:>7}{found[0]:>8}{found[1]:>8}{found[2]:>8}{len(report.faults):>8}"
            f"{1000 * report.seconds / each:>11.1f}",
            flush=True,
        )
        total.update(report.statuses)
        faults += [{"group": name, **fault} for fault in report.faults]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"{each * len(names)} cases, {len(faults)} faults, at most {peak:.2f} GB resident")
    for fault in faults:
        print(json.dumps(fault, ensure_ascii=True)[:2000])
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
