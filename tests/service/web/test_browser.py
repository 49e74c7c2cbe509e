"""The page in a browser: what changes is seen without reloading, the keyboard is enough, and a phone is wide enough."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

pytest.importorskip("playwright", reason="the browser is driven by playwright")

from playwright.sync_api import Browser, expect

from service.jobs.job import EventType, JobKind
from service.web.rendering import study_path
from tests import factories
from tests.service.web.browser import DESK, PHONE, WAIT, chromium, needs_chromium, tab_to, window
from tests.service.web.conftest import STRANGE, TOKEN, submitted
from tests.service.web.page import Site

pytestmark = needs_chromium
WIDER = """[...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth)
    .map((one) => one.getAttribute('aria-label'))"""
"""Tables that are wider than the window."""
CUT = """[...document.querySelectorAll('input[placeholder]')].filter((one) => {
    const style = getComputedStyle(one), pen = document.createElement('canvas').getContext('2d');
    pen.font = style.font;
    const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return one.clientWidth && pen.measureText(one.placeholder).width > room;
}).map((one) => one.id)"""
"""Fields in which what stands there before anything is typed has no room."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_the_front_moves_as_trials_end(site: Site, browser: Browser) -> None:
    storage = site.context.settings.storage
    path = Path(storage.removeprefix("sqlite:///"))
    factories.sqlite_study(path, 2, name="live")
    job = submitted(site.context, JobKind.SEARCH, {"data": "digits"}, "running", study="live")
    with window(browser, site.url, DESK, signed_in=site.context.key.cookie) as page:
        page.goto("/studies/live")
        page.wait_for_selector("#front .wide .dot")
        assert page.locator("#front .wide .dot").count() == 2
        page.evaluate("window.untouched = true")
        study = optuna.load_study(study_name="live", storage=storage)
        study.add_trials(list(factories.trials(6, fates={}))[2:])
        store = site.context.jobs
        store.append_event(job, EventType.LOG, {"offset": 0, "text": "trial 5 <b>ok</b>\n"})
        store.append_event(job, EventType.TRIAL, {"number": 5, "accuracy": 0.875})
        expect(page.locator("#front .wide .dot")).to_have_count(6, timeout=WAIT)
        assert page.evaluate("window.untouched") is True
        assert page.locator("#front .wide .dot.arrived").count() == 4
        assert page.locator("#said").text_content() == "Trial 5 ended: 87.5 %"
        assert page.locator("#log").text_content() == "trial 5 <b>ok</b>\n"
        store.append_event(job, EventType.FRONT, {})
        page.locator("#front .wide .dot").last.dispatch_event("pointerover")
        expect(page.locator("#panel h3")).to_have_text("Trial 5", timeout=WAIT)


def test_the_keyboard_is_enough(site: Site, browser: Browser) -> None:
    with window(browser, site.url, DESK) as page:
        page.goto("/studies")
        page.wait_for_url("**/login**")
        page.wait_for_function("document.activeElement.id === 'token'")  # it has the focus by itself
        page.keyboard.type(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.url}/studies")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the first stop leads over the navigation
        assert page.evaluate("document.activeElement.id") == "main"
        tab_to(page, "td a[href='/studies/digits']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.url}/studies/digits")
        tab_to(page, "#front .member")
        number = page.evaluate("document.activeElement.dataset.n")
        page.wait_for_function(
            "n => document.querySelector('#panel h3').textContent === `Trial ${n}`", arg=number
        )
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/trials/{number}")
        tab_to(page, "a[href$='/family']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/family")
        tab_to(page, "#budgets")
        page.keyboard.press("Control+A")
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        page.wait_for_selector("[role=alert]")


def test_what_to_expect_follows_what_is_typed(site: Site, browser: Browser) -> None:
    with window(browser, site.url, PHONE, signed_in=site.context.key.cookie) as page:
        page.goto("/new")
        page.get_by_label("digits").check()
        page.get_by_text("1,797 images of 10 classes").wait_for()
        page.get_by_label("MACs at most").fill("300K")
        page.get_by_text("Share of the space that meets the budget").wait_for()
        page.get_by_label("MACs at most").fill("many")
        page.get_by_text("wanted a positive number").wait_for()
        assert page.get_by_label("MACs at most").get_attribute("aria-invalid") == "true"


def paths_of(site: Site) -> list[str]:
    """A page of each kind, and those with most upon them."""
    return [
        *("/new?data=digits", "/new?kind=auto", "/studies", "/jobs", "/models", study_path(STRANGE)),
        *("/studies/digits", "/studies/digits/trust", "/studies/failed", "/studies/digits/trials/3"),
        *("/studies/digits/trials/3/family", f"/models/{site.jobs['train']}", f"/jobs/{site.jobs['failed']}"),
    ]


def test_a_phone_is_wide_enough(site: Site, browser: Browser) -> None:
    with window(browser, site.url, PHONE, signed_in=site.context.key.cookie) as page:
        for path in paths_of(site):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], path
            assert page.evaluate(WIDER) == [], path
            assert page.evaluate(CUT) == [], path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "dark"), [(PHONE, True), (DESK, False)], ids=["a phone, dark", "a desk, light"]
)
def test_axe_has_nothing_to_say(site: Site, browser: Browser, size: dict[str, int], dark: bool) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core comes with it").Axe()
    with window(browser, site.url, size, signed_in=site.context.key.cookie, dark=dark) as page:
        for path in [*paths_of(site), "/login"]:
            page.goto(path)
            found = axe.run(page).response["violations"]
            assert [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in found] == [], path
