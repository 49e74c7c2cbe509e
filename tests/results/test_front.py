"""Which rows of a frame make its front, in which order, along which axes."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import frame
from results.columns import BY_NAME, COLUMNS
from results.front import front_of
from space.errors import InputError, UnknownNameError
from tests import factories


def rows(**columns: list[object]) -> pd.DataFrame:
    """A frame of trials with the given columns; the others as a finished trial has them."""
    count = len(next(iter(columns.values())))
    columns_without_number = COLUMNS[1:]
    table = pd.DataFrame({c.name: pd.Series([None] * count, dtype=c.dtype) for c in columns_without_number})
    table.insert(0, "number", range(count))
    filled: dict[str, object] = {
        "state": ["COMPLETE"] * count,
        "status": ["ok"] * count,
        "key": [f"k{i}" for i in range(count)],
        **columns,
    }
    for name, values in filled.items():
        table[name] = pd.Series(values, dtype=BY_NAME[name].dtype)
    table.attrs = {"objectives": list(factories.OBJECTIVES)}
    return table


def test_front_leaves_out_what_did_not_finish_well() -> None:
    table = rows(
        accuracy=[0.9, 0.99, 0.98, 0.97, 0.96, float("nan")],
        macs=[100, 10, 10, 10, 10, 1],
        state=["COMPLETE", "PRUNED", "FAIL", "COMPLETE", "RUNNING", "COMPLETE"],
        status=["ok", "pruned", "failed", "ok", "running", "ok"],
        feasible=[None, None, None, False, None, True],
    )
    assert front_of(table)["number"].tolist() == [0]


def test_a_reused_network_appears_once_as_it_was_measured() -> None:
    table = rows(
        accuracy=[0.9, 0.9, 0.9],
        macs=[100, 100, 100],
        status=["reused", "ok", "ok"],
        key=["same", "same", "another"],
    )
    # "another" is a different network at the same point: it is no worse, so it stays.
    assert front_of(table)["number"].tolist() == [1, 2]


@settings(max_examples=400 if os.environ.get("NASCALE_THOROUGH") else 40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.1, 0.5, 0.9, float("nan"), float("inf")]),
            st.sampled_from([1, 2, 3]),
            st.sampled_from("abc"),
        ),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_front_has_no_dominated_member_in_any_order(drawn: list[tuple[float, int, str]], rng: object) -> None:
    table = rows(
        accuracy=[a for a, _, _ in drawn] or [],
        macs=[m for _, m, _ in drawn] or [],
        key=[k for _, _, k in drawn] or [],
    )
    front = front_of(table)
    points = front[["accuracy", "macs"]].to_numpy(dtype=float)
    finite = [(a, m) for a, m, _ in drawn if np.isfinite(a)]
    for a, m in points:
        assert not any((b >= a and n <= m) and (b > a or n < m) for b, n in finite)
    assert front["accuracy"].is_monotonic_decreasing
    assert not front.duplicated(["key", "accuracy", "macs"]).any()
    order = list(range(len(table)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    shuffled = table.iloc[order].reset_index(drop=True)
    shuffled.attrs = table.attrs
    assert front_of(shuffled)["number"].tolist() == front["number"].tolist()


def test_rank_one_is_the_front(trials: pd.DataFrame, storage: str) -> None:
    ranked = trials[(trials["rank"] == 1) & (trials["status"] == "ok")]
    assert set(ranked["number"]) == set(frame.front("digits", storage)["number"])
    assert trials.loc[trials["status"].isin(["pruned", "failed", "oom"]), "rank"].isna().all()


def test_unknown_columns_are_listed(trials: pd.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match=r"--x: no such column 'mac' \(nearest: macs.*columns: number"):
        front_of(trials, x="mac")
    with pytest.raises(InputError, match="--x: wanted a column that can be better or worse"):
        front_of(trials, x="worker")
