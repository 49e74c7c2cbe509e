"""A search space on the command line: a name, a TOML file, or the space itself as JSON.

A study keeps its space whole, not the path of a file that may change: a space that was written down travels
in the spec as one line of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from space.errors import InputError
from space.search_space import SearchSpace
from space.template import Template, template_from_dict


def space_text(value: Any) -> Any:
    """``value`` as a spec keeps it: a name as it is, a TOML file or a table as one line of JSON.

    Raises InputError or UnknownNameError naming the file and the key that is wrong.
    """
    if isinstance(value, str) and value.lower().endswith(".toml"):
        from nascale.spec import read_toml

        document = read_toml(value)
        value, source = document.get("space", document), value
    else:
        source = "space"
    if not isinstance(value, Mapping):
        return value
    template_from_dict(value, source)
    return json.dumps(value, separators=(",", ":"))


def written_template(text: str) -> Template | None:
    """The template that a spec's ``space`` holds; None where it is a name."""
    if not text.startswith("{"):
        return None
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InputError(f"space: wanted a name, a .toml file or JSON, got broken JSON ({error})") from None
    return template_from_dict(data, "space")


def space_label(text: str) -> str:
    """The name of a spec's space."""
    made = written_template(text)
    return text if made is None else made.name


def search_space(text: str, resolution: int | None, in_channels: int, classes: int) -> SearchSpace:
    """The space fitted to the images. Raises UnknownNameError with the nearest names."""
    made = written_template(text)
    if made is not None:
        pixels = made.resolution if resolution is None else resolution
        return replace(made, resolution=pixels, in_channels=in_channels, classes=classes).search_space()
    from space.spaces import space

    return space(text, resolution=resolution, in_channels=in_channels, classes=classes)
