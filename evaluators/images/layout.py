"""How folders say the class and the split of a picture.

Each folder at the top is a class, with all pictures below it. Or the folders at the top are splits (``train``,
``val``, ``Test``, ``training_set`` …) and hold the classes. A single folder around either is passed through. A test
folder without class folders has no labels: its pictures are left out, and no other test images are drawn.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from evaluators.images.files import Folder, shown, walk
from evaluators.images.pictures import why_no_picture
from evaluators.images.source import LeftOut
from space.errors import InputError

_PART = re.compile(r"(train(?:ing)?)|(validation|valid|val|dev)|(test(?:ing)?)", re.IGNORECASE)
_ENDING = re.compile(r"[ _-]?(?:data)?(?:set|split|data|images|imgs|pictures)$", re.IGNORECASE)
ACCEPTED = "train, validation (or val, valid, dev) and test, in any case, also as training_set or test_images"
"""The names of splits, for messages."""
_NAMED = 8


@dataclass(frozen=True)
class Placed:
    """A picture file with its class and its part: an index into ``PARTS``, or -1 if no split is given."""

    file: Path
    class_name: str
    part: int


@dataclass
class Layout:
    """What a folder holds. By part: ``given`` is the folder of each split, ``unlabelled`` counts pictures without a class."""

    pictures: list[Placed] = field(default_factory=list)
    given: dict[int, str] = field(default_factory=dict)
    unlabelled: Counter[int] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def part_of(name: str) -> int | None:
    """The split that a folder (or a split of a data set) called ``name`` is: an index into ``PARTS``, else None."""
    match = _PART.fullmatch(_ENDING.sub("", name))
    return match.lastindex - 1 if match and match.lastindex else None


def read_layout(path: Path, name: str) -> Layout:
    """The classes and splits of the pictures below ``path``; messages call the folder ``name``.

    Raises InputError, with the folders found and the names accepted, for a layout that is none of those understood.
    """
    layout = Layout()
    tree = walk(path)
    layout.left_out += [LeftOut(shown(file.relative_to(path)), why) for file, why in tree.all_others()]
    reader = _Reader(path, name, layout)
    reader.drop_what_is_no_picture(tree)
    reader.read(tree)
    return layout


class _Reader:
    """Sorts the files of a tree into a layout."""

    def __init__(self, root: Path, name: str, layout: Layout) -> None:
        self.root, self.name, self.layout = root, name, layout

    def drop_what_is_no_picture(self, folder: Folder) -> None:
        """Leaves out all files that are no pictures, and folders that then hold nothing."""
        kept = []
        for file in folder.files:
            why = why_no_picture(file)
            if why is None:
                kept.append(file)
            else:
                self.leave_out(file, why)
        folder.files = kept
        for below in folder.folders:
            self.drop_what_is_no_picture(below)
            if not below.files and not below.folders:
                self.leave_out(below.path, "a folder without readable images")
        folder.folders = [below for below in folder.folders if below.files or below.folders]

    def leave_out(self, path: Path, why: str) -> None:
        self.layout.left_out.append(LeftOut(shown(path.relative_to(self.root)), why))

    def read(self, tree: Folder) -> None:
        top = self.unwrapped(tree)
        parts = {folder.path.name: part_of(folder.path.name) for folder in top.folders}
        self.check(top, parts)
        for file in top.files:
            self.leave_out(file, "beside the folders, so without a class")
        if self.is_split(top, parts):
            for folder in top.folders:
                part = parts[folder.path.name]
                assert part is not None
                self.read_part(folder, part)
            self.check_classes()
        else:
            self.read_classes(top, -1)

    def unwrapped(self, folder: Folder) -> Folder:
        """The first folder on the way down that holds more than one folder, pictures, or a split."""
        while len(folder.folders) == 1 and not folder.files:
            (only,) = folder.folders
            if not only.folders or part_of(only.path.name) is not None:
                break
            self.layout.notes.append(f"read from the folder {shown(only.path.relative_to(self.root))}")
            folder = only
        return folder

    def is_split(self, top: Folder, parts: dict[str, int | None]) -> bool:
        """Whether the folders are splits; a class may be called ``train`` where no folder in it holds classes."""
        return 0 in parts.values() and None not in parts.values()

    def check(self, top: Folder, parts: dict[str, int | None]) -> None:
        if not top.folders:
            missing = "no images" if not top.files else f"{len(top.files)} images and no folder"
            raise self.wrong("one folder of images per class", f"{missing} in it{self.first_left_out()}")
        mixed = None in parts.values() and any(part is not None for part in parts.values())
        of_classes = [f for f in top.folders if parts[f.path.name] is not None and f.folders]
        only_later = parts and None not in parts.values() and 0 not in parts.values()
        if (mixed and of_classes) or only_later:
            names = [shown(folder.path.name) for folder in top.folders]
            found = ", ".join(names[:_NAMED]) + (
                f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            )
            raise self.wrong(f"one folder per class, or the splits alone, called {ACCEPTED}", found)

    def read_part(self, folder: Folder, part: int) -> None:
        """The classes of one split."""
        if len(folder.folders) == 1 and not folder.files and part_of(folder.folders[0].path.name) == part:
            folder = folder.folders[0]  # train/train/CLASS, as archives unpack
        where = shown(folder.path.relative_to(self.root))
        self.layout.given[part] = (
            f"{self.layout.given[part]}, {where}" if part in self.layout.given else where
        )
        if folder.folders:
            for file in folder.files:
                self.leave_out(file, "beside the folders of the classes, so without a class")
            self.read_classes(folder, part)
        elif part == 0:
            raise self.wrong(
                f"one folder of images per class in {where}", f"{len(folder.files)} images and no folder"
            )
        else:
            for file in folder.files:
                self.leave_out(file, f"no label: {where} has no class folders")
            self.layout.unlabelled[part] += len(folder.files)

    def read_classes(self, folder: Folder, part: int) -> None:
        for class_folder in folder.folders:
            name = shown(class_folder.path.name)
            self.layout.pictures += [Placed(file, name, part) for file in class_folder.all_files()]

    def check_classes(self) -> None:
        """Raises InputError for a class that is not among those of the training split."""
        known = {one.class_name for one in self.layout.pictures if one.part == 0}
        for part in (1, 2):
            strange = {one.class_name for one in self.layout.pictures if one.part == part} - known
            if strange:
                came = f"{min(strange)} in {self.layout.given[part]} (train has {', '.join(sorted(known)[:_NAMED])})"
                raise self.wrong("the classes of train in every split", came)

    def first_left_out(self) -> str:
        """The first files that were left out, as the end of a message."""
        few = "; ".join(map(str, self.layout.left_out[:3]))
        return f" that can be read; left out {len(self.layout.left_out)}, as {few}" if few else ""

    def wrong(self, wanted: str, came: str) -> InputError:
        return InputError.of(self.name, wanted, came)
