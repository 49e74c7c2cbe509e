"""The file of scores of ``nascale bench proxies``, from which a comparison that was stopped goes on."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TextIO

from evaluators.proxy_scores import ProxyScore
from space.errors import InputError

COLUMNS = ("key", "truth", "proxy", "repeat", "score", "seconds", "error", "seed", "data")


class ScoreFile:
    """A CSV file with the columns above; each score is appended as it comes.

    ``known`` holds the scores that were there already, except those that failed. ``truth`` are the true
    accuracies by key, as far as they are known beforehand; ``seed`` and ``data`` (the images' checksum) say what
    the scores belong to. Raises InputError for a file of other scores, or one that cannot be written.
    """

    def __init__(
        self, path: str | os.PathLike[str], truth: Mapping[str, float], seed: int, data: str
    ) -> None:
        self._path, self._truth, self._about = Path(path), truth, {"seed": str(seed), "data": data}
        self.known: dict[tuple[str, str, int], ProxyScore] = {}
        self._file: TextIO | None = None
        self._read()

    def _read(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise InputError.of("--scores", "a CSV file of scores", f"{self._path} ({error})") from None
        whole, newline, _ = text.rpartition("\n")  # a killed run may have left half a line
        rows = list(csv.DictReader((whole + newline).splitlines()))
        if text and (not rows or set(rows[0]) != set(COLUMNS)) and text.strip() != ",".join(COLUMNS):
            raise InputError.of(
                "--scores", "a new file, or one of scores", f"{self._path}, which holds something else"
            )
        for row in rows:
            other = [f"{name} {row[name]}" for name, value in self._about.items() if row[name] != value]
            if other:
                wanted = ", ".join(f"{name} {value}" for name, value in self._about.items())
                raise InputError.of("--scores", f"scores of {wanted}", f"{self._path}: {', '.join(other)}")
            score = ProxyScore(
                row["key"], row["proxy"], int(row["repeat"]), float(row["score"]), float(row["seconds"])
            )
            if math.isfinite(score.score):
                self.known[score[:3]] = score

    def __enter__(self) -> Self:
        try:
            with open(self._path, "a+b") as file:
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)
            self._file = open(self._path, "a", newline="", encoding="utf-8")
        except OSError as error:
            raise InputError.of(
                "--scores", "a file that can be written", f"{self._path} ({error.strerror})"
            ) from None
        if self._file.tell() == 0:
            csv.writer(self._file).writerow(COLUMNS)
        return self

    def keep(self, score: ProxyScore) -> None:
        """Appends one score; it is in the file when this returns."""
        assert self._file is not None
        truth = self._truth.get(score.key)
        row: dict[str, Any] = {**score._asdict(), **self._about, "truth": "" if truth is None else truth}
        csv.DictWriter(self._file, COLUMNS).writerow(row)
        self._file.flush()

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()
