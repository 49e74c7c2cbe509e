"""Reads pickles that hold what CIFAR's batches hold (arrays of numpy, bytes, numbers, lists, dicts), and no others.

A pickle is a program. It is read through before it is run: only opcodes of data, so many of them, nested so deep. It
then finds a fixed list of constructors, by the exact pair of module and name, and imports no module by itself.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

MOST_OPCODES = 1_000_000
"""CIFAR-100's 50,000 images with two labels and a file name each take 300,000."""
DEEPEST = 20
_OPCODES = frozenset(
    [
        "PROTO",
        "FRAME",
        "STOP",
        "MARK",
        "POP",
        "POP_MARK",
        "DUP",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
        "UNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE",
        "BINUNICODE8",
        "EMPTY_LIST",
        "APPEND",
        "APPENDS",
        "LIST",
        "EMPTY_TUPLE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "EMPTY_DICT",
        "DICT",
        "SETITEM",
        "SETITEMS",
        "GET",
        "BINGET",
        "LONG_BINGET",
        "PUT",
        "BINPUT",
        "LONG_BINPUT",
        "MEMOIZE",
        "GLOBAL",
        "STACK_GLOBAL",
        "REDUCE",
        "BUILD",
    ]
)
_INTO = frozenset({"APPEND", "APPENDS", "SETITEM", "SETITEMS", "BUILD"})
"""Opcodes that put what is on top of the stack into the object below it."""


def load(content: bytes) -> Any:
    """The object in ``content``; texts of Python 2 are bytes. Raises UnpicklingError for anything but plain data."""
    try:
        _check(content)
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        raise pickle.UnpicklingError(f"is no pickle: {error}") from None
    return _Unpickler(io.BytesIO(content), encoding="bytes").load()


def _check(content: bytes) -> None:
    """Runs the opcodes on a stack of depths instead of objects."""
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[Any, int] = {}
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        name = opcode.name
        if name not in _OPCODES:
            raise pickle.UnpicklingError(f"holds the opcode {name}, which a CIFAR batch does not")
        if count >= MOST_OPCODES:
            raise pickle.UnpicklingError(f"holds more than {MOST_OPCODES} opcodes")
        if name == "MARK":
            marks.append(len(stack))
            continue
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]
            continue
        if name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
            continue
        taken = _taken(opcode, stack, marks)
        if name in _INTO:
            stack[-1] = max([stack[-1], *(depth + 1 for depth in taken)])
        elif name == "DUP":
            stack += [taken[0], taken[0]]
        elif opcode.stack_after:
            stack.append(1 + max(taken, default=-1))
        if stack and stack[-1] > DEEPEST:
            raise pickle.UnpicklingError(f"is nested more than {DEEPEST} deep")


def _taken(opcode: pickletools.OpcodeInfo, stack: list[int], marks: list[int]) -> list[int]:
    """Removes what the opcode takes from the stack; one that puts things into an object leaves that object there."""
    before = opcode.stack_before
    if pickletools.markobject in before:
        start = marks.pop()
    else:
        wanted = len(before) - (opcode.name in _INTO)
        start = len(stack) - wanted
        if start < 0:
            raise ValueError(f"{opcode.name} finds too little on the stack")
    taken = stack[start:]
    del stack[start:]
    return taken


class _Unpickler(pickle.Unpickler):
    """Knows the constructors of arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        found = _constructors().get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"holds {module}.{name}, which a CIFAR batch does not")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("holds a reference to something outside")


def _constructors() -> dict[tuple[str, str], Callable[..., Any]]:
    """What a batch may call, by the names that old and new versions of numpy and Python give to it."""
    import numpy as np
    from numpy._core import multiarray, numeric

    found: dict[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encoded,
    }
    for core in ("numpy.core", "numpy._core"):
        found[f"{core}.multiarray", "_reconstruct"] = multiarray._reconstruct
        found[f"{core}.multiarray", "scalar"] = multiarray.scalar
        found[f"{core}.numeric", "_frombuffer"] = numeric._frombuffer  # type: ignore[attr-defined]
    return found


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    """How bytes stand in a pickle of protocol 2. Other codecs could make much of little."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("holds a text in another encoding than latin1")
    return text.encode("latin1")
