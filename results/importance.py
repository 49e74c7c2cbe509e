"""How much each decision mattered: the share of accuracy's variance that it explains on its own.

For one decision, the finished trials in which it was active are grouped by the option chosen. The share is
the corrected ratio of sums of squares known as ω² (Hays 1963),

    ω² = (SS_between − (k − 1) · MS_within) / (SS_total + MS_within),

where SS_total is over *all* finished trials, so that a decision which is rarely active counts for little, and
the correction takes out what k groups of pure noise would explain. A conditional decision is compared only
among the trials that have it, so it is not credited with the choice that brought it to life.

This is about main effects in the trials at hand. A search that already favours one option leaves little
variance to explain, and two decisions that only work together explain little each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from results.columns import DECISION, direction_of
from results.front import eligible, points_of
from results.plots.axes import title
from results.trial_result import Status
from space.errors import InputError

_SHUFFLES = 100
_GROUPS = 12  # a continuous parameter of another tool's study is cut into this many groups


def importance(frame: pd.DataFrame, target: str = "accuracy") -> pd.DataFrame:
    """One row per decision, most important first.

    Columns: ``decision``; ``importance``, the share of the variance of ``target`` explained (0 to 1);
    ``noise``, the share that 95 of 100 random shufflings of ``target`` stay below; ``active``, the trials that had it; ``best``, the option with the best mean; ``effect``, how far that mean
    lies from the worst option's, in the unit of ``target``. Reused trials count once, by being left out.
    """
    rows = frame[
        eligible(frame)
        & (frame["status"] != Status.REUSED).to_numpy()
        & np.isfinite(points_of(frame, [target])[:, 0])
    ]
    values = rows[target].to_numpy(dtype="float64", copy=True)
    maximal = direction_of(frame, target) == "maximize"
    table = [
        {"decision": title(column), **_effect(rows[column], values, maximal)}
        for column in frame.columns
        if column.startswith(DECISION)
    ]
    names = ["decision", "importance", "noise", "active", "best", "effect"]
    result = pd.DataFrame(table, columns=names)
    return result.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def _effect(column: pd.Series, values: NDArray[np.float64], maximal: bool) -> dict[str, object]:
    active = column.notna().to_numpy(dtype=bool)
    groups = _grouped(column[active])
    inside = values[active]
    means = {g: float(inside[groups == g].mean()) for g in dict.fromkeys(groups)}
    share = omega_squared([inside[groups == g] for g in means], values)
    noise = _noise([np.flatnonzero(active)[groups == g] for g in means], values)
    best = (max if maximal else min)(means, key=means.__getitem__) if len(means) > 1 else None
    effect = max(means.values()) - min(means.values()) if len(means) > 1 else None
    return {"importance": share, "noise": noise, "active": int(active.sum()), "best": best, "effect": effect}


def _grouped(column: pd.Series) -> NDArray[np.object_]:
    texts = column.astype(str)
    if texts.nunique() > _GROUPS and pd.api.types.is_numeric_dtype(column.dtype):
        texts = pd.qcut(column.astype("float64"), _GROUPS, duplicates="drop").astype(str)
    return texts.to_numpy(dtype=object)


def omega_squared(groups: Sequence[NDArray[np.float64]], everything: NDArray[np.float64]) -> float:
    """ω² of ``groups`` of values among ``everything``; 0 where nothing can be told (one group, no variance)."""
    count = sum(len(g) for g in groups)
    if len(groups) < 2 or count <= len(groups):
        return 0.0
    total = float(((everything - everything.mean()) ** 2).sum())
    if total <= 0:
        return 0.0
    mean = float(np.concatenate(groups).mean())
    between = sum(len(g) * (float(g.mean()) - mean) ** 2 for g in groups)
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / (count - len(groups))
    return max(0.0, (between - (len(groups) - 1) * within) / (total + within))


def _noise(groups: Sequence[NDArray[np.intp]], values: NDArray[np.float64]) -> float:
    """The 95th percentile of ω² over shuffled values: what these groups would explain by luck."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(_SHUFFLES):
        shuffled = rng.permutation(values)
        shares.append(omega_squared([shuffled[g] for g in groups], shuffled))
    return float(np.quantile(shares, 0.95))


def check_target(frame: pd.DataFrame, target: str) -> None:
    """Raises InputError unless the study has decisions and two finished trials that differ in ``target``."""
    decisions = [c for c in frame.columns if c.startswith(DECISION)]
    finished = pd.Series(points_of(frame.loc[eligible(frame)], [target])[:, 0]).dropna()
    if not decisions or finished.nunique() < 2:
        wanted = f"decisions and two finished trials that differ in {target}"
        raise InputError.of("study", wanted, f"{len(decisions)} decisions, {len(finished)} finished trials")
