"""Storage URLs: the same text is the same file for a search and its readers, and a password is never printed."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from results import studies
from results.database import refusal
from results.storage_url import redacted, sqlite_path, storage_url, without_password
from search.storage import storage_of
from space.errors import InputError

names = st.text(st.characters(exclude_characters="/\0?\n\r", exclude_categories=["Cs"]), min_size=1).map(
    lambda name: f"{name}.db"
)


@given(names)
def test_one_reading_for_searches_and_readers(name: str) -> None:
    """What SQLAlchemy, and so Optuna, takes a URL for; escapes and plain characters alike."""
    for url in (f"sqlite:///{name}", f"sqlite:///{quote(name)}", storage_url(name)):
        assert sqlite_path(url) == Path(str(make_url(url).database)), url
    assert sqlite_path(storage_url(name)) == sqlite_path(f"sqlite:///{quote(name)}") == Path(name)


@pytest.mark.parametrize("text", ["sqlite:///a%20b.db", "sqlite:///a b.db", "a%20b.db", "a b.db", "50%.db"])
def test_a_reader_finds_the_file_that_a_search_makes(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = storage_of(text)
    optuna.create_study(study_name="here", storage=storage)
    storage.engine.dispose()
    assert [row["study"] for row in studies.summaries(text)] == ["here"]
    assert [path.name for path in tmp_path.glob("*.db")] == [
        "a%20b.db" if text == "a%20b.db" else "50%.db" if text == "50%.db" else "a b.db"
    ]


secrets = st.text(min_size=1).map(lambda text: f"SE{text}CRET")


@given(st.sampled_from(["postgresql", "mysql+pymysql", "postgresql+psycopg"]), st.text(max_size=8), secrets)
def test_no_password_is_ever_printed(driver: str, host: str, secret: str) -> None:
    user = "me"
    for written in (secret, quote(secret, safe="")):
        url = f"{driver}://{user}:{written}@{quote(host)}/base"
        for text in (redacted(url), str(refusal(url, f"cannot read {url!r}")), without_password(url, url)):
            assert "SE" not in text.replace("***", "") or written not in text
            assert written not in text, text
    assert secret not in redacted(f"postgresql://{host}/base?user=me&password={quote(secret, safe='')}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:se@cret@h/db", "postgresql://u:***@h/db"),
        ("postgresql://h:5432/db?password=s@cret", "postgresql://h:***"),
        ("postgresql://u:a?password=b@h/db", "postgresql://u:***"),
        ("postgresql://h/db?user=u&password=se%26cret&x=1", "postgresql://h/db?user=u&password=***&x=1"),
        (
            "postgresql://h/db?pass%77ord=hush&sslpassword=z",
            "postgresql://h/db?pass%77ord=***&sslpassword=***",
        ),
        ("photos@postgresql://u:pw@h/db", "photos@postgresql://u:***@h/db"),
        ("sqlite:///nas@x:y@b.db", "sqlite:///nas@x:y@b.db"),
    ],
)
def test_what_may_be_a_password_is_hidden(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:gehe@im9@nowhere.invalid/base",
        "postgresql+psycopg://me:12:gehe@im9:x/y@nowhere.invalid/base",
        "postgresql+psycopg://me:gehe@nowhere.invalid:port/base",
        "nosuchdriver://me:gehe@nowhere.invalid/base",
    ],
)
def test_errors_of_a_driver_hide_it_too(url: str) -> None:
    for call in (studies.summaries, storage_of):
        with pytest.raises(InputError) as caught:
            call(url)
        assert "\n" not in str(caught.value)
        for piece in ("gehe", "im9"):
            assert piece not in str(caught.value)


def test_a_copy_without_its_log_says_so(tmp_path: Path) -> None:
    storage = storage_of(f"sqlite:///{tmp_path}/used.db")
    optuna.create_study(study_name="here", storage=storage)
    copied = tmp_path / "copy.db"
    copied.write_bytes((tmp_path / "used.db").read_bytes())
    with pytest.raises(InputError, match=r"copy\.db-wal"):
        studies.load("here", copied)
    storage.engine.dispose()
    with pytest.raises(InputError) as caught:
        studies.load("nobody", tmp_path / "used.db-wal")
    assert "copy of" not in str(caught.value)
