"""Answers that serve again: for whom, for how long, and what is never kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from service import age
from service.api.remembered import Remembered

FRONT = "/v1/studies/digits/front"


class Site:
    """An application whose answers are counted, before which others are remembered."""

    def __init__(self, status: int = 200) -> None:
        self.asked, self.status = 0, status
        self.state: tuple[int, object] = (0, "as it was")
        self.open = asyncio.Event()
        self.open.set()
        transport = httpx.ASGITransport(Remembered(self._app, lambda: self.state))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://x")

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        body = f"{self.asked}".encode()
        await self.open.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"."})


def run(check: Callable[[Site], Awaitable[None]], **settings: int) -> None:
    async def main() -> None:
        site = Site(**settings)
        async with site.client:
            await check(site)

    asyncio.run(main())


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(age, "MOST_SECONDS", 0.0)


def test_while_nothing_changes_one_answer_serves(no_grace: None) -> None:
    async def check(site: Site) -> None:
        first, second = await site.client.get(FRONT), await site.client.get(FRONT)
        assert (first.text, second.text, site.asked) == ("1.", "1.", 1)
        assert first.headers == second.headers
        assert first.headers["x-own"] == "1"
        same = await site.client.get(FRONT, headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
        other = await site.client.get(FRONT, headers={"If-None-Match": '"another"'})
        assert other.text == "1."
        site.state = (0, "changed")
        assert (await site.client.get(FRONT)).text == "2."

    run(check)


def test_an_answer_serves_for_a_moment_whatever_changes_but_never_what_was_forgotten() -> None:
    async def check(site: Site) -> None:
        await site.client.get(FRONT)
        site.state = (0, "changed")
        assert (await site.client.get(FRONT)).text == "1."
        site.state = (0, None)
        assert (await site.client.get(FRONT)).text == "1."
        site.state = (1, "changed")
        assert (await site.client.get(FRONT)).text == "2."

    run(check)


@pytest.mark.parametrize(
    ("took", "seconds"), [(0.0, 0.5), (0.005, 0.5), (0.01, 1.0), (0.03, 3.0), (0.05, 5.0), (2.0, 5.0)]
)
def test_how_long_it_serves_follows_from_what_it_took(took: float, seconds: float) -> None:
    assert age.allowed_seconds(took) == pytest.approx(seconds)


def test_what_differs_in_path_query_form_or_host_is_another_answer() -> None:
    async def check(site: Site) -> None:
        for path, headers in (
            (FRONT, {}),
            (f"{FRONT}?x=macs", {}),
            ("/v1/studies/digit/front", {}),
            (FRONT, {"Accept": "text/csv"}),
            (FRONT, {"Host": "y"}),
        ):
            before = site.asked
            await site.client.get(path, headers=headers)
            assert site.asked == before + 1

    run(check)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/studies/digits/report", "/v1/data", "/studies/digits"])
def test_other_paths_are_asked_each_time(path: str) -> None:
    async def check(site: Site) -> None:
        assert [(await site.client.get(path)).text for _ in range(2)] == ["1.", "2."]

    run(check)


def test_what_is_no_get_or_no_success_is_asked_each_time() -> None:
    async def check(site: Site) -> None:
        assert [(await site.client.get(FRONT)).status_code for _ in range(2)] == [404, 404]
        await site.client.post(FRONT)
        assert site.asked == 3

    run(check, status=404)


def test_of_many_at_once_one_asks(no_grace: None) -> None:
    async def check(site: Site) -> None:
        site.open.clear()
        asking = [asyncio.create_task(site.client.get(FRONT)) for _ in range(20)]
        await asyncio.sleep(0.01)
        site.open.set()
        assert {answer.text for answer in await asyncio.gather(*asking)} == {"1."}
        site.state = (0, "changed")
        site.open.clear()
        asking = [asyncio.create_task(site.client.get(FRONT)) for _ in range(20)]
        done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert {task.result().text for task in done} == {"1."}  # nobody else waits for the one who asks
        site.open.set()
        assert sorted({answer.text for answer in await asyncio.gather(*asking)}) == ["1.", "2."]
        assert site.asked == 2

    run(check)


def test_those_who_wait_for_one_who_goes_away_ask_themselves() -> None:
    async def check(site: Site) -> None:
        site.open.clear()
        first, second = (asyncio.create_task(site.client.get(FRONT)) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        site.open.set()
        assert (await second).text == "2."

    run(check)
