"""The options that commands share: those of declared settings, and those of every command on a stored study."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import Field
from typing import Any, TypeVar

import click

from nascale.quantities import Quantity
from space.setting import declared

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULT = "[default: "
_TYPES: dict[str, click.ParamType[Any] | type] = {"text": str, "value": str, "int": int, "float": float}


def setting_options(
    kind: type, *, without: Container[str] = (), help: Mapping[str, str] | None = None
) -> Callable[[F], F]:
    """One option for each setting of the dataclass ``kind``; an option that is not given is None.

    ``without`` leaves settings out; ``help`` has other lines of help for some, with their defaults.
    """

    def add(function: F) -> F:
        for name, item in reversed(declared(kind).items()):
            if name not in without:
                function = _option(item, (help or {}).get(name))(function)
        return function

    return add


def option_of(item: Field[Any]) -> str:
    """The option of a setting: ``max_macs`` → ``--max-macs``."""
    return "--" + item.name.replace("_", "-")


def default_of(item: Field[Any]) -> str:
    """The default of a setting as its help says it."""
    told = item.metadata["help"].partition(_DEFAULT)[2].rstrip("]")
    if item.metadata["kind"] == "flag":
        return "on" if item.default else "off"
    return told or str(item.default)


def with_default(item: Field[Any], default: str) -> str:
    """The help of a setting where it has another ``default``."""
    text = item.metadata["help"].partition(_DEFAULT)[0].rstrip()
    return f"{text}  {_DEFAULT}{default}]"


def _option(item: Field[Any], text: str | None) -> Callable[[F], F]:
    kind, flag = item.metadata["kind"], option_of(item)
    if text is None:
        told = item.metadata["help"]
        silent = item.default is None or item.default is False or _DEFAULT in told
        text = told if silent else with_default(item, default_of(item))
    if kind == "flag":
        return click.option(f"{flag}/--no-{flag[2:]}", item.name, default=None, help=text)
    return click.option(flag, item.name, type=_TYPES.get(kind) or Quantity(kind), default=None, help=text)


class PicturePath(click.ParamType[str]):
    """The path of a picture that can be written, checked before any work is done."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from results.plots.picture import check_picture

        check_picture(value, param.opts[-1] if param is not None else "picture")
        return str(value)


def plot_option(text: str) -> Callable[[F], F]:
    """``--plot FILE``, a picture of what the command found."""
    return click.option("--plot", metavar="FILE", type=PicturePath(), help=f"{text} (.png, .svg or .pdf).")


def study_argument(function: F) -> F:
    """STUDY, the name of a stored study."""
    return click.argument("study")(function)


def storage_option(function: F) -> F:
    """``--storage``, an Optuna storage URL."""
    return click.option(
        "--storage",
        metavar="URL",
        help="Where studies are kept: a SQLite file or a database URL."
        "  [default: $NASCALE_STORAGE, else sqlite:///nascale.db]",
    )(function)


def where_option(function: F) -> F:
    """``--where``, a filter of rows."""
    return click.option(
        "--where",
        metavar="FILTER",
        help='Keep the trials that satisfy this, e.g. "macs < 5M and accuracy > 0.9".',
    )(function)


def axes_options(function: F) -> F:
    """``--x`` and ``--y``, the columns that span the front."""
    function = click.option("--y", metavar="COLUMN", help="Merit of the front.  [default: accuracy]")(
        function
    )
    return click.option(
        "--x", metavar="COLUMN", help="Cost of the front.  [default: the study's other objective, or macs]"
    )(function)
