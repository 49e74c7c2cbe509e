"""The space of a table: a known one, one that a file writes down, or one made of the values in the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evaluators.table_settings import TableSettings
from results.toml_file import read_toml
from space.errors import InputError
from space.search_space import Decision, Option, SearchSpace
from space.spaces import space as known
from space.template import template_from_dict

ABSENT = -1
"""The position of a decision that is not active."""

Cells = Sequence[Option | None]


def space_and_positions(
    settings: TableSettings, columns: Mapping[str, Cells]
) -> tuple[SearchSpace, list[tuple[int, ...]]]:
    """The space, and for each row the positions of its options, ABSENT for decisions that are not active.

    ``columns`` holds the cells by name, None where one is empty. What stands in the cell of a decision that is not active
    does not count. Raises InputError for the cell of an active decision that is empty or no option, and for columns
    that do not fit the space that ``settings`` names.
    """
    chosen = _chosen_space(settings)
    names = settings.decisions if chosen is None else _columns_of(settings, chosen)
    decisions: list[Decision] = []
    active: dict[str, Cells] = {}
    positions: list[list[int]] = []
    for number, name in enumerate(names):
        if chosen is not None:
            decision: Decision | None = chosen.decisions[number]
            parent, when = chosen.decisions[number].parent, chosen.decisions[number].when
        else:
            decision = None
            parent, when = settings.when.get(name, (None, ()))
        cells = _active_cells(settings, name, columns[name], parent, when, active)
        if decision is None:
            found = {cell for cell in cells if cell is not None}
            decision = Decision(
                name, tuple(sorted(found, key=lambda v: (isinstance(v, str), v))), parent, when
            )
        decisions.append(decision)
        active[decision.name] = cells
        positions.append(_positions(decision, cells, name))
    space = SearchSpace(settings.path.stem, tuple(decisions)) if chosen is None else chosen
    return space, list(zip(*positions, strict=True))


def _chosen_space(settings: TableSettings) -> SearchSpace | None:
    """The space that the settings name; a file is looked for beside the TOML file that describes the table."""
    name = settings.space
    if name is None or not name.lower().endswith(".toml"):
        return None if name is None else known(name)
    path = Path(settings.source).parent / name
    document = read_toml(path, "table.space")
    return template_from_dict(document.get("space", document), str(path)).search_space()


def _columns_of(settings: TableSettings, space: SearchSpace) -> tuple[str, ...]:
    """The column of each decision: by its name where all have one, otherwise in their order."""
    names = tuple(d.name for d in space.decisions)
    table = settings.path.name
    if settings.when:
        raise InputError(
            f"table {table}: table.when: wanted none, space {space.name} says when a decision is active"
        )
    if set(names) == set(settings.decisions):
        return names
    if len(names) != len(settings.decisions):
        raise InputError(
            f"table {table}: space {space.name} has {len(names)} decisions "
            f"({', '.join(names[:8])}{' …' if len(names) > 8 else ''}), the table names {len(settings.decisions)}"
        )
    return settings.decisions


def _active_cells(
    settings: TableSettings,
    name: str,
    cells: Cells,
    parent: str | None,
    when: tuple[Option, ...],
    active: Mapping[str, Cells],
) -> Cells:
    """The cells of rows in which the decision is active, None in the others."""
    table = settings.path.name
    if parent is not None:
        if parent not in active:
            wanted = f"a decision that stands before {name!r} in table.decisions"
            raise InputError.of(f"table {table}: table.when.{name}", wanted, parent)
        cells = [cell if own in when else None for cell, own in zip(cells, active[parent], strict=True)]
        here = [own is not None and own in when for own in active[parent]]
    else:
        here = [True] * len(cells)
    for row, (cell, wanted_here) in enumerate(zip(cells, here, strict=True)):
        if wanted_here and cell is None:
            raise InputError(f"table {table}: wanted a value in column {name!r} of row {row}, got none")
    return cells


def _positions(decision: Decision, cells: Cells, column: str) -> list[int]:
    places = {option: index for index, option in enumerate(decision.options)}
    found = [ABSENT if cell is None else places.get(cell, ABSENT) for cell in cells]
    for cell, position in zip(cells, found, strict=True):
        if position == ABSENT and cell is not None:
            wanted = ", ".join(map(repr, decision.options))
            raise InputError(f"table column {column!r}: {cell!r} is no option of {decision.name} ({wanted})")
    return found
