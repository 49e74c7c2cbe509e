"""A person's whole way in a browser, with nothing made up: sign in, upload, search, look on, train, export, download."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the service needs the extra nascale[serve]")
pytest.importorskip("playwright", reason="the browser is driven by playwright")

from playwright.sync_api import Page, expect

from tests.service.api.serving import TOKEN, serving
from tests.service.web.browser import DESK, chromium, needs_chromium, window

pytestmark = [needs_chromium, pytest.mark.slow, pytest.mark.timeout(900)]
PATIENCE = 400_000
"""Milliseconds for a job: its process loads torch, and others may have the processors."""


def photos(place: Path) -> Path:
    """A zip of two folders of pictures: bright ones and dark ones, each with some noise."""
    rng = np.random.default_rng(0)
    archive = place / "photos.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, level in (("bright", 190), ("dark", 60)):
            for number in range(40):
                picture = io.BytesIO()
                pixels = np.clip(rng.normal(level, 25, (16, 16, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(picture, "png")
                file.writestr(f"{name}/{number}.png", picture.getvalue())
    return archive


def wait_for_end(page: Page) -> None:
    expect(page.locator(".badge.succeeded").first).to_be_visible(timeout=PATIENCE)


def test_from_signing_in_to_an_onnx_file(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'store.db'}"
    with (
        serving(tmp_path, "--storage", storage) as served,
        chromium() as browser,
        window(browser, served.url, DESK) as page,
    ):
        page.goto("/")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{served.url}/new")  # there is no study yet

        page.get_by_label("Or upload your own").set_input_files(photos(tmp_path))
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_text("photos.zip is here and chosen.")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("80 images of 2 classes, 16 × 16 pixels")).to_be_visible()
        page.get_by_label("MACs at most").fill("400K")
        page.get_by_label("Trials").fill("6")
        page.get_by_label("Epochs of each").fill("1")
        page.get_by_label("Name of the study").fill("bright or dark")
        page.get_by_text("More settings").click()
        page.get_by_label("Workers").fill("0")
        expect(page.get_by_text("Share of the space that meets the budget")).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Start the search").click()

        page.wait_for_url(f"{served.url}/jobs/*")
        page.get_by_role("link", name="The study").click(timeout=PATIENCE)
        page.evaluate("window.untouched = true")
        dots = page.locator("#front .wide .dot, #front .wide .stock")
        expect(dots.first).to_be_visible(timeout=PATIENCE)
        wait_for_end(page)
        expect(page.get_by_text("trials finished of 6")).to_be_visible()
        assert page.evaluate("window.untouched") is True, "the page was reloaded"

        page.get_by_role("link", name="Best network").click()
        page.get_by_label("Epochs").fill("2")
        page.locator("main form").get_by_role("button", name="Train").click()
        page.wait_for_url(f"{served.url}/jobs/*")
        wait_for_end(page)
        page.get_by_role("link", name="The model").click()
        page.get_by_role("button", name="Export").first.click()
        link = page.get_by_role("link", name="model.onnx")
        expect(link).to_be_visible(timeout=PATIENCE)
        with page.expect_download() as coming:
            link.click()
        file = tmp_path / "fetched.onnx"
        coming.value.save_as(file)

    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    picture = np.full((16, 16, 3), 200, dtype=np.uint8)
    assert len(session.run(None, {session.get_inputs()[0].name: picture[None]})) >= 1
