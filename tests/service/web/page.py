"""Pages as tests look at them: parsed, with what a careful page must have counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

from httpx import Client, Response

from service.api.context import Context

VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})
SHAPES = frozenset({"path", "rect", "circle", "line", "polygon"})


@dataclass
class Site:
    """A signed-in client of a service, its parts, and its jobs by what they are here."""

    url: str
    client: Client
    context: Context
    jobs: Mapping[str, str]

    def get(self, path: str) -> Page:
        return Page.of(self.client.get(path))


@dataclass
class Page(HTMLParser):
    """A page: its elements as (tag, attributes), its words, and the tags that were not closed in order."""

    response: Response
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    misnested: list[str] = field(default_factory=list)
    labelled: set[str] = field(default_factory=set)
    named_by_text: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, dict[str, str], list[str]]] = []

    @classmethod
    def of(cls, response: Response) -> Page:
        page = cls(response)
        page.feed(response.text)
        page.close()
        page.misnested += [tag for tag, _, _ in page._open]
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.elements.append((tag, known))
        if tag == "input" and any(parent == "label" for parent, _, _ in self._open):
            self.labelled.add(known.get("id", known.get("value", "")))
        if tag not in VOID:
            self._open.append((tag, known, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID and tag not in SHAPES:
            self.misnested.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.misnested.append(tag)
            return
        _, known, text = self._open.pop()
        said = " ".join("".join(text).split())
        self.named_by_text.append((tag, known, said))
        if self._open:
            self._open[-1][2].extend(text)

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1][2].append(data)
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, *tags: str) -> list[dict[str, str]]:
        """The attributes of the elements of these tags."""
        return [known for tag, known in self.elements if tag in tags]

    def links(self) -> list[str]:
        """Where its links lead within the service, without fragments."""
        found = [one.get("href", "") for one in self.all("a")]
        return [link.partition("#")[0] for link in found if link.startswith("/")]
