"""What is new in a job's work: each line, epoch and trial told once, wherever a follower goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results import pareto
from results.trial_result import Status, TrialResult
from service.jobs import tails
from service.jobs.tails import StudyTail, epoch_tail, log_tail, progress_of
from tests.databases import execute

ATTRIBUTES = {
    "spec": {"trials": 40},
    "objectives": [
        {"name": "accuracy", "direction": "maximize"},
        {"name": "macs", "direction": "minimize"},
    ],
}


@settings(deadline=None, max_examples=40)
@given(
    lines=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=30), max_size=40
    ),
    cuts=st.lists(st.integers(0, 3000), max_size=8),
)
def test_a_log_is_told_whole_wherever_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], cuts: list[int]
) -> None:
    content = "\n".join(lines).encode()
    path = tmp_path_factory.mktemp("log") / "log"
    told, offset = "", 0
    for cut in [*sorted(cuts), len(content)]:
        path.write_bytes(content[:cut])
        chunks, offset = log_tail(path, offset, ended=cut == len(content))
        assert all(chunk["text"].endswith("\n") for chunk in chunks[:-1])
        told += "".join(chunk["text"] for chunk in chunks)
    assert told == content.decode()


def test_of_a_long_log_the_end_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"line {i}\n" for i in range(20000)))
    chunks, offset = log_tail(path, 0)
    assert offset == path.stat().st_size
    assert sum(len(chunk["text"]) for chunk in chunks) <= tails.LOG_BYTES
    assert chunks[0]["text"].startswith("line ")
    assert chunks[-1]["text"].endswith("line 19999\n")
    content = path.read_bytes()
    for chunk in chunks:
        assert content[chunk["offset"] :].startswith(chunk["text"].encode())
    assert log_tail(tmp_path / "none", 7) == ([], 7)


def test_a_line_without_an_end_is_told_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 20_000)
    chunks, offset = log_tail(path, 0)
    assert offset == 20_000
    assert len(chunks) == 3


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            "data\n12/40 trials · best 0.9611 · 14.2 trials/min\nmore\n",
            {"done": 12, "wanted": 40, "unit": "trials", "best": 0.9611},
        ),
        ("3/9 trainings\n", {"done": 3, "wanted": 9, "unit": "trainings"}),
        (
            "epoch 2/5 · loss 0.841 · accuracy 0.6120 · best 0.6400 (epoch 1)\n",
            {"done": 2, "wanted": 5, "unit": "epochs", "best": 0.64},
        ),
        ("on 1/3 of the images\n1/2\n", {}),
    ],
)
def test_progress_is_read_from_the_lines_of_the_commands(lines: str, told: dict[str, Any]) -> None:
    assert progress_of(lines) == told


def test_epochs_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    assert epoch_tail(path, 0) == ([], 0)
    path.write_text("epoch,accuracy,average_accuracy\n1,0.5,\n2,0.625,0.75\n3,0.")
    found, last = epoch_tail(path, 1)
    assert found == [{"epoch": 2, "accuracy": 0.625, "average_accuracy": 0.75}, {"epoch": 3, "accuracy": 0.0}]
    assert last == 3
    assert epoch_tail(path, 3) == ([], 3)


class Stored:
    """A stored study, whose trials end in any order."""

    def __init__(self, url: str, count: int) -> None:
        self._storage = storage = optuna.storages.RDBStorage(url)
        self.study = optuna.create_study(study_name="s", storage=storage, directions=["maximize", "minimize"])
        self.trials = [self.study.ask() for _ in range(count)]
        self._url = url

    def end(self, result: TrialResult) -> None:
        trial = self.trials[result.number]
        for name, value in {**result.attributes(), **result.result_attributes()}.items():
            trial.set_user_attr(name, value)
        failed = not result.status.complete
        values = None if failed else [result.accuracy, result.costs["macs"]]
        state = optuna.trial.TrialState[result.status.state]
        self.study.tell(result.number, values, state)

    def query(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        return execute(self._url, sql, **values)

    def close(self) -> None:
        self._storage.remove_session()
        self._storage.engine.dispose()


def result(number: int, accuracy: float, macs: float, **changes: Any) -> TrialResult:
    known = {"status": Status.OK, "key": f"k{number}", "seconds": 1.5, **changes}
    return TrialResult(number=number, accuracy=accuracy, costs={"macs": macs}, **known)


def test_trials_are_told_once_in_any_order_and_the_front_is_that_of_all(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "_TRIALS_AT_ONCE", 3)
    generator = np.random.default_rng(0)
    results = [result(i, float(a), float(m)) for i, (a, m) in enumerate(generator.random((16, 2)))]
    results[3] = results[3].replace(accuracy=2.0, repeat_of=1)  # none of these enters a front
    results[5] = results[5].replace(status=Status.FAILED, accuracy=None, error="broke")
    results[7] = results[7].replace(accuracy=3.0, feasible=False)
    results[9] = results[9].replace(accuracy=4.0, stock="mobilenet_v2")
    stored = Stored(database, 18)  # two of them run on
    tail, mark, told, fronts = StudyTail("s", ATTRIBUTES), {}, [], []
    order = [int(i) for i in generator.permutation(16)]
    for start in range(0, 16, 5):
        for number in order[start : start + 5]:
            stored.end(results[number])
        while True:
            events, mark = tail.new(stored.query, mark)
            told += [data for kind, data in events if kind == "trial"]
            fronts += [data for kind, data in events if kind == "front"]
            if not events:
                break
    stored.close()
    assert sorted(row["number"] for row in told) == list(range(16))
    assert (mark["ended"], mark["below"], mark["beyond"]) == (16, 16, [])
    counted = [one for one in results if one.number not in (3, 5, 7, 9)]
    points = [[one.accuracy, one.costs["macs"]] for one in counted]
    member = pareto.front(points, ["maximize", "minimize"])
    front = {one.number for one, stays in zip(counted, member, strict=True) if stays}
    assert {point["number"] for point in fronts[-1]["points"]} == front
    accuracies = [point["accuracy"] for point in fronts[-1]["points"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert mark["best"] == max(one.accuracy for one in counted if one.accuracy is not None)
    failed = next(row for row in told if row["number"] == 5)
    assert (failed["status"], failed["error"]) == ("failed", "broke")


def test_what_was_there_before_is_not_told(database: str) -> None:
    stored = Stored(database, 3)
    tail = StudyTail("s", ATTRIBUTES)
    for number in (2, 0):
        stored.end(result(number, 0.5 + number / 10, 1.0))
    mark = tail.past(stored.query)
    assert tail.new(stored.query, mark) == ([], mark)
    stored.end(result(1, 0.6, 1.0))
    events, after = tail.new(stored.query, mark)
    stored.close()
    assert [(kind, data["number"]) for kind, data in events] == [("trial", 1)]  # trial 2 is better
    assert (after["ended"], after["best"]) == (3, 0.7)
