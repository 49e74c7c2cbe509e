"""ARCH on the command line: a network of the zoo, a cell, a JSON file, JSON itself, or a trial of a study."""

from __future__ import annotations

from pathlib import Path

from results.toml_file import read_text_file
from space.architecture import Architecture
from space.errors import InputError
from space.zoo import ZOO
from space.zoo import architecture as known

_CELL = "|"
"""How the text of a cell begins."""


def resolve(text: str, storage: str | None = None) -> Architecture:
    """The architecture that ``text`` names.

    A path that ends in ``.json``, or the text ``{…}`` itself, is read as ``space.codec`` wrote it; ``STUDY:NUMBER`` is that trial of a
    stored study; ``|nor_conv_3x3~0|+|…|`` is a cell of NAS-Bench-201, stacked as there; anything else is a name of the zoo, with settings after an ``@``
    (``mobilenet_v2@width=1.4``). Raises InputError or UnknownNameError naming what was not found.
    """
    if text.lower().endswith(".json"):
        return _from_file(Path(text))
    if text.startswith("{"):
        from space.codec import from_json

        return from_json(text, "ARCH")
    if text.startswith(_CELL):
        return _of_cell(text)
    trial = trial_of(text)
    if trial is not None:
        from results.studies import architecture

        found = architecture(*trial, storage)
        return found if found.name else found.replace(name=text)
    return known(text)


def trial_of(text: str) -> tuple[str, int] | None:
    """(study, number) where ``text`` is ``STUDY:NUMBER``, else None. Raises InputError for ``STUDY:`` without a number."""
    if text.lower().endswith(".json") or text.startswith(("{", _CELL)):
        return None
    study, colon, number = text.rpartition(":")
    if not colon:
        return None
    if not number.isdecimal() or len(number) > 18:
        raise InputError.of("ARCH", "STUDY:NUMBER with the number of a trial", text)
    return study, int(number)


def images_side(text: str, storage: str | None = None) -> int | None:
    """The side in pixels that the images of a study had before decoding, where ``text`` names one of its trials.

    None where it names none, or the study keeps no such side.
    """
    trial = trial_of(text)
    if trial is None:
        return None
    from results.provenance import own_side
    from results.studies import attributes_of

    return own_side(attributes_of(trial[0], storage) or {})


def fitted(
    text: str,
    storage: str | None,
    *,
    classes: int,
    channels: int,
    side: int,
    resolution: int | None = None,
    argument: str = "ARCH",
) -> Architecture:
    """The architecture that ``text`` names, for images of ``channels`` channels in ``classes`` classes.

    A network of the zoo is made for them, at ``side`` pixels where its name says no resolution, and so is a cell. Any other must have
    their classes and channels. ``resolution`` wins over what either says. Raises InputError naming ``argument``.
    """
    name, _, given = text.partition("@")
    pixels = side_of(text, storage, side, resolution)
    if name in ZOO:
        wanted = {"resolution": pixels, "classes": classes, "in_channels": channels}
        added = [f"{key}={value}" for key, value in wanted.items() if key not in _settings(given)]
        found = known(f"{name}@{','.join([*filter(None, [given]), *added])}")
    elif text.startswith(_CELL):
        found = _of_cell(text, resolution=pixels, classes=classes, in_channels=channels)
    else:
        found = resolve(text, storage)
        if pixels != found.resolution:
            found = found.replace(resolution=pixels)
    for what, wanted_count, came in (
        ("channels", channels, found.in_channels),
        ("classes", classes, found.classes),
    ):
        if wanted_count != came:
            raise InputError.of(
                argument, f"a network for the {wanted_count} {what} of the images", f"{text} for {came}"
            )
    return found


def side_of(text: str, storage: str | None, side: int, resolution: int | None = None) -> int:
    """The side in pixels of the images of the architecture that ``text`` names, as ``fitted`` makes it.

    Raises InputError where both ``text`` and ``resolution`` say one.
    """
    name, _, given = text.partition("@")
    if text.startswith(_CELL):
        return resolution or side
    if name not in ZOO:
        return resolution or resolve(text, storage).resolution
    if "resolution" not in _settings(given):
        return resolution or side
    if resolution is not None:
        raise InputError.of("resolution", f"one, and {text} says it already", resolution)
    return known(text).resolution


def _of_cell(text: str, **images: int) -> Architecture:
    """The network of NAS-Bench-201 whose cell ``text`` writes down, for CIFAR-10's images where nothing is said."""
    from space.blocks import cell_from_string
    from space.zoo.cells import stacked

    return stacked(cell_from_string(text), **images).replace(name=text)


def _settings(text: str) -> set[str]:
    """The names of the settings in ``width=1.4,resolution=192``."""
    return {item.partition("=")[0].strip() for item in text.split(",")}


def _from_file(path: Path) -> Architecture:
    from space.codec import from_json

    content = read_text_file(path, "ARCH", "a JSON file")
    found = from_json(content, str(path))
    return found if found.name else found.replace(name=path.stem)
