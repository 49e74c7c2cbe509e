"""Search specs: files, flags, quantities, defaults, and every wrong key named."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.recipe import Recipe
from nascale.commands.search import command
from nascale.spec import SearchSpec, read_spec
from space.errors import InputError, UnknownNameError
from space.setting import declared


def test_every_key_is_an_option() -> None:
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--" + name.replace("_", "-") for name in declared(SearchSpec)} <= options
    assert {"momentum", "max_latency", "retries", "skip_bad", "trials"} <= declared(SearchSpec).keys()


def test_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('trials = 7\nsampler = "tpe"\nmax_macs = "5M"\nmax_latency = "8ms"\n')
    spec = read_spec(path, {"trials": 9, "seed": None})
    assert (spec.run.trials, spec.sampler, spec.run.seed) == (9, "tpe", 0)
    assert (spec.budgets.max_macs, spec.budgets.max_latency) == (5_000_000, 0.008)
    assert spec.settings().budgets.bounds() == {
        "max_macs": ("macs", 5_000_000),
        "max_latency": ("latency_seconds", 0.008),
    }


TABLE = '[table]\npath = "x.csv"\ndecisions = ["a"]\naccuracy = "y"\n'


def test_a_table_section_makes_the_search_ask_the_table(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f"trials = 3\n{TABLE}")
    (tmp_path / "other.toml").write_text('table = "s.toml"')
    spec = read_spec(path)
    assert spec.table is not None
    assert (spec.evaluator, spec.window, spec.study) == ("table", 1, "s-controller")
    assert (spec.table.source, spec.table.path) == (str(path), tmp_path / "x.csv")
    assert SearchSpec.of(**spec.as_dict()) == spec
    assert read_spec(tmp_path / "other.toml").table == spec.table
    # The file is read once: what a section says is held by the spec.
    path.unlink()
    assert spec.replace(trials=5).table == spec.table


def test_a_bad_table_is_named_when_the_spec_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(TABLE.replace("accuracy", "acuracy"))
    with pytest.raises(UnknownNameError, match=r"table key: no such name 'acuracy' \(nearest: accuracy"):
        read_spec(path)
    with pytest.raises(InputError, match="table: wanted a TOML file that can be read"):
        read_spec(None, {"table": str(tmp_path / "absent.toml")})


def test_defaults_are_filled_in() -> None:
    spec = SearchSpec()
    assert (spec.space, spec.evaluator, spec.window, spec.study) == (
        "mixed",
        "train",
        4,
        "mixed-digits-controller",
    )
    assert SearchSpec.of(workers=6).window == 6
    assert SearchSpec.of(**spec.as_dict()) == spec
    assert spec.replace(trials=50).run.trials == 50
    assert SearchSpec(recipe=Recipe(epochs=3)) == SearchSpec.of(epochs=3)


def test_trainings_within_a_budget_have_the_space_around_it() -> None:
    assert SearchSpec.of(max_macs="5M").space == "around-budget"
    assert SearchSpec.of(max_memory="1MB", max_latency="3ms").space == "around-budget"
    assert SearchSpec.of(max_latency="3ms").space == "mixed"
    assert SearchSpec.of(max_macs="5M", evaluator="supernet").space == "mixed"
    assert SearchSpec.of(max_macs="5M", space="mbconv").space == "mbconv"
    assert SearchSpec.of().replace(max_params=1e5).space == "around-budget"
    assert SearchSpec.of(space="mixed").replace(max_params=1e5).space == "mixed"


def test_a_supernet_has_more_epochs_unless_told_otherwise() -> None:
    assert SearchSpec.of().recipe.epochs == 5
    assert SearchSpec.of(evaluator="supernet").recipe.epochs == 60
    assert SearchSpec.of(evaluator="supernet", epochs=7).recipe.epochs == 7


def test_a_stored_spec_of_the_first_version_reads_back_with_its_values() -> None:
    stored = {
        "space": "mbconv", "resolution": None, "sampler": "nsga2", "evaluator": "train", "data": "digits", "table": None,
        "objective": "accuracy,macs", "cost": "macs", "target": None, "exponent": -0.07, "max_macs": 1_000_000,
        "max_flops": None, "max_params": None, "max_memory": None, "max_latency": None, "latency_batch": 1,
        "latency_mode": "eager", "trials": 10, "max_seconds": None, "max_epochs": None, "max_failures": None,
        "pruner": "median", "rungs": "fraction=0.1", "seed": 4, "window": 4, "workers": 2, "cpus_per_trial": 1.0,
        "gpus_per_trial": 0.0, "retries": 1, "trial_timeout": 2.0, "ray_address": None, "study": "digits-nsga2",
        "storage": "sqlite:///s.db", "epochs": 2, "batch_size": 64, "optimizer": "sgd", "learning_rate": None,
        "weight_decay": 0.0005, "momentum": 0.8, "warmup": 0.3, "label_smoothing": 0.0, "clip": 1.0, "fraction": 0.3,
        "train_resolution": None, "train_width": 1.0, "crop": 0, "flip": False, "cutout": 0, "precision": "auto",
        "device": "auto", "compile": False, "validation": 0.2, "skip_bad": False,
    }  # fmt: skip
    assert SearchSpec.stored({**stored, "a key that is gone": 1}).as_dict() == SearchSpec.canonical(stored)
    assert SearchSpec.canonical(stored) == {
        **stored,
        "checkpoint_every": None,
        "class_weights": "none",
        "learn_from": None,
        "max_image_bytes": None,
        "patience": 600.0,
        "prior": None,
        "repeats": 0,
        "stock": "none",
    }


def test_the_environment_says_where_studies_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NASCALE_STORAGE", raising=False)
    assert SearchSpec.of().storage == "sqlite:///nascale.db"
    monkeypatch.setenv("NASCALE_STORAGE", "sqlite:///elsewhere.db")
    assert SearchSpec.of().storage == "sqlite:///elsewhere.db"
    assert SearchSpec.of(storage="memory").storage == "memory"


@pytest.mark.parametrize(
    ("cost", "text", "target"),
    [("macs", "5M", 5e6), ("latency_seconds", "8ms", 0.008), ("activation_bytes", "64MB", 64e6)],
)
def test_a_target_is_in_the_unit_of_its_cost(cost: str, text: str, target: float) -> None:
    spec = SearchSpec.of(objective="mnas", cost=cost, target=text)
    assert spec.target == pytest.approx(target)
    assert SearchSpec.of(**spec.as_dict()) == spec


def test_what_a_latency_is_measured_with_asks_for_a_latency() -> None:
    for key, value in (("latency_batch", 8), ("latency_mode", "exported")):
        with pytest.raises(InputError, match=f"{key}: wanted a search that measures latency"):
            SearchSpec.of(**{key: value})
        SearchSpec.of(max_latency="8ms", **{key: value})
        SearchSpec.of(objective="accuracy,latency_seconds", **{key: value})


def test_an_unknown_key_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("trails = 3\n")
    with pytest.raises(UnknownNameError, match=r"'trails'.*trials"):
        read_spec(path)
    with pytest.raises(UnknownNameError, match="max_macs"):
        read_spec(None, {"max_mac": 3})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trials", 0),
        ("trials", "many"),
        ("trials", 2.5),
        ("trials", True),
        ("max_macs", "5Q"),
        ("max_macs", -1),
        ("flip", "yes"),
        ("seed", -1),
        ("sampler", 3),
        ("pruner", "axe"),
        ("window", 1),
        ("objective", "accuracy,accuracy"),
        ("evaluator", "table"),
        ("rungs", "fraction=0.1"),
        ("latency_batch", 0),
        ("latency_mode", "exportd"),
        ("evaluator", "tabel"),
        ("cost", "mac"),
        ("target", "fast"),
        ("space", 3),
        ("workers", -1),
        ("resolution", 0),
        ("objective", 3),
    ],
)
def test_a_wrong_value_names_its_key(key: str, value: object) -> None:
    with pytest.raises(InputError, match=key):
        read_spec(None, {key: value})


@pytest.mark.parametrize("text", ["trials = ", "\x00", None])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "s.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="SPEC"):
        read_spec(path)
