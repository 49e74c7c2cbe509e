"""The options that the scaling commands share: α, β, γ and the rounding policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from space.errors import InputError, UnknownNameError
from space.rounding import POLICIES, Rounding
from space.scaling import Coefficients
from space.scaling.rules import RULES, rule_of

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


def rule_option(function: F) -> F:
    """``--rule``: α, β, γ and the rounding by a paper's name, or as three numbers."""
    return click.option(
        "--rule",
        metavar="RULE",
        help=f"α, β, γ at once: paper (EfficientNet's), {', '.join(RULES)}, or three numbers such as 1.2,1.1,1.15.",
    )(function)


def ruled(
    context: click.Context, rule: str | None, coefficients: tuple[float, float, float], policy: str
) -> tuple[Coefficients, str]:
    """α, β, γ and the name of the rounding policy: those of ``rule``, where one is given, else of the other options.

    A policy that was asked for wins over the rule's. Raises InputError where both a rule and one of α, β, γ are given.
    """
    given = [name for name in ("alpha", "beta", "gamma", "policy") if _is_given(context, name)]
    if rule is None:
        return Coefficients(*coefficients), policy
    if given and given != ["policy"]:
        raise InputError(f"--rule, --{given[0]}: wanted one of the two")
    chosen, rounding = rule_of(rule)
    return chosen, policy if given else rounding.name


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
