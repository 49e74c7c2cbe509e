"""A full training as one frozen value: the network, the images, the recipe, and what it starts and learns from.

Its settings are options of ``nascale train`` and keys of the spec in ``run.json``. What is not given comes from the
study, where the network is one of its trials, and else from the defaults of the recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from evaluators.full_recipe import FullRecipe
from evaluators.images.sources import source_help
from evaluators.recipe import Recipe
from nascale.architectures import trial_of
from nascale.keys import check_known, flat, read
from space.errors import InputError
from space.setting import declared, group, setting

RECIPES = ("full", "search")
WEIGHT, TEMPERATURE = 0.5, 4.0
"""What distillation takes where nothing else is asked for."""
UNUSED = ("train_resolution", "train_width")
"""Settings of a search's recipe that would train another network than the one that is asked for."""
_OFF = {
    "ema": 0.0,
    "random_resized_crop": 0.0,
    "auto_augment": "none",
    "mixup": 0.0,
    "cutmix": 0.0,
    "random_erasing": 0.0,
    "patience": 0,
}


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """What to train, on what and how. Raises InputError for settings that do not go together."""

    arch: str = setting(None, "text", "The network: a name of the zoo, a JSON file or STUDY:NUMBER.")
    data: str = setting(
        None, "text", f"Images to train on: {source_help()}.  [default: the study's, for STUDY:NUMBER]"
    )
    recipe: str = setting(
        "full",
        "text",
        "Where the defaults come from: full (a training to the end), or search (the short training of a search; for "
        "STUDY:NUMBER that of the study).",
    )
    seed: int = setting(
        0,
        "int",
        "Seed of the weights, the order of images and all that is random.  [default: 0, or the study's]",
    )
    split_seed: int = setting(0, "int", "Seed of the splits that are drawn.  [default: 0, or the study's]")
    validation: float = setting(
        0.2,
        "float",
        "Share of the training images that is drawn for validation.  [default: 0.2, or the study's]",
    )
    trained_validation: float = setting(
        0.0,
        "float",
        "Share of the validation images that is trained on as well, once all is chosen; the rest judges the weights.",
    )
    skip_bad: bool = setting(False, "flag", "Leave out image files that cannot be read.")
    max_image_bytes: int | None = setting(
        None, "bytes", "Bytes that the images may take once unpacked.  [default: the memory of this machine]"
    )
    resolution: int | None = setting(
        None,
        "int",
        "Side of the network's images in pixels.  [default: what ARCH says, else the data's]",
    )
    within: float | None = setting(
        None,
        "seconds",
        "Train as many epochs as fit into this time (40min), which is looked at again on the way.",
    )
    init: str | None = setting(
        None, "text", "Start from the tensors of this .safetensors or .pt file that fit by name and shape."
    )
    teacher: str | None = setting(
        None, "text", "A trained network to learn from as well (distillation); needs --teacher-weights."
    )
    teacher_weights: str | None = setting(None, "text", "The teacher's weights, a .safetensors or .pt file.")
    distillation_weight: float | None = setting(
        None, "float", f"Share of the teacher in the loss.  [default: {WEIGHT} with a teacher]"
    )
    temperature: float | None = setting(
        None,
        "float",
        f"Temperature that softens the teacher's outputs.  [default: {TEMPERATURE:g} with a teacher]",
    )
    threads: int | None = setting(
        None,
        "int",
        "Processors for the training on a CPU, with --workers of each of them; the same number gives the same weights."
        "  [default: all, shared by the workers; 1 on a cluster]",
    )
    workers: int = setting(
        1,
        "int",
        "Processes that train together (nascale[distributed]), each with a GPU where there are enough. --batch-size is "
        "that of one worker, the default learning rate goes by all images of a step. RUN must be on a disk that all see.",
    )
    ray_address: str | None = setting(
        None, "text", "Ray cluster for the workers.  [default: a Ray on this machine]"
    )
    training: FullRecipe = group(FullRecipe)
    fits_batch: bool = field(default=False, compare=False)
    """Whether the batch may be made smaller for a small set, because none was asked for."""

    def __post_init__(self) -> None:
        if self.arch is None:
            raise InputError.of("ARCH", "a network", None)
        if self.data is None:
            raise InputError.of("--data", "the images to train on", None)
        if self.recipe not in RECIPES:
            raise InputError.of("recipe", " or ".join(RECIPES), self.recipe)
        for name in ("seed", "split_seed"):
            if getattr(self, name) < 0:
                raise InputError.of(name, "a whole number of 0 or more", getattr(self, name))
        for name in ("resolution", "threads", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError.of(name, "a positive whole number", value)
        for name, usual in (("train_resolution", None), ("train_width", 1.0)):
            if getattr(self.training, name) != usual:
                raise InputError.of(
                    name, "the network's own in a full training", getattr(self.training, name)
                )
        if self.within is not None and self.ray_address is not None:
            raise InputError.of("within", "epochs, as the speed of a cluster is not known", self.within)
        self._check_teacher()

    @property
    def shared(self) -> bool:
        """Whether workers train, and not this process."""
        return self.workers > 1 or self.ray_address is not None

    def _check_teacher(self) -> None:
        """Raises InputError for half of a teacher; fills in how it is listened to."""
        if self.teacher is None:
            for name in ("teacher_weights", "distillation_weight", "temperature"):
                if getattr(self, name) is not None:
                    raise InputError.of(name, "a --teacher beside it", getattr(self, name))
            return
        if self.teacher_weights is None:
            raise InputError.of("teacher_weights", "the file of the teacher's weights", None)
        for name, usual in (("distillation_weight", WEIGHT), ("temperature", TEMPERATURE)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, usual)
        assert self.distillation_weight is not None and self.temperature is not None
        if not 0 < self.distillation_weight <= 1:
            raise InputError.of("distillation_weight", "a share in (0, 1]", self.distillation_weight)
        if not self.temperature > 0:
            raise InputError.of("temperature", "a positive number", self.temperature)

    @classmethod
    def of(cls, **keys: Any) -> Self:
        """The spec with these keys alone; what is not given has the defaults of a full training.

        Raises UnknownNameError for a key that is not there, InputError for a value that is wrong.
        """
        if keys.get("within") is not None and keys.get("epochs") is not None:
            raise InputError.of(
                "within", "either a time or epochs", f"{keys['within']} and {keys['epochs']} epochs"
            )
        found = read(cls, keys)
        object.__setattr__(found, "fits_batch", keys.get("batch_size") is None)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Every setting with its value, as ``run.json`` keeps it."""
        return flat(self)

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """What a stored spec has otherwise, as ``epochs 60, now 90``.

        The text that names the network and the cluster may be others.

        The epochs of ``within`` were planned when the training began, and are not compared.
        """
        passed = {"arch", "ray_address"}
        if self.within is not None and stored.get("within") == self.within:
            passed.add("epochs")
        return [
            f"{name} {stored[name]!r}, now {value!r}"
            for name, value in self.as_dict().items()
            if name not in passed and name in stored and stored[name] != value
        ]


def train_spec(arch: str, options: Mapping[str, Any] | None = None, storage: str | None = None) -> TrainSpec:
    """The spec for ``arch`` with ``options`` over the study's settings and the recipe's; None counts as not given.

    Raises InputError for settings that cannot be used, UnknownNameError for a study or a key that is not there.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    check_known(TrainSpec, given)
    recipe = given.get("recipe", "full")
    keys: dict[str, Any] = _search_recipe() if recipe == "search" else {}
    keys |= _of_study(arch, storage, with_recipe=recipe == "search")
    if given.get("within") is not None:
        keys.pop("epochs", None)
    return TrainSpec.of(**keys | given | {"arch": arch})


def _search_recipe() -> dict[str, Any]:
    """The settings of a search's short training, with everything off that only a full one has."""
    own = {item.name: item.default for item in fields(Recipe) if item.name not in (*UNUSED, "batch_size")}
    return own | _OFF


def _of_study(arch: str, storage: str | None, *, with_recipe: bool) -> dict[str, Any]:
    """The images, the split and the seed of the study whose trial ``arch`` names, and its recipe if asked for."""
    trial = trial_of(arch)
    if trial is None:
        return {}
    from results.studies import load

    spec = load(trial[0], storage).spec
    found = {name: spec[name] for name in ("data", "validation", "skip_bad", "seed") if name in spec}
    if spec.get("table"):
        found.pop("data", None)  # the study asked a table, not images
    if "seed" in found:
        found["split_seed"] = found["seed"]
    if with_recipe:
        found |= {name: spec[name] for name in declared(Recipe) if name in spec and name not in UNUSED}
    return found
