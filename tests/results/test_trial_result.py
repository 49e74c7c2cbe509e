"""The record of a trial: what is stored comes back, what the first version or another tool stored reads too."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.trial_result import FAILURES, MEASURED, STATES, Status, TrialResult
from space.measure import measures

MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
numbers = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=8)


def read(trial: TrialResult, **first_version: Any) -> TrialResult:
    """The trial after a round trip through a storage's JSON; or of the attributes that version 0.1 stored."""
    ours = {**trial.attributes(), **trial.result_attributes()}
    stored = json.loads(json.dumps({"key": "k", "costs": {}, **first_version} if first_version else ours))
    return TrialResult.of_stored(
        trial.number,
        trial.state,
        stored,
        decisions=trial.decisions,
        values=trial.values,
        curve=trial.curve,
        started=trial.started,
        finished=trial.finished,
    )


@given(
    st.builds(
        TrialResult,
        number=st.integers(0, 10**6),
        status=st.sampled_from([status for status in Status if status.finished]),
        decisions=st.dictionaries(words, st.one_of(words, numbers, st.booleans()), max_size=3),
        key=words,
        values=st.one_of(st.none(), st.tuples(numbers, numbers)),
        curve=st.lists(st.tuples(st.integers(1, 9), numbers), max_size=3).map(tuple),
        accuracy=st.one_of(st.none(), numbers),
        truth=st.one_of(st.none(), numbers),
        costs=st.dictionaries(st.sampled_from(["params", "macs"]), numbers, max_size=2),
        epochs=st.integers(0, 99),
        seconds=numbers,
        worker=words,
        fidelity=st.dictionaries(words, st.one_of(numbers, st.none()), max_size=2),
        feasible=st.booleans(),
        error=st.one_of(st.none(), st.just("no: such kind")),
        extra=st.dictionaries(st.sampled_from(["train_loss", "device"]), numbers, max_size=2),
        architecture=st.one_of(st.none(), st.just({"format": 1})),
        started=st.just(MOMENT),
        finished=st.just(MOMENT),
    )
)
def test_what_is_stored_comes_back(result: TrialResult) -> None:
    assert read(result) == result


def test_every_status_goes_with_one_of_optunas_states() -> None:
    assert {status.state for status in Status} == set(STATES)
    assert [status.value for status in FAILURES] == ["failed", "oom", "nan", "died", "timeout"]
    assert all(Status.of_state(state).state == state for state in STATES)
    assert [s.value for s in Status if not s.finished] == ["running", "waiting"]
    assert all(status.meaning for status in Status)


@pytest.mark.parametrize("kind", ["oom", "nan", "died", "timeout", "failed"])
def test_failures_of_the_first_version_become_their_kind(kind: str) -> None:
    """It stored ``failed`` for all but ``oom``, and the kind in front of the error."""
    stored = {"status": "oom" if kind == "oom" else "failed", "error": f"{kind}: why: it failed", "epochs": 0}
    found = read(TrialResult(number=3, status=Status.FAILED), result=stored)
    assert (found.status.value, found.error) == (kind, "why: it failed")
    assert found.state == "FAIL" and found.epochs == 0


def test_a_network_stored_as_text_by_the_first_version_reads() -> None:
    found = read(TrialResult(number=0), architecture='{"format":1,"stem":[]}')
    assert found.architecture == {"format": 1, "stem": []}


@pytest.mark.parametrize("result", [None, 7, "text", [1], {}, {"status": "wonderful"}, {"status": ["ok"]}])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", ["result", "nascale:result"])
def test_what_other_tools_stored_gives_the_states_status(name: str, result: object, state: str) -> None:
    stored = {name: result, "nascale:key" if name != "result" else "other": "k"}
    found = TrialResult.of_stored(
        0, state, stored, decisions={}, values=None, curve=(), started=None, finished=None
    )
    assert found.status is Status.of_state(state)
    assert found.accuracy is None


def test_a_status_that_does_not_go_with_the_state_gives_way() -> None:
    found = read(TrialResult(number=0, status=Status.RUNNING), result={"status": "ok", "accuracy": 0.5})
    assert found.status is Status.RUNNING


def test_figures_are_declared_with_what_a_reader_must_know() -> None:
    for figure in measures(TrialResult):
        assert figure.meaning and figure.title, figure
        assert figure.better in (None, "minimize", "maximize")
        assert figure.unit or figure.better is None, figure
    assert "truth" in MEASURED and "accuracy" not in MEASURED
