"""The machine's two numbers: measured once, kept, and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluators.machine_speed import machine_of


def test_a_machine_is_measured_once_and_read_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path / "cache"))
    machine = machine_of("cpu")
    assert machine.flops_per_second > 1e8
    assert machine.bytes_per_second > 1e7
    assert machine.threads == 1
    path = tmp_path / "cache" / "machines.json"
    known = json.loads(path.read_text())
    (key,) = known
    known[key]["flops_per_second"] = 123.0
    path.write_text(json.dumps(known))
    assert machine_of("cpu").flops_per_second == 123.0
    assert machine_of("cpu", fresh=True).flops_per_second > 1e8


def test_a_broken_cache_is_measured_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NASCALE_CACHE", str(tmp_path))
    (tmp_path / "machines.json").write_text("{")
    assert machine_of("cpu").flops_per_second > 1e8
