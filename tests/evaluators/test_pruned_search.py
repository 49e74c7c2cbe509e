"""Pruning end to end: real trainings, cancelled on real Ray workers, judged as in one process."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from nascale.cli import cli
from results.frame import trials
from results.studies import load

SEARCH = """
search --space mixed --sampler random --batch-size 32 --trials 9 --window 4 --seed 2 --quiet
--max-macs 600K --fraction 0.3
"""
EPOCHS = ["--pruner", "hyperband", "--epochs", "4"]
FRACTION = ["--pruner", "halving", "--epochs", "1", "--rungs", "fraction=0.1,0.2"]


def searched(folder: Path, study: str, *options: str) -> pd.DataFrame:
    storage = f"sqlite:///{folder}/s.db"
    run = CliRunner().invoke(cli, [*SEARCH.split(), "--storage", storage, "--study", study, *options])
    assert run.exit_code == 0, run.output
    frame = trials(study, storage)
    frame["curve"] = [[accuracy for _, accuracy in t.curve] for t in load(study, storage).trials]
    return frame


def pruned_alone(folder: Path, options: list[str]) -> pd.DataFrame:
    """The search in this process: some trials went through all levels, and what was pruned did not."""
    found = searched(folder, "alone", "--workers", "0", *options)
    full = 4 if options is EPOCHS else 3
    assert {"ok", "pruned"} <= set(found["status"])
    assert found["epochs"].max() == full
    assert found.loc[found["status"] == "pruned", "epochs"].max() < full
    return found


@pytest.mark.slow
def test_trainings_on_more_and_more_images_are_pruned(tmp_path: Path) -> None:
    pruned_alone(tmp_path, FRACTION)


@pytest.mark.parametrize(
    "options",
    [pytest.param(EPOCHS, id="epochs"), pytest.param(FRACTION, id="fraction", marks=pytest.mark.slow)],
)
@pytest.mark.slow
def test_two_workers_prune_what_one_process_prunes(
    tmp_path: Path, ray_session: None, options: list[str]
) -> None:
    alone = pruned_alone(tmp_path, options)
    together = searched(tmp_path, "together", "--workers", "2", "--cpus-per-trial", "0.5", *options)
    compared = ["status", "key", "accuracy", "curve"]
    pd.testing.assert_frame_equal(alone[compared], together[compared])
    assert (together["epochs"] >= alone["epochs"]).all()
