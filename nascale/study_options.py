"""The arguments that every command on a stored study shares: STUDY, ``--storage``, ``--where``, ``--x``, ``--y``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


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
