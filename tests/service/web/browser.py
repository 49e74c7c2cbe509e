"""Chromium for tests that need a browser: Debian's, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WAIT = 60_000
"""Milliseconds; other work may have the processors."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a sandbox of its own: the tests may run as root."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    browser: Browser, url: str, size: dict[str, int], *, signed_in: str | None = None, dark: bool = False
) -> Iterator[Page]:
    """A window on the service at ``url``, with the cookie ``signed_in``; whatever goes wrong in its scripts fails the test."""
    context = browser.new_context(
        base_url=url,
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(WAIT)
    if signed_in is not None:
        from service.api.access import COOKIE

        context.add_cookies([{"name": COOKIE, "value": signed_in, "url": url}])
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None
    )
    try:
        yield page
        assert wrong == []
    finally:
        context.close()


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Presses Tab until the focus is on what ``selector`` names, and checks that the focus can be seen on the way."""
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "([selector]) => { const on = document.activeElement, style = getComputedStyle(on);"
            "return {here: on.matches(selector), seen: style.outlineStyle !== 'none' || parseFloat(style.strokeWidth) > 2}; }",
            [selector],
        )
        if found["here"]:
            assert found["seen"], f"the focus on {selector} cannot be seen"
            return
    raise AssertionError(f"no Tab leads to {selector}")
