"""Passports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluators.export.passport import PASSPORT, Passport, read_passport
from space.errors import InputError
from tests.evaluators.export.conftest import SMALL, Exported
from tests.evaluators.trained.made_run import made_run


def test_a_passport_is_the_run_and_its_weights(exported: Exported) -> None:
    found = read_passport(exported.folder / PASSPORT)
    assert found.weights == exported.run.weights_checksum()
    assert found.run.to_json() == exported.run.to_json()


def test_files_that_a_training_started_from_are_part_of_it(tmp_path: Path) -> None:
    start = tmp_path / "start.pt"
    start.write_bytes(b"weights")
    run = made_run(tmp_path / "run", SMALL)
    passport = Passport.of(run.write(spec={**run.spec, "init": str(start), "teacher_weights": "gone.pt"}))
    assert set(passport.started_from) == {"init"}
    passport.check_files()
    start.write_bytes(b"others")
    with pytest.raises(
        InputError, match=r"--init: wanted .*start\.pt with the SHA-256 sum .*, got 'another file'"
    ):
        passport.check_files()


@pytest.mark.parametrize("content", [None, b"{", b"[]", b'{"passport": 1}'])
def test_what_is_no_passport_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / PASSPORT
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"PASSPORT: wanted a passport\.json that nascale export wrote"):
        read_passport(path)


def test_a_passport_of_another_format_is_refused(exported: Exported, tmp_path: Path) -> None:
    document = json.loads((exported.folder / PASSPORT).read_text())
    (tmp_path / PASSPORT).write_text(json.dumps({**document, "passport": 2}))
    with pytest.raises(InputError, match="PASSPORT: wanted a passport of format 1, got 2"):
        read_passport(tmp_path / PASSPORT)
