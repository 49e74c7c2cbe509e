"""A client of ``nascale serve``: the functions of ``nascale`` with a service behind them, and the same DataFrames.

with nascale.Client("http://127.0.0.1:8123") as client:
    study = client.search(data="digits", trials=40, max_macs="5M")
    client.front(study)                       # a pandas DataFrame
"""

from __future__ import annotations

import io
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from nascale.api import Study
from nascale.server_token import known_token
from space.errors import InputError, RunError, UnknownNameError

if TYPE_CHECKING:
    import httpx
    import pandas as pd

    from space.architecture import Architecture
    from space.cost import Costs

URL = "http://127.0.0.1:8123"
_SECONDS = 60.0
_QUIET_SECONDS = 45.0
"""A stream says something every 15 seconds, if only that it is alive."""
_PATIENCE = 60.0
"""Seconds for which a service that does not answer is waited for while a job is followed."""


class ServiceError(RunError):
    """What a service answered instead: its ``status`` and the ``problem`` as it came (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or f"the service answered {status}"))
        self.status, self.problem = status, problem


class Client:
    """A service at ``url``, opened by ``token`` (``NASCALE_TOKEN``, else the file of a service of this directory).

    Raises InputError for what the service refuses as bad input (UnknownNameError for a name that is not there), and
    ServiceError, a RunError, for all else. A context manager; may be used from several threads.
    """

    def __init__(self, url: str = URL, token: str | None = None) -> None:
        try:
            import httpx
        except ModuleNotFoundError:
            raise InputError(
                "Client: wanted the package httpx (pip install 'nascale[serve]'), got none"
            ) from None
        self.url = url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise InputError.of("server", "a URL such as http://127.0.0.1:8123", url)
        headers = {"Authorization": f"Bearer {token if token is not None else known_token()}"}
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the connections."""
        self._http.close()

    def search(self, *, report: Callable[[Mapping[str, Any]], None] | None = None, **settings: Any) -> Study:
        """Has the service run a search, follows it to its end, and returns its study.

        ``settings`` are those of ``nascale.search``; ``data`` is the id of images of the service. ``report`` is called with each event.
        """
        job = self.followed(self.submit("search", settings)["id"], report)
        return Study(str(job["study"]), self.url)

    def auto(
        self, data: str, *, report: Callable[[Mapping[str, Any]], None] | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Has the service find, train and export a network, follows that to its end, and returns the job with its ``artifacts``.

        ``data`` is the id of images of the service, ``settings`` are those of ``nascale.auto``.
        """
        return self.followed(self.submit("auto", {"data": data, **settings})["id"], report)

    def train(
        self,
        arch: str | Architecture | Mapping[str, Any],
        *,
        report: Callable[[Mapping[str, Any]], None] | None = None,
        **settings: Any,
    ) -> dict[str, Any]:
        """Has the service train a network, follows that to its end, and returns the job."""
        job = self.submit("train", {"arch": _arch(arch), **settings})
        return self.followed(job["id"], report)

    def trials(self, study: Study | str) -> pd.DataFrame:
        """All trials of a study as a DataFrame."""
        return self._frame(study, "trials", {})

    def front(self, study: Study | str, *, x: str | None = None, y: str | None = None) -> pd.DataFrame:
        """The Pareto front of a study as a DataFrame, best accuracy first; ``x`` and ``y`` choose other axes."""
        return self._frame(study, "front", {"x": x, "y": y})

    def studies(self) -> list[dict[str, Any]]:
        """One row for each study, oldest first."""
        return list(self._items("/v1/studies", {}))

    def architecture(self, study: Study | str, number: int) -> Architecture:
        """The network of a trial. Raises InputError where it has none."""
        from space.codec import from_dict

        found = self._json("GET", f"{_study_path(study)}/trials/{number}")["architecture"]
        if found is None:
            raise InputError.of("trial", "a trial that holds an architecture", number)
        return from_dict(found)

    def profile(
        self, arch: str | Architecture | Mapping[str, Any], *, batch: int = 1, dtype: str = "float32"
    ) -> Costs:
        """Parameters, MACs, FLOPs and memory of an architecture, or of whatever names one."""
        from dataclasses import fields

        from space.cost import Costs

        asked = {"architectures": [_arch(arch)], "batch": batch, "dtype": dtype}
        found = self._json("POST", "/v1/profile", json=asked)["items"][0]
        return Costs(**{field.name: found[field.name] for field in fields(Costs) if field.init})

    def propose(self, study: Study | str, arch: str | Architecture | Mapping[str, Any]) -> dict[str, Any]:
        """Has a network measured as a trial of a study: the ``number`` of the trial, the ``key``, the ``job``, and
        whether it is a ``member`` of the study's space, from which its sampler learns."""
        return self._json("POST", f"{_study_path(study)}/trials", json={"architecture": _arch(arch)})

    def images(self) -> list[dict[str, Any]]:
        """The images that may be searched on."""
        return list(self._items("/v1/data", {}))

    def upload(self, file: str | os.PathLike[str], title: str | None = None) -> dict[str, Any]:
        """Sends images, a zip archive of class folders or an npz file: their ``id`` and what is in them."""
        path = Path(file)
        try:
            with path.open("rb") as opened:
                form = {} if title is None else {"title": title}
                return self._json("POST", "/v1/data", files={"file": (path.name, opened)}, data=form)
        except OSError as error:
            raise InputError.of("file", "a file that can be read", f"{file} ({error.strerror})") from None

    def submit(self, kind: str, spec: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Has a job wait for its turn. The same ``key`` again gives the same job; without one a lost answer does not make two."""
        asked = {"kind": kind, "spec": {name: value for name, value in spec.items() if value is not None}}
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        return self._json("POST", "/v1/jobs", json=asked, headers=headers)

    def job(self, job: str) -> dict[str, Any]:
        """A job as it stands."""
        return self._json("GET", f"/v1/jobs/{_escaped(job)}")

    def jobs(self, *, state: str | None = None, kind: str | None = None) -> Iterator[dict[str, Any]]:
        """Jobs, newest first."""
        return self._items("/v1/jobs", {"state": state, "kind": kind})

    def cancel(self, job: str, mode: str = "stop") -> dict[str, Any]:
        """Has a job end, in order (``stop``) or at once (``kill``)."""
        return self._json("POST", f"/v1/jobs/{_escaped(job)}/cancel", json={"mode": mode})

    def resume(self, job: str) -> dict[str, Any]:
        """Has a job that failed or was cancelled go on."""
        return self._json("POST", f"/v1/jobs/{_escaped(job)}/resume")

    def delete(self, job: str) -> None:
        """Removes a job that has ended."""
        self._answer("DELETE", f"/v1/jobs/{_escaped(job)}")

    def events(self, job: str, after: int = 0) -> Iterator[dict[str, Any]]:
        """The events of a job behind number ``after``, as they happen, until it has ended; each has its ``event`` beside its data.

        A connection that is lost is made anew, and nothing is told twice.
        """
        import httpx

        since = time.monotonic()
        while True:
            try:
                for event in self._stream(job, after):
                    since = time.monotonic()
                    after = event.get("sequence", after)
                    yield event
                return
            except httpx.TransportError as error:
                if time.monotonic() - since > _PATIENCE:
                    raise RunError(f"server: wanted an answer from {self.url}, got none ({error})") from None
                time.sleep(1.0)

    def followed(self, job: str, report: Callable[[Mapping[str, Any]], None] | None = None) -> dict[str, Any]:
        """The job once it has succeeded; ``report`` is called with each event. Raises RunError where it did not."""
        for event in self.events(job):
            if report is not None:
                report(event)
        found = self.job(job)
        if found["state"] != "succeeded":
            raise RunError(f"job {job}: it {found['state']}{': ' + found['why'] if found['why'] else ''}")
        return found

    def download(self, sha256: str, file: str | os.PathLike[str]) -> None:
        """Writes an artifact to a file, whole or not at all."""
        from results.files import write_file

        write_file(file, self._answer("GET", f"/v1/artifacts/{_escaped(sha256)}").content, "file")

    def _stream(self, job: str, after: int) -> Iterator[dict[str, Any]]:
        import httpx

        headers = {"Last-Event-ID": str(after)} if after else {}
        timeout = httpx.Timeout(_SECONDS, read=_QUIET_SECONDS)
        path = f"/v1/jobs/{_escaped(job)}/events"
        with self._http.stream("GET", path, headers=headers, timeout=timeout) as answer:
            if answer.status_code == 204:
                return
            if answer.is_error:
                answer.read()
                raise _error(answer)
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif "event" in event:
                    yield {"event": event["event"], **json.loads(event.get("data", "{}"))}
                    event = {}
                else:
                    event = {}

    def _frame(self, study: Study | str, what: str, query: Mapping[str, Any]) -> pd.DataFrame:
        import pandas as pd

        path, asked = f"{_study_path(study)}/{what}", {k: v for k, v in query.items() if v is not None}
        asked["format"] = "parquet"
        pages = []
        while True:
            answer = self._answer("GET", path, params=asked)
            pages.append(pd.read_parquet(io.BytesIO(answer.content)))
            following = answer.links.get("next")
            if following is None:
                break
            asked["after"] = _query(following["url"])["after"]
        frame = pages[0] if len(pages) == 1 else pd.concat(pages, ignore_index=True)
        frame.attrs = pages[0].attrs
        return frame

    def _items(self, path: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        asked = {name: value for name, value in query.items() if value is not None}
        while True:
            page = self._json("GET", path, params=asked)
            yield from page["items"]
            if page["next"] is None:
                return
            asked["after"] = page["next"]

    def _json(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._answer(method, path, **given).json()
        return found

    def _answer(self, method: str, path: str, **given: Any) -> httpx.Response:
        import httpx

        try:
            answer = self._http.request(method, path, **given)
        except httpx.TransportError as error:
            raise RunError(f"server: wanted an answer from {self.url}, got none ({error})") from None
        if answer.is_error:
            raise _error(answer)
        return answer


def _error(answer: httpx.Response) -> Exception:
    """The error that an answer tells of."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    detail = str(problem.get("detail") or f"the service answered {answer.status_code}")
    if problem.get("nearest") is not None:
        error = UnknownNameError("name", "", ())
        error.args, error.nearest = (detail,), tuple(problem["nearest"])
        return error
    return InputError(detail) if answer.status_code == 422 else ServiceError(answer.status_code, problem)


def _arch(arch: str | Architecture | Mapping[str, Any]) -> Any:
    """An architecture as a request names it."""
    from space.architecture import Architecture
    from space.codec import to_dict

    return to_dict(arch) if isinstance(arch, Architecture) else arch


def _study_path(study: Study | str) -> str:
    return f"/v1/studies/{_escaped(study.name if isinstance(study, Study) else study)}"


def _escaped(name: str) -> str:
    return quote(name, safe="")


def _query(url: str) -> dict[str, str]:
    from urllib.parse import parse_qsl, urlsplit

    return dict(parse_qsl(urlsplit(url).query))
