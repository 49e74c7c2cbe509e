"""Passports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluators.export.passport import PASSPORT, read_passport
from space.errors import InputError
from tests.evaluators.export.conftest import Exported


def test_a_passport_is_the_run_and_its_weights(exported: Exported) -> None:
    found = read_passport(exported.folder / PASSPORT)
    assert found.weights == exported.run.weights_checksum()
    assert found.run.to_json() == exported.run.to_json()


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
