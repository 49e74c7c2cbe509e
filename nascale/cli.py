"""The command line: finds the command, runs it, and turns errors into one line and an exit status.

Commands live in ``nascale/commands``, one module each, and are imported only when they are called or
listed; none of those modules imports torch or ray at its top.
"""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module
from typing import Any

import click

from nascale.stopping import exit_status, hear_nothing, leave, stop_once
from nascale.version import VERSION
from results.interruption import is_interruption
from results.shortening import printable, shortened
from space.errors import InputError, NascaleError

COMMANDS = (
    "auto",
    "demo",
    "data",
    "search",
    "train",
    "grow",
    "studies",
    "trials",
    "front",
    "show",
    "compare",
    "plot",
    "report",
    "verify",
    "archs",
    "spaces",
    "profile",
    "bench",
    "scale",
    "test",
    "export",
    "reproduce",
    "predict",
    "serve",
)
_ABOVE = {"serve": "service.command"}
"""Commands of packages above this one: known by name here, imported by nobody before they are called or listed."""

_LONGEST_MESSAGE = 2000


class LazyGroup(click.Group):
    """A group whose commands are modules ``<package>.<name>`` with a click command called ``command``."""

    def __init__(self, *args: Any, modules: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.modules = modules or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.modules, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.modules:
            command = import_module(self.modules[cmd_name]).command
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            known = self.list_commands(ctx)
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            raise InputError(
                f"command: no such command {name!r} ({'nearest' if near else 'known'}: {', '.join(near or known)})"
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    modules={name: _ABOVE.get(name, f"nascale.commands.{name}") for name in COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="--debug anywhere on the line shows the traceback of an error.",
)
@click.version_option(VERSION, prog_name="nascale")
@click.option(
    "--server",
    metavar="URL",
    help="Have a service run it (nascale serve), follow it here and fetch the front: for search.",
)
@click.pass_context
def cli(ctx: click.Context, server: str | None) -> None:
    """Convolutional networks that fit your images and your budget.

    Search spaces of MBConv, bottleneck and inception blocks, train the candidates on Ray workers, look at
    the Pareto front, and scale the winner in depth, width and resolution.
    """
    if server is not None and ctx.invoked_subcommand != "search":
        raise InputError.of("--server", "the command search behind it", ctx.invoked_subcommand)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits: 0, 2 for bad input, 1 for a failed run, 130 after Ctrl-C, 143 after SIGTERM."""
    stop_once()
    status = run(sys.argv[1:] if arguments is None else arguments)
    if status == exit_status():
        hear_nothing()
        leave(status)
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit status."""
    debug = "--debug" in arguments or bool(os.environ.get("NASCALE_DEBUG"))
    arguments = [a for a in arguments if a != "--debug"]
    try:
        result = cli.main(arguments, prog_name="nascale", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except (click.ClickException, NascaleError) as error:
        if debug:
            raise
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"error: {one_line(message)}", err=True)
        return 2 if isinstance(error, (click.UsageError, click.FileError, InputError)) else 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return exit_status()
    except BrokenPipeError:
        # The reader (head, less) has gone; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if is_interruption(error):
            click.echo("interrupted", err=True)
            return exit_status()
        if debug:
            raise
        told = _of_a_database(error) or f"{type(error).__name__}: {error}"
        click.echo(f"error: {one_line(told)} (--debug shows where)", err=True)
        return 1


def _of_a_database(error: Exception) -> str | None:
    """What a database's driver said; None of any other error."""
    if not {"sqlalchemy", "optuna"} & {
        type(e).__module__.partition(".")[0] for e in (error, error.__cause__)
    }:
        return None
    from results.database import said
    from results.storage_url import default_storage, without_password

    return f"storage: wanted a database that answers, got: {without_password(said(error), default_storage())}"


def one_line(message: str) -> str:
    """The message on one line, in letters that a terminal shows, with the middle left out where it is very long."""
    return shortened(printable(" ".join(message.split())), _LONGEST_MESSAGE)


if __name__ == "__main__":
    main()
