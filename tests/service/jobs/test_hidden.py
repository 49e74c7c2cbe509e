"""Places that clients do not see: wherever a log is cut, none of them shows, and all else stays where it was."""

from __future__ import annotations

import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from service.jobs.hidden import Hidden
from service.jobs.tails import log_tail

PLACES = ("/srv/größe", "/srv", "sqlite:////srv/größe/store.db")
FOLDER = Path("/srv/service")


@given(
    parts=st.lists(st.sampled_from([*PLACES, "/sr", "größe", "sqlite:", "\n", "trial 7 ok ", "/out"])),
    start=st.integers(0, 200),
    size=st.integers(0, 60),
)
def test_a_piece_is_that_of_the_whole(parts: list[str], start: int, size: int) -> None:
    content, hidden = "".join(parts).encode(), Hidden(PLACES)
    whole = hidden.piece(io.BytesIO(content), 0, len(content))
    assert len(whole) == len(content)
    assert not any(place.encode() in whole for place in PLACES)
    assert all(shown in (was, ord("*")) for was, shown in zip(content, whole, strict=True))
    assert hidden.piece(io.BytesIO(content), start, size) == whole[start : start + size]


def test_what_is_no_place_is_told_as_it_is() -> None:
    text = "12/40 trials · best 0.9611 · /v1/jobs · a / b \udcff\n"
    assert (
        Hidden.of("postgresql://me:secret@host/base", FOLDER, {"all": "folder:/", "digits": "digits"}).text(
            text
        )
        == text
    )


def test_the_storage_the_folder_and_the_sources_are_places() -> None:
    hidden = Hidden.of(
        "sqlite:////var/lib/my%20base.db",
        FOLDER,
        {"photos": "folder:/data/photos", "bench": "table:/bench/a.toml"},
    )
    assert hidden.text("search --data folder:/data/photos") == "search --data photos"
    for place in (
        *(
            "sqlite:////var/lib/my%20base.db",
            "/var/lib/my base.db",
            "/srv/service/jobs/1/out",
            "/bench/a.npz",
        ),
        *("/data/photos/cat/1.png", __file__, str(Path.home())),
    ):
        assert hidden.text(f"got {place}").startswith("got ***"), place
    url = "postgresql://me:secret@host/base"
    for shown in (url, "postgresql+psycopg://me:***@host/base"):
        assert (
            hidden.of(url, FOLDER, {}).text(f"study x in {shown}: a") == f"study x in {len(shown) * '*'}: a"
        )


def test_a_chunk_of_a_log_does_not_show_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"{'x' * 8190}{FOLDER}/out\n")  # longer than a chunk, and cut in the midst of the place
    chunks, end = log_tail(log, 0, Hidden([str(FOLDER)]))
    assert len(chunks) == 2 and end == log.stat().st_size
    assert "".join(chunk["text"] for chunk in chunks) == f"{'x' * 8190}{len(str(FOLDER)) * '*'}/out\n"


def test_a_document_keeps_its_form() -> None:
    hidden = Hidden(["/srv"], {"folder:/srv/photos": "photos"})
    told = {"error": "no /srv/a", "n": [3, None, "folder:/srv/photos"], "/srv": {"x": True}}
    assert hidden.document(told) == {"error": "no ****/a", "n": [3, None, "photos"], "/srv": {"x": True}}
