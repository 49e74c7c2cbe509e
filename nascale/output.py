"""One way out for every table: for the eye, or as csv, json or parquet, to the screen or to a file."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from nascale.quantities import human_bytes, human_count, human_seconds
from results.files import replacing, write_file
from results.shortening import printable, shortened
from results.spreadsheet import as_text
from space.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("table", "csv", "json", "parquet")
_SUFFIXES = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".txt": "table"}
# Half a character pair, as JSON may hold one, is written as JSON writes it.
_SURROGATES = "backslashreplace"
# Columns of names that people give: one long name must not widen every row.
_NAMES = ("study", "space", "data", "name", "worker")
F = TypeVar("F", bound=Callable[..., Any])


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Prints a text of one or more lines; what a terminal would obey in names of others is written out instead.

    A file or a pipe gets the text as it is.
    """
    stream = sys.stderr if err else sys.stdout
    if stream.isatty():
        text = "\n".join(printable(line.replace("\t", " ")) for line in text.split("\n"))
    click.echo(text, err=err, nl=nl)


def table_options(function: F) -> F:
    """The options ``--format`` and ``-o/--output`` of every command that prints a table."""
    function = click.option(
        "-o", "--output", type=click.Path(dir_okay=False), help="Write to this file instead of the screen."
    )(function)
    return click.option(
        "--format",
        "format_",
        type=click.Choice(FORMATS),
        help="Form of the table.  [default: by the suffix of --output, else table]",
    )(function)


def emit(
    table: pd.DataFrame | Sequence[Mapping[str, Any]],
    format_: str | None = None,
    output: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    title: str | None = None,
) -> None:
    """Prints or writes ``table`` (a DataFrame, or a list of rows with equal keys).

    Machine formats hold exact numbers; the table for the eye rounds them and adds units. ``columns``
    chooses and orders the columns of the table for the eye only.
    """
    format_ = chosen_format(format_, output)
    _check_binary(format_, output)
    if output is not None:
        write_file(output, render(table, format_, columns=columns, title=title, width=200))
    elif format_ == "parquet":
        sys.stdout.buffer.write(render(table, format_))
        sys.stdout.buffer.flush()
    elif format_ == "table":
        _print_table(_rows(table), columns, title, None, sys.stdout)
    else:
        echo(render(table, format_).decode(), nl=False)


def emit_stream(
    rows: Iterable[Mapping[str, Any]], format_: str | None = None, output: str | None = None
) -> None:
    """As ``emit`` for rows with equal keys that come one by one: csv is written as they come, other forms at the end.

    That the file can be written is known before the first row is asked for; if ``rows`` raises it stays as it was.
    """
    format_ = chosen_format(format_, output)
    _check_binary(format_, output)
    if output is None:
        if format_ == "csv":
            _write_csv(rows, sys.stdout)
        else:
            emit(list(rows), format_)
        return
    with replacing(output, "--output") as temporary:
        if format_ == "csv":
            with temporary.open("w", encoding="utf-8", newline="") as file:
                _write_csv(rows, file)
        else:
            temporary.write_bytes(render(list(rows), format_, width=200))


def _write_csv(rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(map(as_text, row))
        writer.writerow(map(as_text, row.values()))


def _check_binary(format_: str, output: str | None) -> None:
    """Raises InputError for a form that a terminal cannot show."""
    if format_ == "parquet" and output is None and sys.stdout.isatty():
        raise InputError("--format parquet: wanted -o FILE for a binary format, got the screen")


def emit_document(document: Mapping[str, Any], output: str | None = None) -> None:
    """Prints or writes one JSON object; missing, infinite and not-a-number become null."""
    text = json.dumps(plain_document(document), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        echo(text, nl=False)
    else:
        write_file(output, text.encode(errors=_SURROGATES))


def chosen_format(format_: str | None, output: str | None) -> str:
    """The form that was asked for, or that the file's suffix means, else the table for the eye."""
    if format_ is not None:
        return format_
    return _SUFFIXES.get(Path(output).suffix.lower(), "table") if output else "table"


def render(
    table: pd.DataFrame | Sequence[Mapping[str, Any]],
    format_: str,
    *,
    columns: Sequence[str] | None = None,
    title: str | None = None,
    width: int | None = None,
) -> bytes:
    """The table in one of ``FORMATS``, as bytes."""
    if format_ == "json":
        return (json.dumps(plain_rows(table), indent=2, ensure_ascii=False) + "\n").encode(errors=_SURROGATES)
    if format_ == "table":
        text = io.StringIO()
        _print_table(_rows(table), columns, title, width, text)
        return text.getvalue().encode(errors=_SURROGATES)
    frame = _frame(table)
    if format_ == "csv":
        return _for_spreadsheets(frame).to_csv(index=False).encode(errors=_SURROGATES)
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def plain_rows(table: pd.DataFrame | Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows as JSON can hold them; missing, infinite and not-a-number become null."""
    return [{k: _plain(v) for k, v in row.items()} for row in _rows(table) if not isinstance(row, _Header)]


def plain_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as JSON can hold it; missing, infinite and not-a-number become null."""
    return {str(name): _plain(value) for name, value in document.items()}


def _for_spreadsheets(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with ``as_text`` in its columns of texts and in their names."""
    copy = frame.copy(deep=False)
    for name, kind in frame.dtypes.items():
        if getattr(kind, "kind", "O") not in "iufbM":
            copy[name] = [as_text(value) for value in frame[name]]
    return copy.rename(columns=as_text)


def _frame(table: pd.DataFrame | Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return table if isinstance(table, pd.DataFrame) else pd.DataFrame(list(table))


def _rows(table: pd.DataFrame | Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    if isinstance(table, Sequence):
        return list(table)
    names = [str(name) for name in table.columns]
    if len(table) == 0:
        return [_Header(names)]
    return [dict(zip(names, row, strict=True)) for row in table.itertuples(index=False, name=None)]


class _Header(dict[str, Any]):
    """The columns of a table without rows: prints as a header, serialises as nothing."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(dict.fromkeys(names))


def _plain(value: Any) -> Any:
    """``value`` as JSON can hold it: missing, infinite and not-a-number become null."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        return _plain(value.item())
    if hasattr(value, "isoformat"):
        text = value.isoformat()
        return None if text == "NaT" else text
    if hasattr(value, "total_seconds"):
        return _plain(value.total_seconds())
    return None if type(value).__name__ in ("NAType", "NaTType") else str(value)


def _cell(name: str, value: Any) -> str:
    plain = _plain(value)
    if plain is None:
        return "–"
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    if isinstance(plain, (int, float)):
        unit = name.rsplit("_", 1)[-1]
        if unit == "bytes":
            return human_bytes(plain)
        if unit == "seconds":
            return human_seconds(plain)
        if unit in ("macs", "params", "flops", "activations", "budget"):
            return human_count(plain)
        if isinstance(plain, int):
            return str(plain)
        return f"{plain:.4f}" if abs(plain) < 10 else f"{plain:.5g}"
    text = printable(str(plain))
    return shortened(text) if name in _NAMES else text


def _print_table(
    rows: list[Mapping[str, Any]],
    columns: Sequence[str] | None,
    title: str | None,
    width: int | None,
    file: Any,
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = file is sys.stdout and sys.stdout.isatty()
    if not rows:
        print("no rows", file=file)
        return
    paper = file if terminal else io.StringIO()
    console = Console(file=paper, width=width if width or terminal else 10_000, highlight=False)
    names = [c for c in columns if c in rows[0]] if columns else list(rows[0])
    title = title and printable(title)
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, title_style="bold")
    body = [row for row in rows if not isinstance(row, _Header)]
    for name in names:
        numeric = any(
            isinstance(_plain(row[name]), (int, float)) and not isinstance(row[name], bool) for row in body
        )
        table.add_column(Text(printable(name)), justify="right" if numeric else "left", overflow="fold")
    for row in body:
        table.add_row(*(Text(_cell(name, row[name])) for name in names))
    console.print(table)
    if not terminal:
        # Off the terminal nobody needs lines filled up with blanks.
        file.write("".join(f"{line.rstrip()}\n" for line in paper.getvalue().splitlines()))
