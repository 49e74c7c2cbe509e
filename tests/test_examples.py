"""The examples run: the notebook's cells, in order, in an empty directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.processes import ROOT, python

EXAMPLES = ROOT / "examples"


def program(notebook: Path) -> str:
    """The notebook's code as a script."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


@pytest.mark.slow
@pytest.mark.parametrize("notebook", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_run(notebook: Path, tmp_path: Path) -> None:
    told = (
        "\nassert len(trials) == 12 and len(front) >= 1 and front['accuracy'].iloc[0] > 0.3, front"
        "\nassert family['macs'].is_monotonic_increasing"
    )
    (tmp_path / "cells.py").write_text(program(notebook) + told, encoding="utf-8")
    done = python("cells.py", cwd=tmp_path, timeout=170, OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    assert "total" in done.stdout  # the network was drawn
    assert (tmp_path / "notebook.html").stat().st_size > 50_000


def test_notebooks_are_stored_without_output() -> None:
    for notebook in EXAMPLES.glob("*.ipynb"):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs") and cell.get("execution_count") is None, notebook.name
