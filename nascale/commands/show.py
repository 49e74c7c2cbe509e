"""``nascale show``: a study with the command that repeats it, or one of its networks, drawn."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import click

from nascale.options import storage_option, study_argument
from nascale.output import echo, emit, table_options
from results.files import write_file

if TYPE_CHECKING:
    from results.studies import StoredStudy
    from results.trial_result import TrialResult


@click.command("show")
@study_argument
@click.argument("trial", required=False)
@storage_option
@table_options
def command(
    study: str, trial: str | None, storage: str | None, format_: str | None, output: str | None
) -> None:
    """STUDY with its spec, its origin and the command that repeats it; or the network of one TRIAL.

    TRIAL is a number, "best" or "knee". Its network is drawn stage by stage with shapes and costs; with
    -o FILE.svg as a picture.
    """
    from results.studies import load

    stored = load(study, storage, architectures=trial is not None)
    if trial is None:
        _show_study(stored, format_, output)
    else:
        _show_trial(stored, trial, format_, output)


def _show_study(stored: StoredStudy, format_: str | None, output: str | None) -> None:
    from nascale.repeat import repeat_command
    from results.frame import trials
    from results.provenance import facts

    frame = trials(stored)
    rows = [{"what": "study", "value": stored.name}, *_counts(stored, frame)]
    rows += [
        {"what": f"spec {key}", "value": str(value)}
        for key, value in stored.spec.items()
        if value is not None
    ]
    rows += [{"what": what, "value": value} for what, value in facts(stored.provenance)]
    if stored.spec:
        rows.append({"what": "repeat with", "value": repeat_command(stored.name, stored.spec)})
    if format_ in (None, "table") and output is None:
        widest = max(len(row["what"]) for row in rows)
        for row in rows:
            echo(f"{row['what']:{widest}}  {row['value']}")
    else:
        emit(rows, format_, output)


def _counts(stored: StoredStudy, frame: Any) -> list[dict[str, str]]:
    from results.front import default_axes, front_of
    from results.networks import Networks, answer
    from results.plots.axes import axis, lowered
    from results.stock import against_stock

    counts = frame["status"].value_counts()
    said = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
    rows = [{"what": "trials", "value": f"{len(frame)}{f' ({said})' if said else ''}"}]
    front = front_of(frame)
    if len(front):
        best = front.iloc[0]
        merit = default_axes(frame)[0]
        number, value, sure = best["number"], best[merit], ""
        networks = Networks(stored.merit, stored.trials)
        found = answer(networks)
        if found is not None and found.error is not None:
            number, value, sure = found.trial.number, found.accuracy, f" ({found.sentence()})"
        shown = axis(merit, [value])
        rows.append({"what": "best", "value": f"trial {number}, {lowered(shown.title)} {value:.4f}{sure}"})
        compared = against_stock(networks, stored.trials)
        if compared is not None:
            rows.append({"what": "stock", "value": compared.sentence()})
        rows.append({"what": "front", "value": f"trials {', '.join(map(str, front['number']))}"})
    return rows


def _show_trial(stored: StoredStudy, trial: str, format_: str | None, output: str | None) -> None:
    from results.plots import architecture as drawing
    from space.codec import from_dict
    from space.errors import InputError

    found = stored.trial(_number(stored, trial))
    if found.architecture is None:
        wanted = f"a trial that holds a network (study {stored.name} searches a table without them)"
        raise InputError.of("TRIAL", wanted, trial)
    architecture = from_dict(found.architecture)
    if output is not None and output.lower().endswith(".svg"):
        named = architecture.replace(name=f"{stored.name}:{found.number}")
        write_file(output, (drawing.svg(named) + "\n").encode())
    elif format_ in (None, "table") and output is None:
        width = min(120, shutil.get_terminal_size((100, 24)).columns)
        echo(_headline(stored, found))
        echo(drawing.text(architecture, width))
    else:
        emit(drawing.table(architecture), format_, output)


def _headline(stored: StoredStudy, found: TrialResult) -> str:
    parts = [f"{stored.name} trial {found.number}", found.status]
    if found.accuracy is not None:
        parts.append(f"accuracy {found.accuracy:.4f}")
    if found.error:
        parts.append(found.error)
    parts.append(f"key {found.key or '–'}")
    return " · ".join(parts)


def _number(stored: StoredStudy, trial: str) -> int:
    """The number that TRIAL means: itself, or that of the best or the knee of the front."""
    from results import pareto
    from results.columns import direction_of
    from results.frame import trials
    from results.front import default_axes, front_of, points_of
    from results.networks import Networks, leader
    from space.errors import InputError

    if trial.isdecimal() and len(trial) <= 18:
        return int(trial)
    if trial not in ("best", "knee"):
        raise InputError.of("TRIAL", 'a number, "best" or "knee"', trial)
    front = front_of(trials(stored))
    if front.empty:
        raise InputError.of("TRIAL", "a study with a finished trial", trial)
    networks = Networks(stored.merit, stored.trials)
    if trial == "best" and networks.repeated:
        return networks.first[leader(networks) or 0].number
    axes = default_axes(front)
    knee = pareto.knee(points_of(front, axes), [direction_of(front, a) for a in axes])
    return int(front["number"].iloc[knee or 0 if trial == "knee" else 0])
