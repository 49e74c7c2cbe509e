"""Round trips: what is written as parquet, csv or json comes back as the same frame."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nascale.output import emit
from results import exchange, frame
from results.front import front_of
from space.errors import InputError


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json"])
@pytest.mark.parametrize("study", ["digits", "reward", "failed"])
def test_round_trip(suffix: str, study: str, storage: str, tmp_path: Path) -> None:
    table = frame.trials(study, storage)
    table = table.drop(columns=[c for c in table if str(c).startswith("decision_") and table[c].isna().all()])
    written = tmp_path / f"trials.{suffix}"
    emit(table, None, str(written))
    pd.testing.assert_frame_equal(exchange.read(written), table, check_categorical=suffix == "parquet")


def test_parquet_needs_no_help_and_carries_its_units(
    trials: pd.DataFrame, tmp_path: Path, storage: str
) -> None:
    written = tmp_path / "trials.parquet"
    emit(trials, None, str(written))
    read = pd.read_parquet(written)
    pd.testing.assert_frame_equal(read, trials)
    assert read.attrs == trials.attrs
    assert read.attrs["units"]["activation_bytes"] == "bytes"
    pd.testing.assert_frame_equal(front_of(read), frame.front("digits", storage))


def test_a_key_of_digits_stays_text(tmp_path: Path) -> None:
    written = tmp_path / "one.csv"
    written.write_text("number,key,accuracy\n0,00123,0.5\n")
    assert exchange.read(written)["key"].tolist() == ["00123"]


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.json", "{"), ("b.json", '{"a": 1}'), ("c.parquet", "x"), ("d.txt", "")):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match="path: wanted"):
            exchange.read(tmp_path / name)
    with pytest.raises(InputError, match="path: wanted"):
        exchange.read(tmp_path / "missing.csv")
