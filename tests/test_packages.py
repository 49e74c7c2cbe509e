"""The packages: which may import which, installs, and what a command may import."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import venv
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import grimp
import pytest

from tests.processes import ROOT, environment

PACKAGES = ("space", "evaluators", "results", "search", "nascale", "service")


def run(*command: str | Path, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_imports_run_one_way() -> None:
    result = run(Path(sys.executable).parent / "lint-imports", "--no-cache", cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def circle_among(*packages: str) -> list[str]:
    """Modules that import one another in a circle, at any level of a file and for types too; [] where none do."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def test_no_files_import_one_another_in_a_circle() -> None:
    assert circle_among(*PACKAGES) == []


def test_circles_of_late_imports_and_of_types_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "made_up"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("def late():\n    from made_up import b\n")
    (package / "b.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from made_up.a import late\n"
    )
    (package / "c.py").write_text("from made_up import a\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert set(circle_among("made_up")) == {"made_up.a", "made_up.b"}
    (package / "b.py").write_text("")
    assert circle_among("made_up") == []


@pytest.fixture
def user_directory(tmp_path: Path) -> Path:
    """A working directory with the namesakes that users have: a folder results/ and a file search.py."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mine.csv").write_text("a\n1\n")
    (tmp_path / "search.py").write_text("raise SystemExit('the wrong search was imported')\n")
    (tmp_path / "notebook.py").write_text(
        "import nascale\n"
        + "".join(f"import {package}\n" for package in PACKAGES)
        + "from space.spaces import space\n"
        + "import sys\n"
        + f"print(*(sys.modules[package].__file__ for package in {PACKAGES!r}), sep='\\n')\n"
    )
    return tmp_path


@pytest.mark.parametrize("mode", ["plain", "editable"])
def test_installs_and_is_found_beside_namesakes(
    mode: str, user_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """``pip install`` into a new environment that borrows this one's dependencies."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place / "venv", with_pip=False)
    python = place / "venv" / "bin" / "python"
    site = next((place / "venv" / "lib").glob("python*/site-packages"))
    borrowed = [p for p in sys.path if p.endswith("site-packages")]
    source = ROOT
    if mode == "plain":
        # A plain install builds in its source tree; a copy keeps the checkout clean.
        source = place / "source"
        source.mkdir()
        for name in (*PACKAGES, "pyproject.toml", "README.md"):
            (run("cp", "-r", ROOT / name, source, cwd=ROOT)).check_returncode()
    options = ["--editable"] if mode == "editable" else []
    # pip itself is borrowed too, and told to install into the new environment only.
    result = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index",
        "--no-build-isolation", "--disable-pip-version-check", *options, source,
        cwd=user_directory,
        PYTHONPATH=os.pathsep.join(borrowed),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    (site / "borrowed.pth").write_text("\n".join(borrowed))

    found = run(python, "notebook.py", cwd=user_directory, PYTHONPATH="")
    assert found.returncode == 0, found.stderr
    expected = site if mode == "plain" else ROOT
    for package, line in zip(PACKAGES, found.stdout.splitlines(), strict=True):
        assert Path(line) == expected / package / "__init__.py"
    console = run(place / "venv" / "bin" / "nascale", "--version", cwd=user_directory, PYTHONPATH="")
    assert console.stdout.startswith("nascale, version"), console.stderr


def test_a_taken_name_is_reported(user_directory: Path) -> None:
    (user_directory / "search.py").write_text("")
    code = "import sys; sys.path.insert(0, '.'); import search; import nascale"
    result = run(sys.executable, "-c", code, cwd=user_directory)
    assert "nascale needs the module name 'search'" in result.stderr


LIGHT = (
    "--help",
    "profile efficientnet_b0",
    "archs",
    "front nobody",
    "search --help",
    "test --help",
    "predict --help",
    "scale search --help",
    "spaces",
    "bench samplers --help",
    "export --help",
    "serve --help",
)


def test_light_commands_import_no_heavy_library(tmp_path: Path) -> None:
    """One process for all: what was imported stays so, and the first line that shows it is that of its command."""
    heavy = {"torch", "ray", "optuna", "matplotlib", "fastapi", "httpx", "pydantic"}
    code = (
        "import sys; from nascale.cli import run\n"
        "for line in sys.argv[1:]:\n"
        "    run(line.split())\n"
        f"    print(line, sorted({heavy!r} & set(sys.modules)), sep=': ', file=sys.stderr)\n"
    )
    result = run(sys.executable, "-c", code, *LIGHT, cwd=tmp_path)
    told = [line for line in result.stderr.splitlines() if line.partition(": ")[0] in LIGHT]
    assert told == [f"{line}: []" for line in LIGHT], result.stderr


def our_imports() -> set[tuple[str, str]]:
    """(module, name) of every ``from … import …`` of our packages, late ones included, in every file of the project."""
    found = set()
    for path in ROOT.rglob("*.py"):
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES:
                    found |= {(str(node.module), alias.name) for alias in node.names}
    return found


def defined_for_types(module: ModuleType) -> set[str]:
    """The names that a module defines for type checkers only."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    blocks = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {n.id for block in blocks for n in ast.walk(block) if isinstance(n, ast.Name)}


def test_every_import_of_ours_finds_what_it_names() -> None:
    """Late imports are part of commands that no test may run, and benches are not type-checked."""
    missing = []
    for module, name in sorted(our_imports()):
        found = importlib.import_module(module)
        if not hasattr(found, name) and name not in defined_for_types(found):
            try:
                importlib.import_module(f"{module}.{name}")
            except ModuleNotFoundError:
                missing.append(f"{module}.{name}")
    assert missing == []
