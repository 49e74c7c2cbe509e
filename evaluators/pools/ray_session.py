"""A Ray on this machine, for as long as one run takes: its processes, its folder, its token, and the end of all three.

It listens on the loopback interface alone, and asks for a token that only its own processes know. Its folder is its own; a
process beside the driver removes it, and whatever of Ray is left, when the driver is killed, and the next run does so
where that process was killed too.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from evaluators.pools import ray_leftovers
from evaluators.pools.ray_messages import PREFIX, RayMessages, remove_old
from space.errors import RunError

RESTARTS = 3
"""How often a local Ray of which a process has died is started anew."""
_OWNER = "owner"
_SETTLING_SECONDS = 10.0
"""A folder younger than this may not have its owner's lock yet."""
_LONGEST_SOCKET = 103
"""Bytes of the name of a socket: 107 on Linux, 103 on macOS."""
_IN_FOLDER = len("/ray/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store")
_LOOK_SECONDS = 0.25
_PARTS = {"raylet": "raylet", "gcs_server": "GCS"}
"""Processes without which Ray can do nothing, and what they are called."""
_EVERYTHING = "everything"


class _Ended(Exception):
    """A ``part`` of a Ray has ended while it started."""

    def __init__(self, part: str) -> None:
        super().__init__(f"its {part} has ended")
        self.part = part


class LocalRay:
    """Ray, started by ``__init__`` with so many processors and GPUs (None: those that there are) and ended by ``close``.

    Its processes find the environment ``variables``. ``say`` is told where its messages are when something went wrong.
    Raises RunError where it does not start.
    """

    def __init__(
        self,
        *,
        cpus: int,
        gpus: int | None,
        variables: Mapping[str, str],
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._resources: dict[str, Any] = {"num_cpus": cpus, "num_gpus": gpus}
        self._say = say
        self._looked = 0.0
        self._closed = False
        self.restarts = 0
        try:
            base = _base()
            _remove_leftovers(base)
            self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
            self._owner = _owned(self.folder)
        except OSError as error:
            raise RunError(f"TMPDIR: wanted a folder for Ray's files, got: {error}") from None
        self._variables = {
            **variables,
            ray_leftovers.MARK: str(self.folder),
            # Ray's agents would write their names over their environment, in which the mark stands.
            "SPT_NOENV": "1",
            # So long it waits for its node at a time, for half a minute in all: in between, _watched looks.
            "RAY_raylet_start_wait_time_s": "1",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        }
        self._guardian = _guardian(self.folder)
        self._messages = RayMessages(ray_leftovers.messages_of(self.folder))
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _fail(self, reason: str) -> NoReturn:
        """Raises the error, which names the file of Ray's messages, after everything has ended."""
        self.went_wrong()
        self._say = lambda text: None
        self.close()
        raise RunError(f"{reason}; Ray's messages are in {self._messages.file}") from None

    def _start(self) -> None:
        """Starts Ray; anew where one of its processes ends meanwhile. Raises RunError where it does not start."""
        try:
            self._init()
        except Exception as error:
            ended = error.part if isinstance(error, _Ended) else self.ended(at_once=True)
            if ended in ("", _EVERYTHING):
                self._fail(f"workers: wanted a Ray that starts on this machine, got: {error}")
            self.restart(ended)

    def _init(self) -> None:
        import ray

        with exported(self._variables), _on_loopback(), _watched(self.folder):
            read_token_again()
            ray.init(
                "local",
                **self._resources,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.WARNING,
                _temp_dir=str(
                    self.folder / "ray"
                ),  # Ray opens it to everybody; the folder above it is closed
            )

    def ended(self, *, at_once: bool = False) -> str:
        """Which of the processes that Ray needs has ended; empty while all run. Looked at four times a second, or ``at_once``."""
        from ray._private import worker

        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS and not at_once:
            return ""
        self._looked = now
        node = worker._global_node
        if node is None:
            return _EVERYTHING
        dead = {kind for kind, _ in node.dead_processes()}
        return " and ".join(name for kind, name in _PARTS.items() if kind in dead)

    def restart(self, ended: str) -> None:
        """Ends what is left and starts Ray anew, after ``ended`` has. Raises RunError the fourth time."""
        import ray

        self.went_wrong()
        if self.restarts == RESTARTS:
            self._fail(
                f"workers: Ray's {ended} has ended again after Ray was started anew {RESTARTS} times; the same command "
                "goes on"
            )
        self.restarts += 1
        self._messages.append(self._logs)
        ray.shutdown()
        self._say(f"Ray's {ended} has ended; Ray is started anew ({self.restarts} of {RESTARTS} times)")
        for left in ray_leftovers.processes_of(self.folder):
            with suppress(OSError):
                os.kill(left, signal.SIGKILL)
        with _handlers_kept():
            self._start()

    def went_wrong(self) -> None:
        """Has Ray's messages kept and named at the end."""
        self._messages.went_wrong()

    @property
    def _logs(self) -> Path:
        return self.folder / "ray" / "session_latest" / "logs"

    def close(self) -> None:
        """Ends Ray and removes its folder; says where its messages are where something went wrong."""
        import ray

        if self._closed:
            return
        self._closed = True
        try:
            self._messages.append(self._logs)
            ray.shutdown()
        finally:
            self._guardian.kill()
            self._guardian.wait()
            ray_leftovers.remove(self.folder)
            self._owner.close()
            read_token_again()
            kept = self._messages.close()
        if kept is not None:
            self._say(f"Ray's messages are in {kept}")


@contextmanager
def exported(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables that child processes started inside inherit."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def as_a_driver() -> Iterator[None]:
    """Inside, Ray is imported for the first time by a driver, which it is not to take for a worker.

    It does so where the parent is process 1 (a service of the system, a driver whose terminal was closed), unless it was
    told then which process is the raylet: it would end the driver without a word where the way to the raylet breaks.
    """
    with exported({"RAY_RAYLET_PID": str(os.getpid())}):
        yield


@contextmanager
def _watched(folder: Path) -> Iterator[None]:
    """Inside, the Ray of ``folder`` starts: it raises _Ended where it would wait half a minute for what has ended already."""
    from ray._private import services

    before: Any = services.get_node
    looked = 0.0

    def get_node(*arguments: Any) -> Any:
        nonlocal looked
        if time.monotonic() - looked > _LOOK_SECONDS:
            running = ray_leftovers.programs_of(folder)
            ended = [name for program, name in _PARTS.items() if running and program not in running]
            if ended:
                raise _Ended(" and ".join(ended))
            looked = time.monotonic()
        return before(*arguments)

    services.get_node = get_node
    try:
        yield
    finally:
        services.get_node = before


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Inside, Ray starts: it puts a handler of SIGTERM of its own in place of the driver's, which stops in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Inside, a Ray that starts takes this machine's loopback address for its own, as it does on macOS.

    It takes no such address as an argument: it puts one that others can reach in its place.
    """
    from ray._private import ray_constants

    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def read_token_again() -> None:
    """Has Ray forget which token it has read, and whether it is to have one."""
    with suppress(ImportError):  # an older Ray knows no token
        from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

        Config.initialize("")
        AuthenticationTokenLoader.instance().reset_cache()


def _base() -> Path:
    """Where the folders of local Rays are: in it the names of sockets are not too long."""
    base = tempfile.gettempdir()
    longest = len(os.fsencode(base)) + 1 + len(PREFIX) + 8 + _IN_FOLDER
    return Path(base if longest <= _LONGEST_SOCKET else "/tmp")


def _owned(folder: Path) -> IO[bytes]:
    """A file in ``folder`` that this process holds a lock on until it closes it, or ends."""
    stream = (folder / _OWNER).open("wb")
    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return stream


def _remove_leftovers(base: Path) -> None:
    """Removes the Rays whose owners are gone, and old messages."""
    remove_old(base)
    for folder in base.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if not folder.is_dir() or folder.stat().st_uid != os.getuid():
                continue
            if time.time() - folder.stat().st_ctime < _SETTLING_SECONDS:
                continue
            if not (folder / _OWNER).exists():
                shutil.rmtree(folder, ignore_errors=True)
                continue
            with (folder / _OWNER).open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                ray_leftovers.remove(folder)


def _guardian(folder: Path) -> subprocess.Popen[bytes]:
    """The process that removes what is left when this one is killed, and says so if it was Ray that ended it."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", ray_leftovers.__file__, str(os.getpid()), str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
