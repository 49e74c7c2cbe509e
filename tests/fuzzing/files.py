"""Cases of files: images in every format, and databases of studies."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests import factories
from tests.fuzzing.mutation import NUMBERS, TEXTS, changed_bytes, changed_text, changed_value, odd
from tests.fuzzing.running import Case


def _images(count: int, side: int, channels: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def _data(location: str, rng: random.Random) -> list[str]:
    extra = rng.choice(([], [], ["--skip-bad"], ["--size", "8"], ["--max-image-bytes", "1MB"]))
    return ["data", location, *extra]


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npz(rng: random.Random) -> Case:
    """An npz file: its bytes, the header of an array, an array of another shape or kind."""
    labels = np.arange(12) % 3
    members = {
        "x_train": _npy(_images(12, 8, 1)),
        "y_train": _npy(labels),
        "x_test": _npy(_images(3, 8, 1)),
        "y_test": _npy(labels[:3]),
    }
    act = rng.random()
    if act < 0.3:
        name = rng.choice(list(members))
        members[name] = changed_bytes(members[name], rng, 128)
    elif act < 0.5:
        members[rng.choice(list(members))] = _npy(_other_array(rng))
    elif act < 0.65:
        shape = tuple(
            rng.choice((0, 1, 12, -1, 10**6, 10**9, 2**40, 10**18)) for _ in range(rng.randint(1, 5))
        )
        kind = rng.choice(("|u1", "<i8", "|O", "<U9", "<f8", "|V1000000000", "|b1"))
        text = repr({"descr": kind, "fortran_order": rng.random() < 0.2, "shape": shape}).encode()
        header = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text + b"\n"
        members[rng.choice(list(members))] = header + bytes(rng.choice((0, 100, 10**6)))
    elif act < 0.75:
        del members[rng.choice(list(members))]
    elif act < 0.8:
        members[rng.choice(("x_val", "classes", "../x", "a/b", "y_val"))] = _npy(_other_array(rng))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    content = buffer.getvalue()
    if act >= 0.8 or rng.random() < 0.1:
        content = changed_bytes(content, rng, len(content))
    return Case(_data("npz:set.npz", rng), {"set.npz": content})


def _other_array(rng: random.Random) -> NDArray[Any]:
    made: tuple[Callable[[], NDArray[Any]], ...] = (
        lambda: np.zeros((12, 8, 8, 2), np.uint8),
        lambda: np.zeros((0, 8, 8, 1), np.uint8),
        lambda: np.zeros((12, 0, 8, 1), np.uint8),
        lambda: np.asfortranarray(_images(12, 8, 1)[..., 0]),
        lambda: np.zeros(12, np.float32),
        lambda: np.full(12, np.nan),
        lambda: np.full(12, -1),
        lambda: np.array([2**64 - 1] * 12, np.uint64),
        lambda: np.array(["a", "b", "\x1b[31m"] * 4),
        lambda: np.array([None, {"a": 1}] * 6, object),
        lambda: np.array([Payload()] * 12, object),
        lambda: np.zeros((), np.uint8),
        lambda: np.zeros((12, 8, 8, 1), np.uint8)[:, :4],
        lambda: np.zeros(12, "datetime64[s]"),
        lambda: np.zeros(12, [("a", "i4")]),
        lambda: np.array([10**15] * 6 + [3] * 6),
    )
    return rng.choice(made)()


class Payload:
    """What a hostile pickle holds: it makes the canary file where it is executed."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("touch fuzz-was-here",)


def idx(rng: random.Random) -> Case:
    """MNIST's files: magic numbers, extents, lengths, gzip."""
    files = {
        "train-images-idx3-ubyte": struct.pack(">HBBIII", 0, 8, 3, 12, 8, 8) + _images(12, 8, 1).tobytes(),
        "train-labels-idx1-ubyte": struct.pack(">HBBI", 0, 8, 1, 12)
        + bytes(np.arange(12, dtype=np.uint8) % 3),
    }
    name = rng.choice(list(files))
    act = rng.random()
    if act < 0.5:
        files[name] = changed_bytes(files[name], rng, 20)
    elif act < 0.75:
        extents = [rng.choice((0, 1, 12, 2**20, 2**31, 2**32 - 1)) for _ in range(3)]
        files["train-images-idx3-ubyte"] = struct.pack(">HBBIII", 0, 8, 3, *extents) + bytes(768)
    elif act < 0.8:
        del files[name]
    if rng.random() < 0.5:
        for one in list(files):
            packed = gzip.compress(files.pop(one))
            files[f"{one}.gz"] = changed_bytes(packed, rng, len(packed)) if act >= 0.8 else packed
    return Case(_data("idx:set", rng), {f"set/{name}": content for name, content in files.items()})


_STRANGERS = (
    ("os", "system"),
    ("numpy.f2py.__main__", "ndarray"),
    ("builtins", "eval"),
    ("numpy", "load"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("numpy.testing", "dtype"),
    ("no.such.module", "ndarray"),
)


def cifar(rng: random.Random) -> Case:
    """CIFAR-10's batches: pickles with other contents, other opcodes, other bytes; binary files of other lengths."""
    count = 6
    batch: Any = {
        b"data": _images(count, 32, 3).reshape(count, -1),
        b"labels": [i % 3 for i in range(count)],
        b"batch_label": b"x",
    }
    content = pickle.dumps(batch, protocol=2)
    act = rng.random()
    if act < 0.25:
        changed = batch | {
            rng.choice((b"data", b"labels")): rng.choice((odd(rng), _other_array(rng), Payload()))
        }
        content = _pickled(changed)
    elif act < 0.5:
        module, name = rng.choice(_STRANGERS)
        arguments = pickle.dumps(odd(rng), protocol=2)[2:-1]
        content = b"\x80\x02c" + f"{module}\n{name}\n".encode() + arguments + b"\x85R."
    elif act < 0.65:
        content = rng.choice(
            (
                b"(" * 100_000 + b".",
                b"]" + b"2\x85" * 5000 + b".",
                b"\x80\x02K\x00" + b"\x86" * 10 + b".",
                b"\x80\x04\x8e" + struct.pack("<Q", 2**50) + b".",
                b"\x80\x02X" + struct.pack("<I", 2**32 - 1) + b"abc.",
                b"]q\x00" + b"(h\x00h\x00h\x00tq\x00" * 3000 + b".",
                b"\x80\x02\x8a\x04\xff\xff\xff\x7f.",
                b"cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR.",
                b"I" + b"9" * 100_000 + b"\n.",
            )
        )
    else:
        content = changed_bytes(content, rng)
    if rng.random() < 0.15:
        binary = b"".join(bytes([i % 10]) + _images(1, 32, 3).tobytes() for i in range(3))
        files = {f"data_batch_{i}.bin": binary for i in range(1, 6)} | {"test_batch.bin": binary}
        files["data_batch_2.bin"] = changed_bytes(binary, rng)
    else:
        good = pickle.dumps(batch, protocol=2)
        files = {f"data_batch_{i}": good for i in range(2, 6)} | {"test_batch": good, "data_batch_1": content}
    return Case(_data("cifar10:set", rng), {f"set/{name}": content for name, content in files.items()})


def _pickled(value: Any) -> bytes:
    try:
        return pickle.dumps(value, protocol=2)
    except Exception:
        return b"."


@lru_cache
def _pictures() -> dict[str, bytes]:
    """One small picture of each format that Pillow writes."""
    found = {}
    picture = Image.fromarray(_images(1, 24, 3)[0])
    forms = (
        ("png", "PNG"), ("jpg", "JPEG"), ("gif", "GIF"), ("bmp", "BMP"), ("webp", "WEBP"), ("tif", "TIFF"),
        ("ppm", "PPM"), ("jp2", "JPEG2000"), ("ico", "ICO"), ("tga", "TGA"), ("pcx", "PCX"), ("dds", "DDS"),
    )  # fmt: skip
    for suffix, name in forms:
        buffer = io.BytesIO()
        try:
            picture.save(buffer, name)
        except (OSError, KeyError):
            continue
        found[suffix] = buffer.getvalue()
    return found


def pictures(rng: random.Random) -> Case:
    """A folder of pictures, some damaged, some that say that they are larger than any memory."""
    whole = _pictures()
    files = {}
    for i in range(6):
        for name in ("cat", "dog"):
            suffix = rng.choice(list(whole))
            files[f"set/{name}/{i}.{suffix}"] = whole[suffix]
    for name in rng.sample(sorted(files), rng.choice((1, 2, 6))):
        suffix = name.rpartition(".")[2]
        act = rng.random()
        if act < 0.15:
            files[name] = _png(
                rng.choice((1, 10**4, 10**5, 2**31 - 1)), rng.choice((1, 10**4, 10**5, 2**31 - 1))
            )
        elif act < 0.2:
            files[name] = b""
        elif act < 0.3:
            folder, _, _ = name.rpartition("/")
            files[
                f"{folder}/{changed_text('x', rng).replace('/', '').replace(chr(0), '')[:50] or 'y'}.{suffix}"
            ] = files.pop(name)
        else:
            files[name] = changed_bytes(files[name], rng, 80)
    files = {name.encode("utf-8", "replace").decode(): content for name, content in files.items()}
    return Case(_data("folder:set", rng), files)


def _png(width: int, height: int) -> bytes:
    """A PNG whose header says ``width`` × ``height``, and which holds a few rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


@lru_cache
def study_file(count: int = 14) -> bytes:
    """A SQLite database with the study ``digits``, as the first version stored it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.db"
        factories.sqlite_study(path, count)
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        connection.close()
        return path.read_bytes()


_READERS = (
    *(["trials", "digits"], ["trials", "digits", "--format", "csv"], ["front", "digits"], ["studies"]),
    *(
        ["show", "digits"],
        ["show", "digits", "3"],
        ["report", "digits", "-o", "r.html"],
        ["compare", "digits"],
    ),
    *(["profile", "digits:2"], ["plot", "digits", "-o", "p.svg"], ["trials", "digits", "--format", "json"]),
)


def database(rng: random.Random) -> Case:
    """A database of studies: a cell or a JSON value replaced, a table dropped, or bytes changed."""
    content = study_file()
    if rng.random() < 0.25:
        content = changed_bytes(content, rng, 100 if rng.random() < 0.5 else len(content))
    else:
        content = _changed_database(content, rng)
    drawn = ("report", "plot")  # these take ten times as long
    reader = rng.choice(_READERS)
    reader = rng.choice(_READERS) if reader[0] in drawn else reader
    return Case([*reader, "--storage", "s.db"], {"s.db": content})


def _changed_database(content: bytes, rng: random.Random) -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.deserialize(content)
        tables = [
            "studies", "study_directions", "study_user_attributes", "trials", "trial_user_attributes",
            "trial_params", "trial_values", "trial_intermediate_values", "version_info", "alembic_version",
        ]  # fmt: skip
        weights = (1, 1, 4, 3, 6, 3, 2, 2, 1, 1)
        for _ in range(rng.choice((1, 1, 2))):
            (table,) = rng.choices(tables, weights)
            act = rng.random()
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            if not columns:
                continue
            if act < 0.04:
                connection.execute(f"DROP TABLE {table}")
                continue
            row = connection.execute(f"SELECT rowid, * FROM {table} ORDER BY random() LIMIT 1")
            found = connection.execute(f"SELECT rowid, * FROM {table}").fetchall()
            if not found:
                continue
            row = rng.choice(found)
            if act < 0.1:
                connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row[0],))
                continue
            place = rng.randrange(len(columns))
            new = _changed_cell(row[place + 1], rng)
            try:
                connection.execute(
                    f"UPDATE OR IGNORE {table} SET {columns[place]} = ? WHERE rowid = ?", (new, row[0])
                )
            except (sqlite3.Error, OverflowError):
                continue
        connection.commit()
        changed = connection.serialize()
    connection.close()
    return changed


def _changed_cell(value: Any, rng: random.Random) -> Any:
    if isinstance(value, str) and value[:1] in '{["' and rng.random() < 0.8:
        try:
            document = json.loads(value)
            if isinstance(document, str) and document[:1] == "{":
                document = json.loads(document)
            return json.dumps(changed_value(document, rng))
        except ValueError:
            pass
    if isinstance(value, str) and rng.random() < 0.3:
        return changed_text(value, rng).encode("utf-8", "replace").decode()
    new = rng.choice((None, *TEXTS, *NUMBERS, b"\xff\x00bytes"))
    if isinstance(new, int) and not -(2**63) <= new < 2**63:
        return str(new) if abs(new) < 10**300 else "9" * 30
    return new.encode("utf-8", "replace").decode() if isinstance(new, str) else new
