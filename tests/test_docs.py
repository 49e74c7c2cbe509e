"""The documentation is true: every command, option, link, key and column that it names exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from docs.tables import DOCS, TABLES, renewed
from nascale.cli import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Long options of other programs that the pages quote.
FOREIGN = frozenset({"--no-deps"})


def commands(group: click.Group, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    """Every command of the command line by the words that call it."""
    found: dict[tuple[str, ...], click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found[(*path, name)] = command
        if isinstance(command, click.Group):
            found |= commands(command, (*path, name))
    return found


KNOWN = commands(cli)


def options(command: click.Command) -> set[str]:
    named = {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("-")}
    return named | {"--help", "-h", "--debug", "--version"}


ALL_OPTIONS = set().union(*(options(c) for c in KNOWN.values()), options(cli))


def code(page: Path) -> list[str]:
    """The lines of the page's untagged code blocks, continued lines joined; and its inline code."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    fenced = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return fenced + re.findall(r"`([^`\n]+)`", prose)


def invocations(page: Path) -> list[list[str]]:
    """Each call of nascale on the page, as words after ``nascale``."""
    calls = []
    for line in code(page):
        line = line.strip().removeprefix("$ ")
        if re.match(r"(\.venv/bin/)?nascale [a-z]", line):
            try:
                calls.append(shlex.split(line, comments=True)[1:])
            except ValueError:
                calls.append(line.split()[1:])
    return calls


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words call, and what is left for it."""
    for length in (2, 1):
        path = tuple(words[:length])
        if path in KNOWN:
            command = KNOWN[path]
            if isinstance(command, click.Group) and len(words) > length and words[length].isalpha():
                continue
            return command, words[length:]
    raise AssertionError(f"no such command: nascale {' '.join(words)}")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_and_options_exist(page: Path) -> None:
    for words in invocations(page):
        command, rest = resolve(words)
        for word in rest:
            if word.startswith("--"):
                option = word.partition("=")[0]
                assert option in options(command), (
                    f"{page.name}: nascale {' '.join(words)}: no option {option}"
                )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_options_in_prose_exist(page: Path) -> None:
    for snippet in code(page):
        if "nascale" not in snippet and re.match(r"--[a-z]", snippet):
            option = re.split(r"[ =]", snippet)[0]
            assert option in ALL_OPTIONS | FOREIGN, f"{page.name}: {snippet}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_command_is_documented_and_has_help() -> None:
    pages = "\n".join(p.read_text(encoding="utf-8") for p in PAGES)
    for path, command in KNOWN.items():
        assert command.help, path
        assert f"nascale {' '.join(path)}" in pages, f"nascale {' '.join(path)} is on no page"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.opts)


def test_specs_on_the_pages_are_specs() -> None:
    from nascale.spec import SearchSpec
    from space.setting import declared

    for page in PAGES:
        blocks = re.findall(
            r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
        for block in blocks:
            document = tomllib.loads(block)
            service = document.pop("service", {})
            for key in document:
                assert key in declared(SearchSpec), f"{page.name}: {key}"
            for key in service:
                assert key in _service_settings(), f"{page.name}: {key}"


def _service_settings() -> set[str]:
    settings = pytest.importorskip("service.settings", reason="the service needs the extra nascale[serve]")
    return set(settings.Settings.model_fields)


def test_every_setting_of_the_service_is_on_its_page() -> None:
    page = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    assert [name for name in _service_settings() - {"token"} if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", TABLES)
def test_tables_are_what_the_code_declares(page: str) -> None:
    """``python docs/tables.py`` writes them."""
    assert renewed(page) == (DOCS / page).read_text(encoding="utf-8")
