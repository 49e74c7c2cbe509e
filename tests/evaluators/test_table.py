"""Tables as evaluators: exact answers, surrogates against the library they come from, every bad table named."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from evaluators import surrogate, table_file
from evaluators.evaluator import Candidate
from evaluators.table import TableEvaluator
from evaluators.table_settings import read_settings
from space.errors import InputError, RunError, UnknownNameError

SHARED = Path(os.environ.get("NASCALE_SHARED") or Path(__file__).resolve().parents[3] / "shared")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

Maker = Callable[..., Path]


def open_table(path: Path) -> TableEvaluator:
    """The evaluator that the TOML file at ``path`` describes."""
    return table_file.open_table(read_settings(path))


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    """Writes a table and the TOML file that describes it."""

    def write(frame: pd.DataFrame | None = None, suffix: str = ".csv", **section: object) -> Path:
        frame = table() if frame is None else frame
        path = tmp_path / f"t{suffix}"
        {".csv": frame.to_csv, ".parquet": frame.to_parquet}.get(suffix, lambda *_, **__: None)(
            path, index=False
        )
        if suffix == ".json":
            frame.to_json(path, orient="records")
        chosen: dict[str, object] = {
            "path": path.name,
            "decisions": ["kind", "size"],
            "accuracy": ["s0", "s1"],
            "unit": "percent",
            "macs": "macs",
            **section,
        }
        lines = [f"{key} = {_toml(value)}" for key, value in chosen.items() if value is not None]
        (tmp_path / "t.toml").write_text("[table]\n" + "\n".join(lines))
        return tmp_path / "t.toml"

    return write


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def table(sizes: int = 3) -> pd.DataFrame:
    rows = [(kind, size) for kind in ("a", "b") for size in range(1, sizes + 1)]
    frame = pd.DataFrame(rows, columns=["kind", "size"])
    frame["s0"] = 50.0 + 10 * frame["size"] / sizes + (frame["kind"] == "b")
    frame["s1"] = frame["s0"] + 2
    frame["macs"] = 100 * frame["size"]
    return frame


def answer(evaluator: TableEvaluator, seed: int = 0, **decisions: str | int) -> tuple[float, float]:
    (measured,) = evaluator.measure(Candidate(0, decisions, "k", None, seed))
    return measured.accuracy, measured.extra["truth"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_rows_are_answered_as_they_stand(make: Maker, suffix: str) -> None:
    evaluator = open_table(make(suffix=suffix))
    assert evaluator.space.size == 6 and not evaluator.partial
    accuracies = {round(answer(evaluator, seed, kind="b", size=3)[0], 6) for seed in range(20)}
    assert accuracies == {0.61, 0.63}
    assert answer(evaluator, kind="b", size=3)[1] == pytest.approx(0.62)
    assert evaluator.costs({"kind": "a", "size": 2}) == {"macs": 200}
    assert evaluator.key({"kind": "a", "size": 2}) is None


def test_the_same_seed_draws_the_same_column(make: Maker) -> None:
    evaluator = open_table(make())
    assert [answer(evaluator, 7, kind="a", size=1) for _ in range(3)] == [
        answer(evaluator, 7, kind="a", size=1)
    ] * 3


def test_scales_keys_and_a_truth_of_its_own(make: Maker) -> None:
    frame = table().assign(canonical="same", best=99.0)
    evaluator = open_table(
        make(frame, truth="best", key="canonical", macs=None, params={"column": "macs", "scale": 1e6})
    )
    assert answer(evaluator, kind="a", size=1)[1] == pytest.approx(0.99)
    assert evaluator.costs({"kind": "a", "size": 3}) == {"params": 300_000_000}
    assert evaluator.key({"kind": "b", "size": 1}) == "same"


def test_a_table_with_gaps_says_so(make: Maker) -> None:
    evaluator = open_table(make(table().drop(index=2)))
    assert evaluator.partial and not evaluator.knows({"kind": "a", "size": 3})
    assert evaluator.knows({"kind": "a", "size": 2}) and len(evaluator.assignments()) == 5


BAD = {
    "a missing column": ({"accuracy": ["s0", "s9"]}, UnknownNameError, "s9"),
    "an unknown key": ({"acuracy": "s0"}, UnknownNameError, "nearest: accuracy"),
    "no accuracy": ({"accuracy": None}, InputError, "table.accuracy"),
    "an unknown unit": ({"unit": "permille"}, InputError, "table.unit"),
    "an unknown lookup": ({"lookup": "guess"}, InputError, "table.lookup"),
    "a unit that cannot be": ({"unit": "fraction"}, InputError, "0 to 1"),
    "no file": ({"path": "nothing.csv"}, InputError, "nothing.csv"),
    "a kind of file that is not read": ({"path": "t.toml"}, InputError, "table.path"),
    "an unknown space": ({"space": "nasbench"}, UnknownNameError, "nas-bench-macro"),
    "a space of other decisions": ({"space": "nas-bench-macro"}, InputError, "8 decisions"),
    "a scale that is none": ({"macs": {"column": "macs", "scale": 0}}, InputError, "table.macs"),
    "too few rows for a model": ({"lookup": "surrogate"}, InputError, "50 rows"),
    "a column named twice": ({"decisions": ["kind", "kind"]}, InputError, "table.decisions"),
    "words for numbers": ({"macs": "kind"}, InputError, "numbers"),
    "rows of something else": ({"rows": "seeds"}, InputError, "table.rows"),
    "a condition on no decision": (
        {"when": {"colour": {"kind": ["a"]}}},
        UnknownNameError,
        "no such name 'colour'",
    ),
    "a condition without options": ({"when": {"size": {"kind": "a"}}}, InputError, r"table.when.size.kind"),
    "a condition that is none": ({"when": {"size": ["a"]}}, InputError, r"table.when.size"),
    "a condition on what comes later": (
        {"when": {"kind": {"size": [1]}}},
        InputError,
        "a decision that stands before 'kind'",
    ),
    "a condition that cannot be met": ({"when": {"size": {"kind": ["c"]}}}, InputError, "distinct options"),
    "a filter by several values": ({"where": {"kind": ["a", "b"]}}, InputError, "table.where"),
    "a filter by no column": ({"where": {"colour": "red"}}, UnknownNameError, "colour"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_a_bad_description_is_one_clear_line(make: Maker, case: tuple[dict[str, object], type, str]) -> None:
    section, error, words = case
    with pytest.raises(error, match=words) as caught:
        open_table(make(**section))
    assert "\n" not in str(caught.value)


def test_missing_values_repeats_and_emptiness_are_named(make: Maker) -> None:
    frame = table()
    frame.loc[4, ["s0", "s1"]] = np.nan
    with pytest.raises(InputError, match="'s1' of row 4"):
        open_table(make(frame))
    with pytest.raises(InputError, match="'macs' of row 2"):
        open_table(make(table().astype({"macs": float}).replace({"macs": {300.0: np.nan}}), macs="macs"))
    with pytest.raises(InputError, match="'kind' of row 3"):
        open_table(make(table().replace({"kind": {"b": None}})))
    with pytest.raises(InputError, match="rows 1 and 6"):
        open_table(make(pd.concat([table(), table().iloc[[1]]])))
    with pytest.raises(InputError, match="with rows"):
        open_table(make(table().iloc[:0]))
    (make().parent / "broken.toml").write_text("[table")
    with pytest.raises(InputError, match="TOML"):
        open_table(make().parent / "broken.toml")
    with pytest.raises(InputError, match="can be read"):
        open_table(make().parent / "missing.toml")


def test_none_is_an_option_of_a_csv(make: Maker) -> None:
    frame = table().replace({"kind": {"a": "None"}, "size": {1: "None"}})
    evaluator = open_table(make(frame))
    kind, size = evaluator.space.decisions
    assert kind.options == ("None", "b") and size.options == (2, 3, "None")
    assert answer(evaluator, kind="None", size="None")[1] == pytest.approx(0.5 + 0.1 / 3 + 0.01)


def test_networks_may_have_different_numbers_of_seeds(make: Maker) -> None:
    frame = table()
    frame.loc[4, "s0"] = np.nan
    evaluator = open_table(make(frame))
    one = frame.loc[4, "s1"] / 100
    assert {answer(evaluator, seed, kind="b", size=2) for seed in range(10)} == {(one, one)}
    assert len({answer(evaluator, seed, kind="b", size=1)[0] for seed in range(20)}) == 2
    assert evaluator.expected({"kind": "b", "size": 2}) == pytest.approx(one)


def test_a_row_may_be_one_training(make: Maker) -> None:
    frame = table().drop(columns="s1").assign(scheme="long")
    again = frame.iloc[[1, 1, 4]].assign(s0=[70.0, 80.0, 90.0], macs=[200, 200, 500])
    short = frame.assign(scheme="short", s0=1.0)
    written = pd.concat([frame, short, again])
    spec = make(written, accuracy="s0", rows="trainings", where={"scheme": "long"})
    evaluator = open_table(spec)
    assert len(evaluator.rows) == 6 and evaluator.settings.several_seeds
    first = round(frame.loc[1, "s0"] / 100, 6)
    found = {round(answer(evaluator, seed, kind="a", size=2)[0], 6) for seed in range(40)}
    assert found == {first, 0.7, 0.8}
    assert answer(evaluator, kind="a", size=2)[1] == pytest.approx((first + 0.7 + 0.8) / 3)
    assert evaluator.costs({"kind": "b", "size": 2}) == {"macs": 350}
    with pytest.raises(InputError, match="rows = 'trainings'"):
        open_table(make(written, accuracy="s0", where={"scheme": "long"}))
    with pytest.raises(InputError, match="with rows where scheme = 'none'"):
        open_table(make(written, accuracy="s0", where={"scheme": "none"}))


def test_losses_are_taken_as_likelihoods(make: Maker) -> None:
    frame = table().assign(s0=[0.5, 1.0, 2.0, 3.0, 0.0, np.inf]).drop(columns="s1")
    evaluator = open_table(make(frame, accuracy="s0", unit="loss"))
    assert answer(evaluator, kind="a", size=2)[0] == pytest.approx(math.exp(-1))
    assert answer(evaluator, kind="b", size=2)[0] == 1 and answer(evaluator, kind="b", size=3)[0] == 0
    unit = evaluator.settings.scale
    assert unit.regret(math.exp(-1), np.exp([-1.0, -2.5])) == pytest.approx([0, 1.5])
    with pytest.raises(InputError, match=r"losses of 0 or more .* got -1 to 3"):
        open_table(make(frame.assign(s0=[0, 1, 2, 3, -1, 0]), accuracy="s0", unit="loss"))


def conditional() -> pd.DataFrame:
    """A kernel, which exists only where the operation is a convolution; and its groups, where the kernel is 5."""
    rows = [("skip", None, None, 50.0), ("conv", 3, None, 60.0), ("conv", 5, 1, 70.0), ("conv", 5, 2, 80.0)]
    return pd.DataFrame(rows, columns=["op", "kernel", "groups", "s0"])


CONDITIONAL = {
    "decisions": ["op", "kernel", "groups"],
    "accuracy": "s0",
    "macs": None,
    "when": {"kernel": {"op": ["conv"]}, "groups": {"kernel": [5]}},
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_decisions_may_be_conditional(make: Maker, suffix: str) -> None:
    evaluator = open_table(make(conditional(), suffix, **CONDITIONAL))
    assert [d.options for d in evaluator.space.decisions] == [("conv", "skip"), (3, 5), (1, 2)]
    assert evaluator.space.size == 4 == len(evaluator.rows) and not evaluator.partial
    assert evaluator.assignments() == [
        {"op": "skip"},
        {"op": "conv", "kernel": 3},
        {"op": "conv", "kernel": 5, "groups": 1},
        {"op": "conv", "kernel": 5, "groups": 2},
    ]
    assert answer(evaluator, op="skip")[0] == 0.5
    assert answer(evaluator, op="conv", kernel=5, groups=2)[0] == 0.8


def test_what_stands_in_the_cell_of_an_inactive_decision_does_not_count(make: Maker) -> None:
    frame = conditional()
    frame.loc[0, "kernel"] = 7
    assert open_table(make(frame, **CONDITIONAL)).space.by_name["kernel"].options == (3, 5)
    frame.loc[1, "kernel"] = np.nan
    with pytest.raises(InputError, match="'kernel' of row 1"):
        open_table(make(frame, **CONDITIONAL))


def test_a_surrogate_of_conditional_decisions(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        surrogate, "_model", lambda: HistGradientBoostingRegressor(max_iter=60, random_state=0)
    )
    frame = pd.concat([conditional()] * 20, ignore_index=True)
    evaluator = open_table(make(frame, lookup="surrogate", **CONDITIONAL))
    for decisions in evaluator.assignments()[:4]:
        truth = frame.loc[evaluator.index[evaluator.position(decisions)], "s0"] / 100
        assert evaluator.truth(decisions) == pytest.approx(truth, abs=0.01)


def test_a_space_of_ones_own(make: Maker) -> None:
    columns = ["depth", "width", "block", "kernel", "expansion", "se", "skip"]
    rows = [(0, *[None] * 6, 10.0), *((1, 1.0, "mbconv", k, 2, 0.0, True, 10.0 * k) for k in (3, 5))]
    frame = pd.DataFrame(rows, columns=[*columns, "s0"])
    spec = make(frame, decisions=columns, space="mine.toml", accuracy="s0", macs=None)
    (spec.parent / "mine.toml").write_text(
        'name = "mine"\nblock_types = ["mbconv"]\n'
        "stages = [{ channels = 16, depths = [0, 1], widths = [1.0] }]\n"
        "options.mbconv = { kernel = [3, 5], expansion = [2], se = [0.0], skip = [true] }\n"
    )
    evaluator = open_table(spec)
    assert (evaluator.space.name, evaluator.space.size, evaluator.partial) == ("mine", 3, False)
    found = {evaluator.space.decode(d).key: evaluator.truth(d) for d in evaluator.assignments()}
    assert sorted(found.values()) == pytest.approx([0.1, 0.3, 0.5])
    with pytest.raises(InputError, match=r"table\.when: wanted none"):
        open_table(
            make(
                frame,
                decisions=columns,
                space="mine.toml",
                accuracy="s0",
                macs=None,
                when={"se": {"depth": [1]}},
            )
        )
    (spec.parent / "mine.toml").unlink()
    with pytest.raises(InputError, match=r"table\.space: wanted a TOML file that can be read"):
        open_table(make(frame, decisions=columns, space="mine.toml", accuracy="s0", macs=None))


def test_an_option_that_the_space_lacks_is_named(make: Maker) -> None:
    rows = pd.DataFrame([{f"op{i}": 3 for i in range(8)} | {"s0": 50.0}])
    names = [f"op{i}" for i in range(8)]
    with pytest.raises(InputError, match="3 is no option of op0"):
        open_table(make(rows, space="nas-bench-macro", decisions=names, accuracy="s0", macs=None))


def test_a_surrogate_answers_for_what_no_row_holds(make: Maker) -> None:
    frame = table(40)
    evaluator = open_table(make(frame[frame["size"] != 20], lookup="surrogate"))
    assert not evaluator.partial
    assert evaluator.knows({"kind": "a", "size": 19})
    assert answer(evaluator, kind="b", size=30)[0] == pytest.approx(0.52 + 0.1 * 30 / 40, abs=0.02)
    assert evaluator.costs({"kind": "a", "size": 30})["macs"] == pytest.approx(3000, rel=0.1)
    assert evaluator.describe()["surrogate"]["accuracy"]["r2"] > 0.9


def test_the_walked_trees_predict_what_the_library_predicts() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 4, (300, 5)).astype(float)
    target = inputs @ rng.normal(size=5) + inputs[:, 0] * inputs[:, 1]
    with surrogate._one_thread():
        model = surrogate._model().fit(inputs, target)
        expected = model.predict(inputs)
    assert surrogate.Forest.of(model).predict(inputs) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "table_file", "rows"), [("nas-bench-macro", "nas-bench-macro.parquet", 6561)]
)
def test_the_examples_fit_the_shared_tables(tmp_path: Path, name: str, table_file: str, rows: int) -> None:
    source = SHARED / "data" / "tables" / table_file
    if not source.exists():
        pytest.skip(f"{source} is not there (set NASCALE_SHARED)")
    (tmp_path / table_file).symlink_to(source)
    (tmp_path / "t.toml").write_text((EXAMPLES / f"{name}.toml").read_text())
    evaluator = open_table(tmp_path / "t.toml")
    assert len(evaluator.rows) == rows == evaluator.space.size
    best = evaluator.truths.argmax()
    assert evaluator.truths[best] == pytest.approx(0.931267, abs=1e-6)


def test_both_examples_can_be_read_as_specs() -> None:
    from nascale.spec import read_spec

    for path in EXAMPLES.glob("*.toml"):
        if "[table]" in path.read_text():
            assert read_spec(path).evaluator == "table"
            assert read_settings(path).accuracy


def test_repeats_draw_the_seeds_of_a_row_without_replacement(make: Maker) -> None:
    frame = table().assign(s2=lambda rows: rows["s1"] + 0.25)
    evaluator = open_table(make(frame, accuracy=["s0", "s1", "s2"]))
    for decisions in evaluator.assignments():
        row = evaluator.index[evaluator.position(decisions)]
        assert evaluator.measurements(decisions) == 3
        candidates = [Candidate(0, decisions, str(row), None, 7, repeat) for repeat in range(4)]
        seen = [evaluator.measure(candidate)[0].accuracy for candidate in candidates[:3]]
        assert sorted(seen) == sorted(evaluator.accuracies[row])
        assert seen[0] == evaluator.accuracies[row, candidates[0].stream % 3]
        with pytest.raises(RunError, match="3 measurements"):
            evaluator.measure(candidates[3])


def test_a_surrogate_and_a_single_column_have_no_noise(make: Maker) -> None:
    single = open_table(make(accuracy=["s0"]))
    assert {single.measurements(decisions) for decisions in single.assignments()} == {1}


def test_the_stream_of_a_first_measurement_is_what_it_always_was() -> None:
    digest = hashlib.blake2b(b"3:a-key", digest_size=8).digest()
    assert Candidate(9, {}, "a-key", None, 3).stream == int.from_bytes(digest, "big") >> 1
    streams = {Candidate(9, {}, "a-key", None, 3, repeat).stream for repeat in range(20)}
    assert len(streams) == 20
