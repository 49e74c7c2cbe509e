"""Filters: what they select, what they refuse, and that nothing in them is ever run."""

from __future__ import annotations

import operator
from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import filter as rows
from results.trial_result import Status
from space.errors import InputError, UnknownNameError


def selected(trials: pd.DataFrame, expression: str) -> set[int]:
    return set(rows.where(trials, expression)["number"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("macs < 2e6", lambda t: t["macs"] < 2e6),
        ("macs < 2M", lambda t: t["macs"] < 2e6),
        ("2M > macs", lambda t: t["macs"] < 2e6),
        ("macs<2M and accuracy>0.8", lambda t: (t["macs"] < 2e6) & (t["accuracy"] > 0.8)),
        ("macs < 1M or not accuracy < 0.8", lambda t: (t["macs"] < 1e6) | ~(t["accuracy"] < 0.8)),
        ("1M < macs <= 2M", lambda t: (t["macs"] > 1e6) & (t["macs"] <= 2e6)),
        ("status == 'ok'", lambda t: t["status"] == "ok"),
        ('status = "ok"', lambda t: t["status"] == "ok"),
        ("status != 'ok'", lambda t: t["status"] != "ok"),
        ("status in ('oom', 'failed')", lambda t: t["status"].isin(["oom", "failed"])),
        ("status not in ('ok')", lambda t: t["status"] != "ok"),
        ("error == missing", lambda t: t["error"].isna()),
        ("error != missing", lambda t: t["error"].notna()),
        ("number in (1, 2, 3)", lambda t: t["number"].isin([1, 2, 3])),
        ("decision_stage1.depth == 2", lambda t: t["decision_stage1.depth"] == 2),
        ("stage1.depth == 2", lambda t: t["decision_stage1.depth"] == 2),
        ("`stage1.block` == 'mbconv'", lambda t: t["decision_stage1.block"] == "mbconv"),
        ("stage1.mbconv.skip == true", lambda t: t["decision_stage1.mbconv.skip"] == True),  # noqa: E712
        ("flops > params", lambda t: t["flops"] > t["params"]),
        ("started >= '2026-03-01 09:31:00+00:00'", lambda t: t["started"] >= pd.Timestamp("2026-03-01T09:31Z")),
        ("not (macs < 1M and accuracy > 0.1)", lambda t: ~((t["macs"] < 1e6) & (t["accuracy"] > 0.1))),
        ("NOT macs < 1M AND accuracy > .8", lambda t: ~(t["macs"] < 1e6) & (t["accuracy"] > 0.8)),
    ],
)  # fmt: skip
def test_filters_agree_with_pandas(trials: pd.DataFrame, expression: str, expected: object) -> None:
    mask = expected(trials).fillna(False).astype(bool)  # type: ignore[operator]
    assert selected(trials, expression) == set(trials.loc[mask, "number"])


def test_missing_values_satisfy_no_comparison(trials: pd.DataFrame) -> None:
    known = set(trials.loc[trials["accuracy"].notna(), "number"])
    assert selected(trials, "accuracy >= 0.5") | selected(trials, "accuracy < 0.5") == known
    assert selected(trials, "accuracy != 0.123") == known


@pytest.mark.parametrize(
    "expression",
    [
        "", "macs", "macs <", "< 3", "macs < 3 accuracy > 1", "macs < 3 and", "(macs < 3", "macs < 3)",
        "macs + 1 < 3", "abs(macs) < 3", "__import__('os').system('true')", "macs < 3; accuracy > 1",
        "macs in 3", "macs in (3", "macs in (3,,4)", "macs not 3", "[x for x in y]", "lambda: 1", "macs < f'{1}'",
        "accuracy > 'high'", "status > 'ok'", "status == 3", "feasible < true", "3 < 4", "macs < missing",
        "started > 'yesterday-ish'", "@macs < 3", "macs.__class__ == 3", "(" * 60 + "macs < 3" + ")" * 60,
    ],
)  # fmt: skip
def test_anything_else_is_refused(trials: pd.DataFrame, expression: str) -> None:
    with pytest.raises(InputError, match="--where"):
        rows.where(trials, expression)


def test_unknown_columns_are_listed(trials: pd.DataFrame) -> None:
    with pytest.raises(UnknownNameError, match=r"--where: no such column 'acuracy' \(nearest: accuracy"):
        rows.where(trials, "acuracy > 0.5")


TABLE = pd.DataFrame(
    {"macs": pd.array([1, 2, 3, None], dtype="Int64"), "accuracy": [0.5, float("nan"), 0.25, 0.75]}
)
Row = dict[str, float | None]
ROWS: list[Row] = [
    {"macs": 1, "accuracy": 0.5}, {"macs": 2, "accuracy": None}, {"macs": 3, "accuracy": 0.25},
    {"macs": None, "accuracy": 0.75},
]  # fmt: skip
Expression = tuple[str, Callable[[Row], bool]]


def comparison(column: str, sign: str, value: float) -> Expression:
    """A comparison as text, and what it says of one row: nothing that is missing satisfies it."""
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
               "!=": operator.ne}[sign]  # fmt: skip

    def holds(row: Row) -> bool:
        found = row[column]
        return found is not None and bool(compare(found, value))

    return f"{column} {sign} {value:g}", holds


comparisons = st.builds(
    comparison,
    st.sampled_from(["macs", "accuracy"]),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0]),
)
expressions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda a: (f"not ({a[0]})", lambda row: not a[1](row)), inner),
        st.builds(lambda a, b: (f"({a[0]}) and ({b[0]})", lambda row: a[1](row) and b[1](row)), inner, inner),
        st.builds(lambda a, b: (f"({a[0]}) or ({b[0]})", lambda row: a[1](row) or b[1](row)), inner, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(expressions)
def test_an_expression_selects_what_python_selects(expression: Expression) -> None:
    text, holds = expression
    assert rows.mask(TABLE, text).tolist() == [holds(row) for row in ROWS], text


@pytest.mark.parametrize("text", ["macs < 3 or macs == 1 and accuracy > 9", "not macs < 3 and macs == 3"])
def test_and_binds_tighter_than_or_and_not_tightest(text: str) -> None:
    expected = {"macs < 3 or macs == 1 and accuracy > 9": [1, 2], "not macs < 3 and macs == 3": [3]}
    assert rows.where(TABLE, text)["macs"].tolist() == expected[text]


@pytest.mark.parametrize("status", list(Status))
def test_every_status_can_be_asked_for(status: Status) -> None:
    table = pd.DataFrame({"status": pd.Categorical([s.value for s in Status])})
    assert rows.where(table, f"status == '{status}'")["status"].tolist() == [status.value]
