"""Long names in little room."""

from __future__ import annotations

import pytest

from results.shortening import printable, shortened


@pytest.mark.parametrize(
    ("text", "short"), [("abcdefgh", "abcdefgh"), ("abcdefghi", "abcd…ghi"), ("", ""), ("ä" * 9, "ääää…äää")]
)
def test_shortening_keeps_both_ends(text: str, short: str) -> None:
    assert shortened(text, 8) == short
    assert shortened("abc", 1) == "…"


def test_what_a_terminal_obeys_is_written_out() -> None:
    assert printable("plain é 数 😀") == "plain é 数 😀"
    assert printable("\x1b[31mred\x07\r\n\x9b2J\u202eabc") == "\\x1b[31mred\\x07\\r\\n\\x9b2J\\u202eabc"
