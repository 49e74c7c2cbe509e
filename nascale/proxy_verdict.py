"""What a comparison of proxies says in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from evaluators.init_scores.scores import BASELINES


def verdict(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Lines on the rows of ``evaluators.proxy_comparison.compare``: the best ranking, and which proxies clearly beat the
    baselines."""
    known = [r for r in rows if math.isfinite(r["spearman"])]
    if not known:
        return ["no proxy gave a ranking"]
    best = known[0]
    lines = [
        f"best ranking: {best['proxy']}, Spearman {best['spearman']:.2f} "
        f"[{best['spearman_low']:.2f}, {best['spearman_high']:.2f}], {best['seconds']:.2g} s a network"
    ]
    free = [r for r in known if r["proxy"] in BASELINES]
    if free:
        baseline = max(free, key=lambda r: r["spearman"])
        name = f"{baseline['proxy']} ({baseline['spearman']:.2f}), which is free"
        others = [r for r in known if r not in free]
        clear = [r for r in others if r["gain_low"] is not None and r["gain_low"] > 0]
        for r in clear:
            gained = f"{r['gain']:+.2f} [{r['gain_low']:+.2f}, {r['gain_high']:+.2f}]"
            lines.append(f"clearly better than {name}: {r['proxy']}, {gained}")
        if len(clear) > 1:
            most = max(clear, key=lambda r: r["gain"] / max(r["seconds"], 1e-9))
            lines.append(f"most gained per second: {most['proxy']}")
        if others and not clear:
            lines.append(f"no proxy is clearly better than {name}: the intervals of all gains reach 0")
    failed = [r for r in rows if r["failures"]]
    lines += [f"{r['proxy']} failed on {r['failures']} of {r['architectures']} networks" for r in failed]
    return lines
