"""What a format is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from evaluators.export.subject import Subject
from evaluators.registry import entries
from space.errors import InputError, UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Format:
    """A form in which a network leaves.

    ``write(subject, folder)`` writes ``files``, of which the first is the one that is run. ``runner`` is how it is run
    (``outside.RUNNERS``), None for files that are not run by themselves. ``needs`` are modules that must be installed.
    ``quantised`` formats are allowed to differ; they are judged by their accuracy. ``photos`` says that the format takes
    photos whatever the graphs take. ``check(subject)`` raises InputError for a network that the format cannot hold, and
    takes no time. ``rank`` orders the table.
    """

    name: str
    description: str
    files: tuple[str, ...]
    write: Callable[[Subject, Path], None]
    runner: str | None
    rank: int
    needs: tuple[str, ...] = ()
    quantised: bool = False
    photos: bool = False
    check: Callable[[Subject], None] = lambda subject: None


@cache
def formats() -> dict[str, Format]:
    """Every format by name."""
    from evaluators.export import formats as package

    found = entries(package, Format, lambda form: form.name)
    return dict(sorted(found.items(), key=lambda item: item[1].rank))


def chosen_formats(text: str, int8: bool = False) -> list[Format]:
    """The formats named in ``text``, separated by commas, each once and in the order of the table.

    Raises InputError (``--to``) for a name that is none, and where a package is missing.
    """
    known = {name: form for name, form in formats().items() if not form.quantised}
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise InputError.of("--to", f"some of {', '.join(known)}", text)
    for name in names:
        if name not in known:
            raise UnknownNameError("--to", name, known)
    chosen = [form for name, form in formats().items() if name in names or (int8 and form.quantised)]
    check_installed(chosen)
    return chosen


def check_installed(chosen: Sequence[Format]) -> None:
    """Raises InputError naming the extra, if a package that a format needs is not installed."""
    for form in chosen:
        missing = [module for module in form.needs if find_spec(module) is None]
        if missing:
            flag = "--int8" if form.quantised else f"--to {form.name}"
            wanted = f"{', '.join(missing)} installed (pip install 'nascale[export]')"
            raise InputError(f"{flag}: wanted {wanted}, got none")
