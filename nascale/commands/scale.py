"""``nascale scale``: compound scaling, reproduced, applied and searched."""

from __future__ import annotations

import click

from nascale.cli import LazyGroup


@click.group(
    "scale",
    cls=LazyGroup,
    modules={name: f"nascale.commands.scale_{name}" for name in ("reproduce", "family", "search", "fit")},
)
def command() -> None:
    """Scale networks in depth, width and resolution (Tan & Le 2019).

    reproduce shows what EfficientNet's paper, formula and released code each say; family grows any network
    to given budgets; search finds α, β, γ by training; fit reads them off accuracies that are known.
    """
