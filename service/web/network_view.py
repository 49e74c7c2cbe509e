"""What the page says of one network: of a trial, drawn stage by stage, with its costs and how it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from results.plots import architecture as drawing
from results.studies import architecture
from results.trial_result import Status
from service.web.rendering import study_path
from service.web.study_view import figures_of
from space.architecture import Architecture
from space.errors import InputError

if TYPE_CHECKING:
    from service.studies import Studies


@dataclass(frozen=True)
class NetworkView:
    """A trial of a study. ``network`` is None where the study holds none (a table), or the trial none."""

    study: str
    number: int
    row: Any
    figures: list[tuple[str, str]]
    network: Architecture | None

    @classmethod
    def of(cls, studies: Studies, study: str, number: int) -> NetworkView:
        """Raises UnknownNameError for a study, InputError for a trial that is not there."""
        frame = studies.table(study).frame
        rows = frame.loc[frame["number"] == number]
        if rows.empty:
            wanted = f"a number from 0 to {frame['number'].max()}" if len(frame) else "a study with trials"
            raise InputError.of("trial", f"{wanted} (study {study})", number)
        try:
            network = architecture(study, number, studies.storage)
        except InputError:
            network = None
        return cls(study, number, rows.iloc[0], figures_of(frame, number), network)

    @property
    def arch(self) -> str:
        """What the command line calls it."""
        return f"{self.study}:{self.number}"

    @property
    def at(self) -> str:
        """The address of its page."""
        return study_path(self.study, "trials", self.number)

    @property
    def title(self) -> str:
        """The trial, and which stock network it is."""
        stock = self.row["stock"]
        return f"Trial {self.number}" + (f": {stock}" if pd.notna(stock) else "")

    @property
    def meaning(self) -> str:
        """How it ended, in words."""
        status = str(self.row["status"])
        return next((one.meaning for one in Status if one.value == status), status)

    @property
    def error(self) -> str:
        """Why it failed; empty where it did not."""
        return str(self.row["error"]) if pd.notna(self.row["error"]) else ""

    @property
    def key(self) -> str:
        return str(self.row["key"]) if pd.notna(self.row["key"]) else ""

    @property
    def drawing(self) -> Markup:
        """Its picture; empty where there is no network."""
        return Markup("" if self.network is None else drawing.svg(self.network, embedded=True))

    @property
    def parts(self) -> list[dict[str, Any]]:
        """Its blocks as rows."""
        return [] if self.network is None else drawing.table(self.network)

    @property
    def decisions(self) -> list[tuple[str, str]]:
        """What the search chose for it."""
        return [
            (name.removeprefix("decision_"), str(value))
            for name, value in self.row.items()
            if str(name).startswith("decision_") and pd.notna(value)
        ]
