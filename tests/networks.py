"""A network apart on this machine, with one cable that can be pulled out: for nodes that are cut off, not merely stopped."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import random
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from functools import cache

_PR_SET_PDEATHSIG = 1
_INNER = "eth0"
_RANGE = ipaddress.ip_network("198.18.0.0/15")
"""Addresses that are set aside for tests of networks (RFC 2544): nobody has them."""


@cache
def why_no_network() -> str:
    """Why no network can be made here; empty where one can."""
    missing = [program for program in ("ip", "unshare", "nsenter") if shutil.which(program) is None]
    if missing:
        return f"no program {missing[0]} here (packages iproute2 and util-linux)"
    try:
        Network().close()
    except OSError as error:
        return f"no network namespace can be made here: {error}"
    return ""


class Network:
    """A network namespace with the address ``there``, joined to this machine, which is ``here`` in it.

    It is gone when the last process in it has ended; the one that holds it ends with this one. Raises OSError where the
    system does not let us.
    """

    def __init__(self) -> None:
        first = random.SystemRandom().randrange(int(_RANGE[0]), int(_RANGE[-1]), 4)
        self.here, self.there = (str(ipaddress.ip_address(first + n)) for n in (1, 2))
        self._outer = f"nst{secrets.token_hex(4)}"
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=_end_with_parent,
        )
        try:
            self._wait()
            peer = ("peer", "name", _INNER, "netns", str(self._holder.pid))
            _run("ip", "link", "add", self._outer, "type", "veth", *peer)
            _run("ip", "address", "add", f"{self.here}/30", "dev", self._outer)
            _run("ip", "link", "set", self._outer, "up")
            _run(*self.inside("ip", "address", "add", f"{self.there}/30", "dev", _INNER))
            _run(*self.inside("ip", "link", "set", "lo", "up"))
            self.mend()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        """Until the process that holds the namespace is in it."""
        ours = os.readlink("/proc/self/ns/net")
        while self._holder.poll() is None:
            with suppress(OSError):  # it is about to end
                if os.readlink(self._place) != ours:
                    return
            time.sleep(0.005)
        assert self._holder.stderr is not None
        raise PermissionError(self._holder.stderr.read().decode().strip())

    @property
    def _place(self) -> str:
        return f"/proc/{self._holder.pid}/ns/net"

    def inside(self, *command: str) -> list[str]:
        """The command that runs ``command`` in this network."""
        return ["nsenter", f"--net={self._place}", "--", *command]

    def cut(self) -> None:
        """Pulls the cable out: whatever either side sends is lost, without an answer."""
        _run(*self.inside("ip", "link", "set", _INNER, "down"))

    def mend(self) -> None:
        """Plugs it in again."""
        _run(*self.inside("ip", "link", "set", _INNER, "up"))
        _run(*self.inside("ip", "route", "replace", "default", "via", self.here))

    def close(self) -> None:
        """Removes the cable; the processes inside are the caller's to end."""
        subprocess.run(["ip", "link", "delete", self._outer], capture_output=True, check=False)
        self._holder.kill()
        self._holder.communicate()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
