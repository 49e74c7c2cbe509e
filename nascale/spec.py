"""A search as one frozen value: every key of SPEC.toml, each of which is also a flag of ``nascale search``.

A spec file is flat TOML; a ``[table]`` section in it describes a table of results (``evaluators.table``) and
makes the search ask that table. Flags win over the file, the file over the defaults.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from evaluators.images.sources import source_help
from evaluators.proxies import SUPERNET_EPOCHS
from nascale.quantities import parse_quantity
from nascale.written_space import space_label, space_text
from search.objective import SOFT_EXPONENT, Objective
from search.settings import Budgets, SearchSettings
from space.errors import InputError, UnknownNameError

DEFAULT_STORAGE = "sqlite:///nascale.db"
LATENCY_MODES = ("eager", "exported", "compiled")
EPOCHS = {"train": 5, "supernet": SUPERNET_EPOCHS, "table": 5}
"""Epochs by evaluator, where nothing else is asked for."""
SMALLEST_WINDOW = 4
"""Suggestions that may be out at once, where results take time and nothing else is asked for."""


def key_of(default: Any, kind: str, help_: str) -> Any:
    """A key of a spec: its default, the kind of its values (``_converted`` knows them) and its line in ``--help``."""
    return field(default=default, metadata={"kind": kind, "help": help_})


@dataclass(frozen=True)
class SearchSpec:
    """What to search, with what, how long and where; one attribute for each key.

    Quantities may be given as text with suffixes (``5M``, ``64MB``, ``8ms``).
    """

    space: str | None = key_of(
        None,
        "text",
        "Search space: a name, or a .toml file that writes one down.  [default: mixed, or what the table names]",
    )
    resolution: int | None = key_of(
        None, "int", "Side of the networks' images in pixels.  [default: the data's]"
    )
    sampler: str = key_of(
        "controller",
        "text",
        "controller, controller-ppo, tpe, gp, nsga2, nsga3, cmaes, evolution, random or grid.",
    )
    evaluator: str | None = key_of(
        None,
        "text",
        "train (each network from scratch), supernet (all networks share weights that are trained once: seconds a "
        "network, for a ranking) or table.  [default: table where there is one, else train]",
    )
    data: str = key_of("digits", "text", f"Images to train on: {source_help()}.")
    table: str | None = key_of(
        None, "text", "TOML file that describes a table of results to ask instead of training."
    )
    objective: str = key_of(
        "accuracy",
        "text",
        "accuracy; mnas = accuracy × (cost / target)^exponent; mnas-hard, which only counts what is beyond the "
        "target; or several, as accuracy,macs.  The best network of mnas does not depend on the target: to land "
        "on a target use mnas-hard or a budget.",
    )
    cost: str = key_of(
        "macs", "text", "Cost in mnas: macs, params, flops, activation_bytes or latency_seconds."
    )
    target: float | None = key_of(None, "count", "Cost at which mnas leaves the accuracy as it is.")
    exponent: float = key_of(
        SOFT_EXPONENT,
        "float",
        "Exponent of mnas; at −0.07 doubling the cost must buy a factor 1.0497 in accuracy.",
    )
    max_macs: float | None = key_of(None, "count", "Multiply-accumulates a network may need at most.")
    max_flops: float | None = key_of(
        None, "count", "Floating-point operations a network may need at most (2 per MAC, and more)."
    )
    max_params: float | None = key_of(None, "count", "Parameters a network may have at most.")
    max_memory: float | None = key_of(None, "bytes", "Activation memory at inference, one image, at most.")
    max_latency: float | None = key_of(
        None,
        "seconds",
        "Latency at most. It is measured on the worker before a network is trained (one that is slower is not), or "
        "comes from a table.",
    )
    latency_batch: int = key_of(1, "int", "Images in the batch whose latency is measured.")
    latency_mode: str = key_of("eager", "text", "How it is measured: eager, exported or compiled.")
    trials: int = key_of(40, "int", "Finished trials to end with; a repeated run may ask for more.")
    max_seconds: float | None = key_of(None, "seconds", "Start no trial after this much time in this run.")
    max_epochs: int | None = key_of(None, "int", "Start no trial after so many trained epochs in the study.")
    max_failures: int | None = key_of(None, "int", "Give up after so many failed trials.")
    pruner: str = key_of(
        "none",
        "text",
        "Stop poor trainings early: median, halving (asynchronous successive halving), hyperband, or none.",
    )
    rungs: str | None = key_of(
        None,
        "text",
        "Train each network several times, at rising fidelity, and let the pruner stop it between two: "
        "fraction=0.1,0.3 or resolution=16,24 or width=0.25,0.5 or epochs=1,3, below the search's own.  "
        "[default: one training, judged after a ninth, a third and five ninths of its epochs]",
    )
    seed: int = key_of(0, "int", "Seed of suggestions, weights, order of images and augmentation.")
    window: int | None = key_of(
        None,
        "int",
        "Suggestion n is made from the results of trials up to n − window, whichever finish first: the same seed and "
        "window give the same suggestions.  [default: 1 for a table, else 4 or the workers, if more]",
    )
    workers: int = key_of(2, "int", "Ray workers; 0 trains in this process.")
    cpus_per_trial: float = key_of(1.0, "float", "Processors of one worker.")
    gpus_per_trial: float = key_of(0.0, "float", "Share of a GPU of one worker.")
    retries: int = key_of(1, "int", "How often a trial whose worker died is begun again.")
    trial_timeout: float | None = key_of(None, "seconds", "Longest time of one trial.")
    ray_address: str | None = key_of(
        None, "text", "Ray cluster to join.  [default: a local Ray for this run]"
    )
    study: str | None = key_of(None, "text", "Name of the study.  [default: made of space, sampler and data]")
    storage: str = key_of(DEFAULT_STORAGE, "text", "Database (SQLite or PostgreSQL URL), or memory.")
    epochs: int = key_of(
        None, "int", "Epochs of each training, or of the supernet's.  [default: 5, of a supernet 60]"
    )
    batch_size: int = key_of(64, "int", "Images in a batch.")
    optimizer: str = key_of("sgd", "text", "sgd or adamw.")
    learning_rate: float | None = key_of(
        None, "float", "Highest learning rate.  [default: by optimizer and batch size]"
    )
    weight_decay: float = key_of(5e-4, "float", "Weight decay.")
    momentum: float = key_of(0.9, "float", "Momentum (Nesterov) of sgd, first beta of adamw.")
    warmup: float = key_of(0.15, "float", "Share of the steps over which the learning rate rises.")
    label_smoothing: float = key_of(0.0, "float", "Label smoothing.")
    clip: float = key_of(0.0, "float", "Largest norm of the gradient; 0 does not clip.")
    fraction: float = key_of(1.0, "float", "Share of the training images that is used.")
    train_resolution: int | None = key_of(
        None, "int", "Side to which images are resized for training.  [default: resolution]"
    )
    train_width: float = key_of(1.0, "float", "Factor on the channels while training.")
    crop: int = key_of(0, "int", "Random shifts, in pixels.")
    flip: bool = key_of(False, "flag", "Random horizontal flips.")
    cutout: int = key_of(0, "int", "Side of the square that is cut out, in pixels.")
    precision: str = key_of("auto", "text", "auto, float32 or bfloat16.")
    device: str = key_of("auto", "text", "auto, cpu, cuda or mps.")
    compile: bool = key_of(False, "flag", "Compile each network with torch.compile.")
    validation: float = key_of(0.2, "float", "Share of the training images that the search looks at.")
    skip_bad: bool = key_of(False, "flag", "Leave out image files that cannot be read.")

    def __post_init__(self) -> None:
        object.__setattr__(self, "space", space_text(self.space))
        for item in fields(self):
            object.__setattr__(self, item.name, _converted(item, getattr(self, item.name)))
        if self.evaluator is None:
            object.__setattr__(self, "evaluator", "table" if self.table else "train")
        if self.evaluator == "table" and self.table is None:
            raise InputError.of("evaluator table", "--table FILE.toml or a [table] section", None)
        if self.epochs is None:
            object.__setattr__(self, "epochs", EPOCHS.get(self.evaluator or "train", EPOCHS["train"]))
        if self.window is None:
            window = 1 if self.evaluator == "table" else max(SMALLEST_WINDOW, self.workers)
            object.__setattr__(self, "window", window)
        if self.window is not None and self.window < self.workers and self.evaluator != "table":
            raise InputError.of("window", f"{self.workers} or more, as many as workers", self.window)
        if self.latency_batch < 1:
            raise InputError.of("latency_batch", "a positive whole number", self.latency_batch)
        if self.latency_mode not in LATENCY_MODES:
            raise UnknownNameError("latency_mode", self.latency_mode, LATENCY_MODES)
        if self.rungs is not None and self.pruner == "none":
            raise InputError.of("rungs", "a pruner that looks at them (halving, hyperband or median)", "none")
        if self.pruner != "none" and self.evaluator == "supernet":
            raise InputError.of(
                "pruner", "none with a supernet: no network is trained by itself", self.pruner
            )
        if self.rungs is not None and self.evaluator == "table":
            raise InputError.of("rungs", "a search that trains", f"table {self.table}")
        if self.space is None and self.table is None:
            object.__setattr__(self, "space", "mixed")
        if self.study is None:
            object.__setattr__(self, "study", self._name())
        self.settings()

    def _name(self) -> str:
        if self.table:
            return f"{Path(self.table).stem}-{self.sampler}"
        source = f"{space_label(self.space or '')}-{self.data.partition(':')[0]}"
        return f"{source}-{self.sampler}"

    def settings(self) -> SearchSettings:
        """What the loop needs of it. Raises InputError for values out of range."""
        return SearchSettings(
            sampler=self.sampler,
            objective=Objective.parse(
                self.objective, cost=self.cost, target=self.target, exponent=self.exponent
            ),
            budgets=Budgets(
                self.max_macs, self.max_flops, self.max_params, self.max_memory, self.max_latency
            ),
            trials=self.trials,
            seed=self.seed,
            window=self.window or 1,
            pruner=self.pruner,
            max_seconds=self.max_seconds,
            max_epochs=self.max_epochs,
            max_failures=self.max_failures,
        )

    def as_dict(self) -> dict[str, Any]:
        """Every key with its value, as it is kept with the study."""
        return asdict(self)

    def replace(self, **changes: Any) -> SearchSpec:
        """A copy with some keys changed, checked anew."""
        return replace(self, **changes)


KEYS: dict[str, Field[Any]] = {item.name: item for item in fields(SearchSpec)}


def read_spec(path: str | os.PathLike[str] | None, flags: Mapping[str, Any] | None = None) -> SearchSpec:
    """The spec of a TOML file (or of none) with ``flags`` over it; flags that are None count as not given.

    Raises InputError for a file that cannot be read, and UnknownNameError naming an unknown key and the
    nearest there is.
    """
    chosen: dict[str, Any] = {}
    if path is not None:
        document = read_toml(path)
        if "table" in document and isinstance(document["table"], dict):
            document["table"] = os.fspath(path)
        elif "table" in document:
            document["table"] = os.fspath(Path(path).parent / str(document["table"]))
        for name in document:
            if name not in KEYS:
                raise UnknownNameError(f"{path}: key", name, KEYS)
        chosen |= document
    for name, value in (flags or {}).items():
        if name not in KEYS:
            raise UnknownNameError("key", name, KEYS)
        if value is not None:
            chosen[name] = value
    return SearchSpec(**chosen)


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The document at ``path``. Raises InputError where there is none, or it is no TOML."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.of(
            "SPEC", "a TOML file that can be read", f"{os.fspath(path)} ({error.strerror})"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.of("SPEC", "a TOML file", f"{os.fspath(path)} ({error})") from None


def _converted(item: Field[Any], value: Any) -> Any:
    """``value`` as the key's kind; raises InputError naming the key."""
    kind = item.metadata["kind"]
    if value is None:
        if item.default is None:
            return None
        raise InputError.of(item.name, f"a value ({kind})", None)
    if kind in ("count", "bytes", "seconds"):
        number = parse_quantity(value, kind, item.name)
        return number if kind == "seconds" or item.name == "target" else round(number)
    wanted: dict[str, tuple[tuple[type, ...], str]] = {
        "int": ((int,), "a whole number"),
        "float": ((int, float), "a number"),
        "flag": ((bool,), "true or false"),
        "text": ((str, os.PathLike), "text"),
    }
    types, words = wanted[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "flag"):
        if kind == "text" and item.name == "objective" and isinstance(value, (list, tuple)):
            return ",".join(map(str, value))
        raise InputError.of(item.name, words, value)
    if kind == "float" and isinstance(value, (int, float)):
        return float(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value
