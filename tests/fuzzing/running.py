"""Runs cases in processes of their own and says what was wrong with each: what it printed, did, took and left.

``python -m tests.fuzzing.running --groups where,npz --cases 200 --seed 0`` prints one JSON line for each group.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MOST_SECONDS = 10.0
"""Of processor time: a machine that does other things too makes no command slow."""
MOST_BYTES = 2 * 10**9
CANARY = "fuzz-was-here"
"""The file that a payload would make, where it were executed."""
_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pty.spawn", "os.startfile")


@dataclass
class Case:
    """One command line with the files it finds in its folder; a value in place of text is made into a file there."""

    arguments: list[str]
    files: dict[str, bytes] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        shown = {
            name: content[:300].decode("utf-8", "backslashreplace") for name, content in self.files.items()
        }
        return {"arguments": self.arguments, "files": shown}


@dataclass
class Report:
    """What became of a group's cases: how many ended with each status, and what was wrong."""

    group: str
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


def run_group(group: str, cases: int, seed: int, first: int = 0) -> Report:
    """Runs cases ``first`` … of the group, in a child process that is replaced where one kills or hangs it."""
    report, begun = Report(group), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        number, end = first, first + cases
        while number < end:
            number = _one_child(report, Path(folder), group, number, end, seed)
    report.seconds = time.perf_counter() - begun
    return report


def _one_child(report: Report, folder: Path, group: str, number: int, end: int, seed: int) -> int:
    """Runs cases until the child dies or is through; returns the number to go on with."""
    here, there = Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        here.close()
        _child(there, folder, group, number, end, seed)
    there.close()
    at: dict[str, Any] = {}
    fault = ""
    try:
        while True:
            # A case is given time beyond the limit, on a busy machine too, so that it can say itself that it took too long.
            if not here.poll(6 * MOST_SECONDS):
                fault = f"hangs: no end after {6 * MOST_SECONDS:g} s"
                break
            message = here.recv()
            if "begin" in message:
                number, at = message["begin"], message["case"]
            else:
                report.statuses[str(message["status"])] += 1
                if message["fault"]:
                    report.faults.append(message["fault"] | {"number": number})
                number += 1
    except EOFError:
        pass
    if fault:
        os.kill(child, 9)
    _, status = os.waitpid(child, 0)
    if fault or status != 0:
        report.statuses["killed"] += 1
        report.faults.append({"why": fault or f"the process died: status {status}", "number": number, **at})
        return number + 1
    return number


def _child(told: Connection, folder: Path, group: str, number: int, end: int, seed: int) -> None:
    """Runs the cases and tells of each; never returns."""
    try:
        # The address space that is there already is the libraries'.
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        executed: list[str] = []
        sys.addaudithook(lambda event, _: executed.append(event) if event in _FORBIDDEN else None)
        from tests.fuzzing import groups

        make = groups.GROUPS[group]
        for index in range(number, end):
            case = make(random.Random(f"{seed} {group} {index}"))
            told.send({"begin": index, "case": case.to_json()})
            status, fault = _run(case, folder / group, executed)
            told.send({"status": status, "fault": fault and {**fault, **case.to_json()}})
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(70)


def _run(case: Case, folder: Path, executed: list[str]) -> tuple[object, dict[str, Any] | None]:
    """(exit status, what was wrong)."""
    from tests.fuzzing.groups import CALLS

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    os.chdir(folder)
    cache = folder.parent / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    os.environ["NASCALE_CACHE"] = str(cache)
    before = _listing(folder)
    out, err = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace"),
        io.TextIOWrapper(io.BytesIO(), "utf-8"),
    )
    executed.clear()
    status: object = None
    escaped = ""
    begun = time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if case.arguments[0] in CALLS:
                status = CALLS[case.arguments[0]](*case.arguments[1:])
            else:
                from nascale.cli import run

                status = run(case.arguments)
        except BaseException as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            escaped = f"{type(error).__name__}: {str(error)[:200]} ({frame.filename}:{frame.lineno})"
    seconds = time.process_time() - begun
    said = err.detach().getvalue().decode("utf-8", "replace")
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    found = _faults(status, escaped, said, errors, seconds, executed)
    left = [str(p) for p in folder.parent.rglob("*") if p.name == CANARY or p.suffix == ".part"]
    if left:
        found.append(f"left behind: {left}")
    if status == 2 and (new := _listing(folder) - before):
        found.append(f"refused, but wrote {sorted(new)[:3]}")
    os.chdir("/")
    if not found:
        return status, None
    return status, {
        "why": "; ".join(found),
        "status": status,
        "said": said[-600:],
        "seconds": round(seconds, 2),
    }


def _faults(
    status: object, escaped: str, said: str, errors: list[str], seconds: float, executed: list[str]
) -> list[str]:
    found = []
    if escaped:
        found.append(f"escaped: {escaped}")
    elif status not in (0, 1, 2):
        found.append(f"exit {status}")
    if "--debug shows where" in said:
        found.append("a raw error")
    if "Traceback" in said:
        found.append("a traceback")
    if status in (1, 2) and len(errors) != 1 and "Usage:" not in said:
        found.append(f"{len(errors)} lines of errors")
    if any(not c.isprintable() for line in errors for c in line):
        found.append("control characters")
    if any(len(line) > 3000 for line in errors):
        found.append(f"an error of {max(map(len, errors))} letters")
    if seconds > MOST_SECONDS:
        found.append(f"took {seconds:.1f} s")
    if executed:
        found.append(f"executed: {sorted(set(executed))}")
    return found


def _listing(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


def main(arguments: list[str] | None = None) -> None:
    """Runs groups and prints their reports."""
    from tests.fuzzing import groups

    parser = argparse.ArgumentParser()
    parser.add_argument("--groups", default=",".join(groups.GROUPS))
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    groups.prepare()
    for group in chosen.groups.split(","):
        report = run_group(group, chosen.cases, chosen.seed, chosen.first)
        print(json.dumps(report.__dict__), flush=True)


if __name__ == "__main__":
    main()
