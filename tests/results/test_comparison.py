"""Several searches measured by one reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pytest

from results import frame, pareto
from results.comparison import compare
from results.front import eligible, front_of
from results.plots.comparison import comparison_figure
from results.plots.picture import save
from space.errors import InputError


def test_a_stated_reference_and_a_share_of_the_box(storage: str) -> None:
    frames = {name: frame.trials(name, storage) for name in ("digits", "other")}
    result = compare(frames, reference=(0.5, 1e7))
    table = result.table.set_index("study")
    for name, trials in frames.items():
        points = trials.loc[eligible(trials), ["accuracy", "macs"]].to_numpy(dtype=float)
        volume = pareto.hypervolume(points, ["maximize", "minimize"], (0.5, 1e7))
        box = (result.ideal[0] - 0.5) * (1e7 - result.ideal[1])
        assert table.loc[name, "hypervolume"] == pytest.approx(volume / box)
        assert table.loc[name, "accuracy"] == trials.loc[eligible(trials), "accuracy"].max()
        assert table.loc[name, "front"] == len(front_of(trials))
    assert table["common_trials"].tolist() == [40, 40]
    assert result.reference_text == "50.0 %, 10 M"


def test_traces_never_fall(storage: str) -> None:
    result = compare({name: frame.trials(name, storage) for name in ("digits", "other")})
    for trace in result.traces:
        assert (np.diff(trace.hypervolume) >= 0).all()
        assert (np.diff(trace.seconds) >= 0).all()
        assert (np.diff(trace.best[~np.isnan(trace.best)]) >= 0).all()
        assert trace.hypervolume[-1] <= 1


def test_empty_and_failed_studies_take_part(storage: str, tmp_path: Path) -> None:
    result = compare({name: frame.trials(name, storage) for name in ("digits", "empty", "failed")})
    table = result.table.set_index("study")
    assert table["finished"].tolist() == [60, 0, 5]
    assert table["failed"].tolist()[1:] == [0, 5]
    assert table["hypervolume"].isna().tolist() == [False, True, False]
    assert save(comparison_figure(result), tmp_path / "c.png").stat().st_size > 10_000
    nothing = compare({name: frame.trials(name, storage) for name in ("empty", "failed")})
    assert nothing.table["hypervolume"].isna().all()


def test_studies_must_share_the_axes(storage: str) -> None:
    frames = {name: frame.trials(name, storage) for name in ("reward", "digits")}
    with pytest.raises(InputError, match="objective_reward"):
        compare(frames, y="reward")


def test_a_study_with_one_objective_is_compared_by_its_progress() -> None:
    made = optuna.create_study(study_name="plain", direction="minimize")
    for value in (3.0, float("inf"), 1.0, 2.0):
        made.tell(made.ask(), value)
    result = compare({"plain": frame.trials(made)})
    (row,) = result.table.to_dict("records")
    assert (row["finished"], row["infinite"], row["objective_value"], row["trials_to_best"]) == (4, 1, 1.0, 3)
    assert result.traces[0].best.tolist() == [3.0, 3.0, 1.0, 1.0]
