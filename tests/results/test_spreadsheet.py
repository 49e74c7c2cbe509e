"""Cells of csv files: no text is a formula, and every text is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.spreadsheet import as_text, of_text

FORMULAS = ("=1+1", "+cmd|' /C calc'!A0", "-x", "@SUM(A1)", "\tx", "\r=1", "'=1", "-1e", "--1")


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_would_be_calculated_gets_an_apostrophe(text: str) -> None:
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-1.5e3", "+2", -1, -1.5, None, True, "a=b", "", "'", "'a"])
def test_numbers_and_plain_text_stay(value: object) -> None:
    assert as_text(value) is value


@given(st.text("=+-@'1e. a\t", max_size=6))
def test_what_was_written_is_read_back(text: str) -> None:
    written = as_text(text)
    assert of_text(written) == text
    if written.startswith(("=", "+", "-", "@")):
        float(written)
