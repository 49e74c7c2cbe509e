"""Pickles of arrays are read, those of numpy 1 and Python 2 too; everything else is refused before it does anything."""

from __future__ import annotations

import pickle
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluators.images import plain_pickle

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_arrays_and_plain_values_of_every_protocol_are_read(protocol: int) -> None:
    batch = {
        b"data": PIXELS,
        b"labels": [1, 2, 300],
        b"names": [b"a", "\xe9"],
        b"x": (None, True, 1.5, np.int64(7)),
    }
    back = plain_pickle.load(pickle.dumps(batch, protocol))
    assert np.array_equal(back[b"data"], PIXELS)
    assert back[b"labels"] == [1, 2, 300] and back[b"x"] == (None, True, 1.5, 7)


def test_a_batch_as_python_2_wrote_it_is_read() -> None:
    # Written by hand after pickletools.dis of data_batch_1: numpy.core.multiarray, a str of pixels, protocol 2.
    content = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05"
        b"(K\x01K\x03K\x04\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"
        b"tb\x89U\x0c" + PIXELS.tobytes() + b"tbU\x06labelsq\x08]q\t(K\x06K\x09K\x09eu."
    )
    batch = plain_pickle.load(content)
    assert np.array_equal(batch[b"data"], PIXELS) and batch[b"labels"] == [6, 9, 9]


def called(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n)R.".encode()


STRANGERS = (
    *(
        ("numpy.f2py.__main__", "ndarray"),
        ("numpy.testing", "dtype"),
        ("numpy", "scalar"),
        ("numpy", "_reconstruct"),
    ),
    *(("os", "system"), ("builtins", "eval"), ("numpy", "load"), ("numpy.core.multiarray", "ndarray")),
    *(("_codecs", "decode"), ("builtins", "bytearray")),
)


@pytest.mark.parametrize(("module", "name"), STRANGERS)
def test_only_the_exact_constructors_are_found_and_no_module_is_imported(module: str, name: str) -> None:
    before = set(sys.modules)
    with pytest.raises(
        pickle.UnpicklingError, match=rf"holds {module}\.{name}, which a CIFAR batch does not"
    ):
        plain_pickle.load(called(module, name))
    assert not {m for m in set(sys.modules) - before if m.startswith("numpy.f2py")}


HOSTILE: dict[str, tuple[bytes, str]] = {
    "many opcodes": (b"]" + b"N0" * 600 + b".", "more than 1000 opcodes"),
    "nested marks": (b"(" * 30 + b"N" + b"t" * 30 + b".", "nested more than 20 deep"),
    "nested tuples": (b"N" + b"\x85" * 100 + b".", "nested more than 20 deep"),
    "doubled tuples": (b"Nq\x00" + b"h\x00h\x00\x86q\x00" * 60 + b".", "nested more than 20 deep"),
    "a length beyond the file": (b"\x80\x04\x96" + struct.pack("<Q", 2**50) + b".", "is no pickle"),
    "an object": (b"\x80\x02(cos\nsystem\nK\x01o.", "opcode OBJ"),
    "an extension": (b"\x80\x02\x82\x01.", "opcode EXT1"),
    "something outside": (b"Pname\n.", "opcode PERSID"),
    "a codec": (
        b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00hextR.",
        "another encoding than latin1",
    ),
    "too little on the stack": (b"\x86.", "is no pickle"),
    "nothing": (b"", "is no pickle"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_programs_are_refused_before_they_run(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_pickle, "MOST_OPCODES", 1000)
    content, message = HOSTILE[case]
    with pytest.raises(pickle.UnpicklingError, match=message):
        plain_pickle.load(content)


class Written:
    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


def test_nothing_is_executed(tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError):
        plain_pickle.load(pickle.dumps({b"data": Written(tmp_path / "ran")}))
    assert not (tmp_path / "ran").exists()
