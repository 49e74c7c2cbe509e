"""The options that the scaling commands share: α, β, γ and the rounding policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from space.errors import UnknownNameError
from space.rounding import POLICIES, Rounding

F = TypeVar("F", bound=Callable[..., Any])


def coefficient_options(function: F) -> F:
    """``--alpha``, ``--beta``, ``--gamma``, by default the paper's."""
    for name, value, what in (
        ("gamma", 1.15, "Resolution"),
        ("beta", 1.1, "Width"),
        ("alpha", 1.2, "Depth"),
    ):
        function = click.option(
            f"--{name}", type=float, default=value, show_default=True, help=f"{what} at φ = 1, 1 or more."
        )(function)
    return function


def rounding_options(function: F) -> F:
    """``--rounding`` and the settings that change a policy."""
    function = click.option(
        "--repeats", type=click.Choice(["ceil", "round", "floor"]), help="How repeats become whole."
    )(function)
    function = click.option(
        "--resolution-multiple", type=int, metavar="PIXELS", help="Pixels to a multiple of this."
    )(function)
    function = click.option(
        "--channel-multiple", type=int, metavar="N", help="Channels to a multiple of this."
    )(function)
    return click.option(
        "--rounding",
        "policy",
        default="released",
        show_default=True,
        help=f"Rounding policy: {', '.join(POLICIES)}.",
    )(function)


def rounding_of(
    policy: str, channel_multiple: int | None, resolution_multiple: int | None, repeats: str | None
) -> Rounding:
    """The policy that the options name. Raises UnknownNameError or InputError."""
    if policy not in POLICIES:
        raise UnknownNameError("--rounding", policy, POLICIES)
    return POLICIES[policy].changed(
        channel_multiple=channel_multiple, resolution_multiple=resolution_multiple, repeats=repeats
    )
