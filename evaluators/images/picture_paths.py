"""The picture files that a person means by files, folders and patterns."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from evaluators.images.files import kind_of, shown, walk
from evaluators.images.pictures import why_no_picture
from evaluators.images.source import LeftOut


@dataclass
class PicturePaths:
    """What was found, each file once and in the order in which it was named; folders in the order of their paths.

    ``missing`` are arguments behind which there is no file, ``passed_by`` what lies in folders and is no picture:
    hidden files, loops of links, text files.
    """

    files: list[Path] = field(default_factory=list)
    missing: list[LeftOut] = field(default_factory=list)
    passed_by: list[LeftOut] = field(default_factory=list)

    @classmethod
    def of(cls, arguments: Iterable[str]) -> PicturePaths:
        """Files are taken as they are; folders with all below them; patterns as ``photos/*.jpg`` or ``**/*.png``.

        An argument that is there is never read as a pattern, whatever letters its name has.
        """
        found = cls()
        for text in arguments:
            path = Path(text).expanduser()
            kind = kind_of(path)
            if kind in ("a file", "a folder"):
                found._take(path, kind)
            elif glob.has_magic(text):
                matches = sorted(glob.glob(str(path), recursive=True))
                if not matches:
                    found.missing.append(LeftOut(shown(text), "matches nothing"))
                for match in map(Path, matches):
                    found._take(match, kind_of(match))
            else:
                found.missing.append(LeftOut(shown(text), kind))
        found.files = list(dict.fromkeys(found.files))
        return found

    def _take(self, path: Path, kind: str) -> None:
        if kind == "a file":
            self.files.append(path)
        elif kind == "a folder":
            tree = walk(path)
            self.passed_by += [LeftOut(shown(other), why) for other, why in tree.all_others()]
            for file in tree.all_files():
                why = why_no_picture(file)
                if why is None:
                    self.files.append(file)
                else:
                    self.passed_by.append(LeftOut(shown(file), why))
        else:
            self.passed_by.append(LeftOut(shown(path), kind))
