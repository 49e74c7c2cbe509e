"""ARCH on the command line: a network of the zoo, a JSON file, JSON itself, or a trial of a study."""

from __future__ import annotations

from pathlib import Path

from space.architecture import Architecture
from space.errors import InputError


def resolve(text: str, storage: str | None = None) -> Architecture:
    """The architecture that ``text`` names.

    A path that ends in ``.json``, or the text ``{…}`` itself, is read as ``space.codec`` wrote it; ``STUDY:NUMBER`` is that trial of a
    stored study; anything else is a name of the zoo, with settings after an ``@``
    (``mobilenet_v2@width=1.4``). Raises InputError or UnknownNameError naming what was not found.
    """
    if text.lower().endswith(".json"):
        return _from_file(Path(text))
    if text.startswith("{"):
        from space.codec import from_json

        return from_json(text, "ARCH")
    study, colon, number = text.rpartition(":")
    if colon:
        if not number.isdecimal():
            raise InputError.of("ARCH", "STUDY:NUMBER with the number of a trial", text)
        from results.studies import architecture

        found = architecture(study, int(number), storage)
        return found if found.name else found.replace(name=text)
    from space.zoo import architecture as known

    return known(text)


def _from_file(path: Path) -> Architecture:
    from space.codec import from_json

    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError.of("ARCH", "a JSON file that can be read", f"{path} ({error.strerror})") from None
    found = from_json(content, str(path))
    return found if found.name else found.replace(name=path.stem)
