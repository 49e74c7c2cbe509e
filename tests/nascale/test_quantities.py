"""400M, 64MB, 8ms: read and written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nascale.quantities import human_bytes, human_count, human_seconds, parse_list, parse_quantity
from space.errors import InputError


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("400M", "count", 400e6),
        ("0.4G", "count", 0.4e9),
        ("5k", "count", 5e3),
        ("1e6", "count", 1e6),
        (250_000, "count", 250e3),
        ("64MB", "bytes", 64e6),
        ("1 KiB", "bytes", 1024),
        ("8ms", "seconds", 0.008),
        ("15min", "seconds", 900),
    ],
)
def test_reads(text: str | int, kind: str, value: float) -> None:
    assert parse_quantity(text, kind) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "M", "-5M", "0", "nan", "inf", "5X", "5 M M", "1e999", True])
def test_refuses_by_name(text: str) -> None:
    with pytest.raises(InputError, match="--max-macs: wanted a positive number"):
        parse_quantity(text, "count", "--max-macs")


def test_lists() -> None:
    assert parse_list("0.4G,800M", argument="--budgets") == pytest.approx([0.4e9, 0.8e9])
    with pytest.raises(InputError, match="--budgets"):
        parse_list(",", argument="--budgets")


@given(st.floats(1, 1e13))
def test_human_counts_stay_within_half_a_unit_of_the_last_figure(value: float) -> None:
    assert math.isclose(parse_quantity(human_count(value)), value, rel_tol=6e-4, abs_tol=1e-9) or value < 1e3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (human_count(385_814_752), "385.8M"),
        (human_count(5_288_548), "5.289M"),
        (human_count(12), "12"),
        (human_bytes(4_816_896), "4.817 MB"),
        (human_bytes(12), "12 B"),
        (human_seconds(0.00123), "1.23 ms"),
        (human_seconds(75), "1 min 15 s"),
        (human_seconds(3720), "1 h 02 min"),
    ],
)
def test_human(text: str, shown: str) -> None:
    assert text == shown


@pytest.mark.parametrize("text", ["1" * 100_000 + "!", " " * 100_000, "1" * 400, "9" * 5000, 10**400, [1]])
def test_long_and_strange_values_are_refused_at_once(text: object) -> None:
    with pytest.raises(InputError, match="wanted a positive number") as caught:
        parse_quantity(text)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 500


def test_times_beyond_any_clock_are_refused() -> None:
    with pytest.raises(InputError, match="max_seconds: wanted at most 1000000000 seconds, got '1e30'"):
        parse_quantity("1e30", "seconds", "max_seconds")


def test_a_span_may_be_nothing_at_all() -> None:
    assert [parse_quantity(text, "span") for text in ("0", "0s", 0, "2min")] == [0, 0, 0, 120]
    with pytest.raises(InputError, match=r"wanted a time such as .*, or 0, got '-1s'"):
        parse_quantity("-1s", "span")
    with pytest.raises(InputError, match="wanted a positive time"):
        parse_quantity("0", "seconds")
