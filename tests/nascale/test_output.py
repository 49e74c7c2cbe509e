"""One way out for tables: exact for machines, readable for people, whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from nascale.output import echo, emit, emit_stream, render
from results.files import write_file
from space.errors import InputError

ROWS = [
    {"name": "a", "accuracy": 0.9712, "macs": 385_814_752, "activation_bytes": 4_816_896},
    {"name": "b", "accuracy": float("nan"), "macs": 12, "activation_bytes": 3},
]


def test_json_is_exact_and_has_null_for_nan() -> None:
    rows = json.loads(render(ROWS, "json"))
    assert rows[0] == ROWS[0]
    assert rows[1]["accuracy"] is None


def test_frame_and_rows_give_the_same_json() -> None:
    assert json.loads(render(pd.DataFrame(ROWS), "json")) == json.loads(render(ROWS, "json"))


def test_nullable_and_time_columns_become_json() -> None:
    frame = pd.DataFrame(
        {
            "n": pd.array([1, None], dtype="Int64"),
            "t": pd.to_datetime(["2020-01-01T00:00:00Z", None]),
            "c": pd.Categorical(["x", "y"]),
        }
    )
    rows = json.loads(render(frame, "json"))
    assert rows == [{"n": 1, "t": "2020-01-01T00:00:00+00:00", "c": "x"}, {"n": None, "t": None, "c": "y"}]


def test_csv_and_parquet_read_back() -> None:
    frame = pd.DataFrame(ROWS)
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(render(ROWS, "csv"))), frame, check_dtype=False)
    pd.testing.assert_frame_equal(
        pd.read_parquet(io.BytesIO(render(ROWS, "parquet"))), frame, check_dtype=False
    )


def test_table_rounds_and_names_units() -> None:
    text = render(ROWS, "table").decode()
    assert "385.8M" in text
    assert "4.817 MB" in text
    assert "0.9712" in text


def test_an_empty_frame_prints_its_header() -> None:
    frame = pd.DataFrame({"number": [], "accuracy": []})
    assert "number" in render(frame, "table").decode()
    assert json.loads(render(frame, "json")) == []
    assert render(frame, "csv").decode().strip() == "number,accuracy"


def test_output_suffix_chooses_the_format(tmp_path: Path) -> None:
    emit(ROWS, output=str(tmp_path / "rows.json"))
    assert json.loads((tmp_path / "rows.json").read_text())[0]["macs"] == 385_814_752
    emit(ROWS, output=str(tmp_path / "rows.parquet"))
    assert len(pd.read_parquet(tmp_path / "rows.parquet")) == 2


def test_an_unwritable_path_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--output: wanted a path that can be written"):
        write_file(tmp_path / "absent" / "f.csv", b"x")
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="--output"):
        write_file(tmp_path / "taken", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_a_long_name_is_shortened_in_the_middle_for_the_eye_only() -> None:
    rows = [{"study": "photos-" + "x" * 300 + "-seed7", "error": "e" * 90}]
    text = render(rows, "table").decode()
    assert "photos-xxxx" in text and "xxx-seed7" in text and "…" in text and "e" * 90 in text
    assert max(map(len, text.splitlines())) < 150
    assert json.loads(render(rows, "json"))[0] == rows[0]


@pytest.mark.parametrize("name", ["rows.csv", "rows.json", "rows.parquet", "rows.txt"])
def test_a_stream_is_written_as_a_table_is(name: str, tmp_path: Path) -> None:
    rows = [
        {"file": "a,b.png", "class": '"x"', "probability": 1 / 3},
        {"file": "ä", "class": "y", "probability": 1e-9},
    ]
    emit(rows, None, str(tmp_path / name))
    whole = (tmp_path / name).read_bytes()
    emit_stream(iter(rows), None, str(tmp_path / name))
    assert (tmp_path / name).read_bytes() == whole


def test_a_stream_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        raise InputError("a: went wrong")

    with pytest.raises(InputError, match="went wrong"):
        emit_stream(rows(), None, str(tmp_path / "rows.csv"))
    assert list(tmp_path.iterdir()) == []


FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx")


def test_text_that_a_spreadsheet_would_calculate_gets_an_apostrophe_and_numbers_stay() -> None:
    rows = [{"study": text, "accuracy": -0.5, "note": None, "=name": "-1.5e3"} for text in FORMULAS]
    for written in (render(rows, "csv"), render(pd.DataFrame(rows), "csv")):
        back = pd.read_csv(io.BytesIO(written), dtype=str, keep_default_na=False)
        assert list(back.columns) == ["study", "accuracy", "note", "'=name"]
        assert list(back["study"]) == [f"'{text}" for text in FORMULAS]
        assert set(back["accuracy"]) == {"-0.5"} and set(back["'=name"]) == {"-1.5e3"}
    assert json.loads(render(rows, "json"))[0]["study"] == "=1+1"


def test_rows_that_come_one_by_one_are_neutralised_too(capsys: pytest.CaptureFixture[str]) -> None:
    emit_stream(iter([{"file": "=x.png", "p": -1.0}]), "csv")
    assert capsys.readouterr().out == "file,p\n'=x.png,-1.0\n"


def test_escape_codes_in_names_never_reach_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "\x1b]0;title\x07red"
    assert "\x1b" not in render([{"name": name}], "table", title=name).decode()
    echo(f"study {name}\nsecond line")
    assert name in capsys.readouterr().out  # a pipe gets what is there
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    echo(f"study {name}\nsecond line")
    told = capsys.readouterr().out
    assert told == "study \\x1b]0;title\\x07red\nsecond line\n"
