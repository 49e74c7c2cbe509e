"""A search space as a person names it: a name, a TOML file that writes one down, a table of a spec, or JSON.

A spec holds the name or the template itself. A study keeps the whole template as one line of JSON, not the path
of a file that may change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evaluators.table_settings import TableSettings, table_settings
from results.toml_file import read_toml
from search.settings import Budgets
from space.errors import InputError
from space.search_space import SearchSpace
from space.template import Template, template_from_dict, template_to_dict

NO_BUDGETS = Budgets()


def space_value(value: Any) -> str | Template:
    """What ``value`` names: a name stays as it is, everything that writes a space down becomes a template.

    Raises InputError or UnknownNameError naming the file and the key that is wrong.
    """
    if isinstance(value, Template):
        return value
    if isinstance(value, Mapping):
        return template_from_dict(value, "space")
    if not isinstance(value, str):
        raise InputError.of("space", "text", value)
    if value.lower().endswith(".toml"):
        document = read_toml(value, "space")
        return template_from_dict(document.get("space", document), value)
    if not value.startswith("{"):
        return value
    try:
        data = json.loads(value)
    except ValueError as error:
        raise InputError(f"space: wanted a name, a .toml file or JSON, got broken JSON ({error})") from None
    return template_from_dict(data, "space")


def table_of(text: str) -> TableSettings | None:
    """The table that the .toml file ``text`` describes; None for anything else. Raises InputError."""
    if not text.lower().endswith(".toml"):
        return None
    document = read_toml(text, "space")
    return table_settings(document["table"], text) if "table" in document else None


def space_text(space: str | Template) -> str:
    """The space as a study keeps it; ``space_value`` reads it back."""
    return space if isinstance(space, str) else json.dumps(template_to_dict(space), separators=(",", ":"))


def space_name(space: str | Template) -> str:
    """The name of the space."""
    return space if isinstance(space, str) else space.name


def search_space(
    space: str | Template,
    resolution: int | None,
    in_channels: int,
    classes: int,
    budgets: Budgets = NO_BUDGETS,
    *,
    small_may_win: bool = False,
) -> SearchSpace:
    """The space fitted to the images and, where it is built around them, to the budgets.

    ``small_may_win`` says that more than the accuracy counts, so that smaller networks may be the better ones. Raises UnknownNameError
    with the nearest names.
    """
    if isinstance(space, Template):
        pixels = space.resolution if resolution is None else resolution
        return replace(space, resolution=pixels, in_channels=in_channels, classes=classes).search_space()
    from space.around_budget import NAME, WIDE_SHARES
    from space.spaces import space as known

    found = known(
        space, resolution=resolution, in_channels=in_channels, classes=classes, bounds=budgets.of_architecture
    )
    return found.with_options({"share": WIDE_SHARES}) if small_may_win and space == NAME else found


def as_stored(space: SearchSpace, stored: Mapping[str, Any]) -> SearchSpace:
    """The space with the options of ``stored``, which a study keeps of its space: earlier versions had others.

    A space of other decisions stays as it is.
    """
    kept = {str(name): tuple(options) for name, options in stored.get("decisions") or ()}
    same = stored.get("name") == space.name and list(kept) == list(space.by_name)
    return space.with_options(kept) if same else space
