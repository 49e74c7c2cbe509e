"""How far the figures of a study can be trusted: noise between seeds and of the images, stock networks, luck of the winners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import pandas as pd
from scipy.special import ndtri

from results.networks import LEVEL, Networks, answer
from results.right_images import right_images
from results.stock import StockComparison, against_stock, measured_stock
from results.studies import StoredStudy
from results.verified import SUMMARY

if TYPE_CHECKING:
    from service.studies import Studies


@dataclass(frozen=True)
class NoiseFloor:
    """What may move an accuracy by itself, as fractions; None where it is not known.

    ``seeds`` is the standard deviation of one measurement between seeds, from ``repeats``; ``images`` the standard error of
    the best accuracy from ``count`` validation images. ``apart`` is by how much two single measurements must differ to tell the
    networks apart at ``LEVEL``.
    """

    seeds: float | None
    repeats: int
    images: float | None
    count: int | None

    @property
    def apart(self) -> float | None:
        if self.seeds is None:
            return None
        return float(ndtri(0.5 + LEVEL / 2)) * sqrt(2) * self.seeds


def trust(studies: Studies, name: str) -> Mapping[str, Any]:
    """What the page on trust shows of a study. Raises UnknownNameError with the nearest names."""
    table = studies.table(name)
    return table.once("the page on trust", lambda: _trust(studies.loaded(name), table.frame))


def _trust(stored: StoredStudy, frame: pd.DataFrame) -> Mapping[str, Any]:
    networks = Networks(stored.merit, stored.trials)
    compared = against_stock(networks, stored.trials)
    found = answer(networks)
    return {
        "noise": noise_floor(stored, networks),
        "compared": compared,
        "verdict": _verdict(compared),
        "stock": _stock_rows(stored),
        "verified": _verified_rows(frame),
        "verification": _verification(stored),
        "answer": found.sentence() if found is not None else "",
        "measured": len(networks),
        "level": LEVEL,
    }


def noise_floor(stored: StoredStudy, networks: Networks) -> NoiseFloor:
    """The noise floor of a study."""
    best = answer(networks)
    count = next(
        (len(right) for t in stored.trials if (right := right_images(t.extra)) is not None and len(right)),
        None,
    )
    error = None
    if best is not None and count:
        share = min(1.0, max(0.0, best.accuracy))
        error = sqrt(share * (1 - share) / count)
    return NoiseFloor(networks.deviation, networks.freedom, error, count)


def _verdict(compared: StockComparison | None) -> str:
    """The kind of note that suits the comparison."""
    return {"better": "good", "worse": "bad"}.get(compared.verdict, "warn") if compared is not None else ""


def _stock_rows(stored: StoredStudy) -> list[dict[str, Any]]:
    rows = [
        {
            "name": t.stock,
            "number": t.number,
            "accuracy": t.accuracy,
            "macs": t.costs.get("macs"),
            "params": t.costs.get("params"),
        }
        for t in measured_stock(stored.trials)
    ]
    return sorted(rows, key=lambda row: -(row["accuracy"] or 0.0))


def _verification(stored: StoredStudy) -> Mapping[str, Any] | None:
    """What the study keeps of its last verification; None where there was none."""
    summary = stored.attributes.get(SUMMARY)
    return summary if isinstance(summary, dict) and isinstance(summary.get("deviation"), float) else None


def _verified_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The verified networks, the best estimate first, each once."""
    rows = frame.loc[frame["verified_accuracy"].notna()].sort_values("number").drop_duplicates("key")
    columns = ["number", "accuracy", "verified_accuracy", "verified_low", "verified_high", "probability_best"]
    found = rows.sort_values("verified_accuracy", ascending=False)[columns]
    return [dict(zip(columns, row, strict=True)) for row in found.itertuples(index=False, name=None)]
