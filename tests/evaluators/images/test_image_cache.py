"""Cached images prove themselves: whatever happened to the files, what is loaded is what was decoded."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluators.data import load
from evaluators.images import image_cache
from space.errors import InputError
from tests.evaluators.images.written import write_folder, write_npz
from tests.processes import environment


def files(cache: Path) -> tuple[Path, Path]:
    (images,), (facts,) = cache.glob("*.npy"), cache.glob("*.npz")
    return images, facts


def alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


DAMAGE: dict[str, Callable[[Path, Path], object]] = {
    "altered pixels": lambda images, facts: alter(images),
    "zero bytes": lambda images, facts: images.write_bytes(b""),
    "cut short": lambda images, facts: images.write_bytes(images.read_bytes()[:-7]),
    "another file": lambda images, facts: np.save(images, np.zeros((3, 2, 2, 3), np.uint8)),
    "a header of terabytes": lambda images, facts: images.write_bytes(
        b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '|u1', 'fortran_order': False, 'shape': (10000000000000,), }".ljust(117)
        + b"\n"
    ),
    "facts of zero bytes": lambda images, facts: facts.write_bytes(b""),
    "facts cut short": lambda images, facts: facts.write_bytes(facts.read_bytes()[:-40]),
    "facts of the first version": lambda images, facts: np.savez(
        facts, **{k: v for k, v in dict(np.load(facts)).items() if k != "crc32"}
    ),
    "no facts": lambda images, facts: facts.unlink(),
}


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_made_anew(tmp_path: Path, damage: str, mapped: bool) -> None:
    root, cache = write_folder(tmp_path / "a"), tmp_path / "cache"
    memory = 100 if mapped else None
    first = load(f"folder:{root}", cache=cache, memory=memory)
    pixels = np.array(first.images)
    DAMAGE[damage](*files(cache))
    again = load(f"folder:{root}", cache=cache, memory=memory)
    assert again.checksum == first.checksum and np.array_equal(again.images, pixels)
    kept = {file: file.stat().st_mtime_ns for file in files(cache)}
    load(f"folder:{root}", cache=cache, memory=memory)
    assert {file: file.stat().st_mtime_ns for file in files(cache)} == kept


def test_pictures_that_are_left_out_leave_a_file_of_the_true_length(tmp_path: Path) -> None:
    root, cache = write_folder(tmp_path / "a", each=8), tmp_path / "cache"
    for name in ("class0/3.png", "class2/7.png"):
        (root / name).write_bytes((root / name).read_bytes()[:60])
    first = load(f"folder:{root}", cache=cache, skip_bad=True)
    second = load(f"folder:{root}", cache=cache, skip_bad=True, memory=100)
    assert len(first.images) == 22 and {one.path for one in second.left_out} == {
        "class0/3.png",
        "class2/7.png",
    }
    assert np.array_equal(first.images, second.images)
    images, _ = files(cache)
    assert np.load(images).shape == (22, 16, 16, 3) and images.stat().st_size < 22 * 16 * 16 * 3 + 200


def test_a_disk_without_room_is_said_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_folder(tmp_path / "a")
    monkeypatch.setattr(image_cache, "_SPARE", 10**18)
    with pytest.raises(
        InputError, match=r"NASCALE_CACHE: wanted a folder with .* MB of free disk.* got .*cache with"
    ):
        load(f"folder:{root}", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_a_disk_that_is_full_while_it_is_written_is_one_line(tmp_path: Path) -> None:
    """/dev/full fails as a full disk does, at the first write."""
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(InputError, match=r"NASCALE_CACHE: wanted a folder that can be written.*No space left"),
        image_cache.writing(tmp_path / "cache" / "x.npy", (9, 2, 2, 3)),
    ):
        image_cache.ImageFile(full, tmp_path / "x.npy", (9, 2, 2, 3)).append(
            0, np.zeros((9, 2, 2, 3), np.uint8)
        )
    assert not list((tmp_path / "cache").iterdir())


WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from evaluators.images.image_cache import writing
with writing(Path(sys.argv[1]), (1000, 8, 8, 3)) as file:
    file.append(0, np.zeros((10, 8, 8, 3), np.uint8))
    file.stream.flush()
    print("writing", flush=True)
    time.sleep(100)
"""


def test_what_a_killed_writer_leaves_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (cache / "x").mkdir(parents=True)
    (cache / "old.4711.part").write_bytes(b"of the first version, which held no lock")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(cache / f"{name}.npy")],
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        for name in ("dead", "alive")
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
        writers[0].send_signal(signal.SIGKILL)
        writers[0].wait()
        assert sum(file.name.startswith("dead") for file in cache.glob("*.part")) == 1
        load(f"folder:{write_folder(tmp_path / 'a')}", cache=cache)
        assert [file.name.partition(".")[0] for file in cache.glob("*.part")] == ["alive"]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            assert writer.stdout is not None
            writer.stdout.close()


def test_a_source_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    root, cache = write_folder(tmp_path / "a"), tmp_path / "cache"
    (root / "class0" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match="readable images"):
        load(f"folder:{root}", cache=cache)
    file = write_npz(tmp_path / "a.npz", n=4000)
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 255
    file.write_bytes(content)
    with pytest.raises(InputError, match="readable npz"):
        load(f"npz:{file}", cache=cache, memory=1000)
    assert not list(cache.iterdir())


def test_the_memory_there_is_bounds_what_a_set_may_hold(tmp_path: Path) -> None:
    file = write_npz(tmp_path / "a.npz")
    with pytest.raises(
        InputError,
        match=r"a\.npz: wanted images of at most 5,399 bytes \(--max-image-bytes\), got 5,400 bytes",
    ):
        load(f"npz:{file}", max_image_bytes=5399)
    assert len(load(f"npz:{file}", max_image_bytes=5400).images) == 50
    with pytest.raises(InputError, match="max_image_bytes: wanted a positive number of bytes, got 0"):
        load("digits", max_image_bytes=0)


def test_a_disk_that_others_fill_in_the_meantime_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real disk of one megabyte, where one may be mounted: a full mapped file would end the process with SIGBUS."""
    cache = tmp_path / "small"
    cache.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(cache)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        monkeypatch.setattr(image_cache, "_check_room", lambda folder, wanted: None)
        file = write_npz(tmp_path / "a.npz", n=9000, shape=(16, 16, 3))
        with pytest.raises(InputError, match=r"NASCALE_CACHE: wanted .*No space left on device"):
            load(f"npz:{file}", cache=cache, memory=1000)
        assert not list(cache.iterdir())
    finally:
        subprocess.run(["umount", str(cache)], check=True)
