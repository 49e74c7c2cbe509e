"""Long names in little room."""

from __future__ import annotations

import pytest

from results.shortening import shortened


@pytest.mark.parametrize(
    ("text", "short"), [("abcdefgh", "abcdefgh"), ("abcdefghi", "abcd…ghi"), ("", ""), ("ä" * 9, "ääää…äää")]
)
def test_shortening_keeps_both_ends(text: str, short: str) -> None:
    assert shortened(text, 8) == short
    assert shortened("abc", 1) == "…"
