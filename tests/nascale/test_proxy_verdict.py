"""The words on a comparison of proxies."""

from __future__ import annotations

from nascale.proxy_verdict import verdict


def test_the_verdict_names_the_best_and_what_is_clearly_better_than_what_is_free() -> None:
    def row(name: str, spearman: float, seconds: float, gain: float | None = None) -> dict[str, object]:
        return {
            "proxy": name,
            "spearman": spearman,
            "spearman_low": spearman - 0.1,
            "spearman_high": spearman + 0.1,
            "gain": gain,
            "gain_low": None if gain is None else gain - 0.1,
            "gain_high": None if gain is None else gain + 0.1,
            "seconds": seconds,
            "failures": 0,
            "architectures": 40,
        }

    macs, params = row("macs", 0.7, 0.0), row("params", 0.3, 0.0)
    lines = verdict([row("train", 0.9, 30.0, 0.2), row("naswot", 0.85, 0.5, 0.15), macs, params])
    assert lines == [
        "best ranking: train, Spearman 0.90 [0.80, 1.00], 30 s a network",
        "clearly better than macs (0.70), which is free: train, +0.20 [+0.10, +0.30]",
        "clearly better than macs (0.70), which is free: naswot, +0.15 [+0.05, +0.25]",
        "most gained per second: naswot",
    ]
    lines = verdict([row("snip", 0.75, 1.0, 0.05), macs])
    assert (
        lines[1]
        == "no proxy is clearly better than macs (0.70), which is free: the intervals of all gains reach 0"
    )
