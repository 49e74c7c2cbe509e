"""What every search that is kept as a study shares: images, training recipe, workers, length, and where it is kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from evaluators.images.sources import source_help
from evaluators.pools.protocol import PATIENCE_SECONDS, PoolSettings
from evaluators.recipe import Recipe
from nascale.keys import flat, read
from results.storage_url import default_storage
from search.settings import RunSettings, SearchSettings
from space.errors import InputError
from space.limits import LARGEST_RESOLUTION
from space.setting import declared, group, setting

SMALLEST_WINDOW = 4
"""Suggestions that may be out at once, where results take time and nothing else is asked for."""
_LONGEST_NAME = 200
"""Optuna keeps names of up to 512 letters."""


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """The images: which, and how they are split."""

    data: str = setting("digits", "text", f"Images to train on: {source_help()}.")
    validation: float = setting(0.2, "float", "Share of the training images that the search looks at.")
    skip_bad: bool = setting(False, "flag", "Leave out image files that cannot be read.")
    max_image_bytes: int | None = setting(
        None,
        "bytes",
        "Bytes that the images may take once unpacked.  [default: the memory of this machine]",
        may_change=True,
    )


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """A search that is kept as a study. Its settings are keys of a spec file, options and keys of the stored spec.

    ``of`` makes one from keys; what is not given is filled in when it is made.
    """

    study: str = setting(None, "text", "Name of the study.  [default: made of space, sampler and data]")
    storage: str = setting(
        None,
        "text",
        "Where studies are kept: a SQLite file, a database URL, or memory.  "
        "[default: $NASCALE_STORAGE, else sqlite:///nascale.db]",
        may_change=True,
    )
    window: int = setting(
        None,
        "int",
        "Suggestion n is made from the results of trials up to n − window, whichever finish first: the same seed and "
        "window give the same suggestions.  [default: 1 for a table, else 4 or the workers, if more]",
    )
    resolution: int | None = setting(
        None, "int", "Side of the networks' images in pixels.  [default: the data's]"
    )
    images: DataSettings = group(DataSettings)
    recipe: Recipe = group(Recipe)
    pool: PoolSettings = group(PoolSettings)
    run: RunSettings = group(RunSettings)
    fits_batch: bool = field(default=False, compare=False)
    """Whether the batch may be made smaller for a small set, because none was asked for."""

    def __post_init__(self) -> None:
        if self.study is None:
            self._fill("study", self._name())
        if not self.study.isprintable() or not 0 < len(self.study) <= _LONGEST_NAME:
            raise InputError.of("study", f"a name of 1 to {_LONGEST_NAME} printable letters", self.study)
        if self.resolution is not None and not 0 < self.resolution <= LARGEST_RESOLUTION:
            wanted = f"pixels, a positive whole number up to {LARGEST_RESOLUTION}"
            raise InputError.of("resolution", wanted, self.resolution)
        if self.storage is None:
            self._fill("storage", default_storage())

    def _fill(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @abstractmethod
    def _name(self) -> str:
        """The study's name where none was given."""

    @abstractmethod
    def settings(self) -> SearchSettings:
        """What the loop needs of it. Raises InputError for values out of range."""

    @property
    def smallest_fraction(self) -> float:
        """The smallest share of the training images that a training of the search is given."""
        return self.recipe.fraction

    @property
    @abstractmethod
    def sampler_name(self) -> str:
        """What proposes the networks, as the study keeps it."""

    @classmethod
    def of(cls, **keys: Any) -> Self:
        """The spec with these keys, whose values may be text as a person writes it (``5M``, ``64MB``, ``8ms``).

        Raises UnknownNameError for a key that is not there, InputError for a value that is wrong.
        """
        found = read(cls, keys)
        found._fill("fits_batch", keys.get("batch_size") is None)
        return found

    @classmethod
    def stored(cls, spec: Mapping[str, Any]) -> Self:
        """The spec that a study keeps; keys that are no settings any more are left out."""
        known = declared(cls)
        return cls.of(**{name: value for name, value in spec.items() if name in known})

    def as_dict(self) -> dict[str, Any]:
        """Every key with its value, as it is kept with the study."""
        return flat(self)

    def replace(self, **changes: Any) -> Self:
        """A copy with some keys changed, checked anew."""
        kept = flat(self)
        if self.fits_batch:
            del kept["batch_size"]
        return type(self).of(**{**kept, **changes})

    @classmethod
    def canonical(cls, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A stored spec in the form in which ``as_dict`` writes it today; a setting that was not there yet is added."""
        return {
            "checkpoint_every": None,
            "class_weights": "none",
            "max_image_bytes": None,
            "patience": PATIENCE_SECONDS,
            **spec,
        }
