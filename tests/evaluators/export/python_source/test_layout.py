"""Expressions in lines: as they are, and as ruff's formatter would leave them."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.export.python_source.layout import WIDTH, Call, Choice, Entry, Expression, laid_out, text

_NAMES = st.sampled_from(["x", "channels", "hidden * 4", "a_name_of_forty_characters_that_fills_lines_"])
_EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    _NAMES,
    lambda inner: st.builds(
        Call, st.sampled_from(["f", "nn.Conv2d"]), st.lists(inner, max_size=5).map(tuple), st.booleans()
    ),
    max_leaves=15,
)


@given(_EXPRESSIONS)
def test_breaking_lines_changes_nothing(expression: Expression) -> None:
    lines = laid_out("value = ", expression)
    assert ast.dump(ast.parse("\n".join(lines))) == ast.dump(ast.parse(f"value = {text(expression)}"))
    assert all(len(line) <= WIDTH or len(line.split()) <= 5 for line in lines)


def test_a_choice_is_broken_at_its_words() -> None:
    long = Call("ConvNormAct", ("in_channels", "out_channels", "stride=stride", "activation=nn.Identity"))
    choice = Choice("stride != 1 or in_channels != out_channels", long, "nn.Identity()")
    assert laid_out("self.shortcut = ", choice, indent="    ") == [
        "    self.shortcut = (",
        "        ConvNormAct(in_channels, out_channels, stride=stride, activation=nn.Identity)",
        "        if stride != 1 or in_channels != out_channels",
        "        else nn.Identity()",
        "    )",
    ]
    assert laid_out("y = ", Choice("a", "b", "c")) == ["y = b if a else c"]


def test_comments_stand_behind_their_lines_or_above_where_there_is_no_room() -> None:
    rows = ("short()", Call("f", ("x" * 80,)))
    whole = Call("nn.Sequential", rows, open=True, comments=("8 × 4 × 4", "8 × 2 × 2"))
    assert laid_out("a = ", whole) == [
        "a = nn.Sequential(",
        "    short(),  # 8 × 4 × 4",
        "    # 8 × 2 × 2",
        f"    f({'x' * 80}),",
        ")",
    ]


def test_the_formatter_would_break_the_same_lines() -> None:
    pytest.importorskip("ruff")
    names = tuple(f"an_argument_number_{i}" for i in range(6))
    values = (
        Call("f", names[:3]),
        Call("f", names[:4]),
        Call("f", names),
        Call("f", ("a", Call("g", names), "b")),
        Call("torch.cat", (Call("", names[:4], brackets="[]"), "dim=1")),
        Call("", (Entry('"key"', Call("f", names[:4])),), open=True, brackets="{}"),
        Choice("a_condition_that_is_long", Call("f", names[:3]), "nn.Identity()"),
        Choice("a_condition_that_is_long", Call("f", names[:4]), "nn.Identity()"),
    )
    lines = [line for value in values for line in laid_out("value = ", value)]
    source = "\n".join([*lines, ""])
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={WIDTH}", "-"]
    ran = subprocess.run(command, input=source, capture_output=True, text=True)
    assert ran.stdout == source
