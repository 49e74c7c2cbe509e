"""A database's password is in no message, no table and no report, however it was written."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy

from nascale.cli import run
from tests.databases import Server

SECRET = "hush%40hush"


@pytest.mark.parametrize("form", ["user", "option"])
def test_a_password_is_neither_shown_nor_stored(
    form: str,
    postgresql: tuple[Server, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server, url = postgresql
    name = url.rpartition("/")[2]
    address = f"127.0.0.1:{server.port}/{name}"
    storage = {
        "user": f"postgresql://nascale:{SECRET}@{address}",
        "option": f"postgresql://{address}?user=nascale&password={SECRET}",
    }[form]
    (tmp_path / "t.csv").write_text("kind,y\na,50\nb,60\nc,70\nd,80\n")
    (tmp_path / "t.toml").write_text(
        '[table]\npath = "t.csv"\ndecisions = ["kind"]\naccuracy = "y"\nunit = "percent"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["nascale", "search", "t.toml", f"--storage={storage}"])
    assert run(["search", "t.toml", "--sampler", "grid", "--trials", "3", "--storage", storage]) == 0
    assert run(["show", "t-grid", "--storage", storage]) == 0
    assert run(["report", "t-grid", "--storage", storage, "-o", "r.html"]) == 0
    assert run(["search", "t.toml", "--sampler", "tpe", "--study", "t-grid", "--storage", storage]) == 2
    assert run(["search", "t.toml", "--storage", storage.replace(name, "nowhere")]) == 2
    shown = capfd.readouterr()
    texts = [shown.out, shown.err, (tmp_path / "r.html").read_text()]
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        for table in ("study_user_attributes", "study_system_attributes", "trial_user_attributes"):
            texts += connection.execute(sqlalchemy.text(f"SELECT value_json FROM {table}")).scalars()
    engine.dispose()
    assert not [text for text in texts if "hush" in text]
    assert any(f"{server.port}/{name}" in text or "***" in text for text in texts)
