"""Every page that a link leads to: it is there, it is whole, it can be used without eyes or pointer, and no name runs as code."""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from itertools import pairwise

import httpx
import pytest

from results.frame import front, trials
from service.api.access import COOKIE
from service.jobs.job import JobKind
from service.jobs.plans import plan
from service.web.rendering import POLICY, study_path
from space.errors import InputError
from tests.service.web.conftest import ONNX, STRANGE
from tests.service.web.page import Page, Site

STARTS = (
    "/new",
    "/studies",
    "/jobs",
    "/models",
    "/new?data=digits",
    "/new?kind=auto",
    "/jobs?state=failed",
    "/login",
)


@pytest.fixture(scope="module")
def pages(site: Site) -> dict[str, Page]:
    """All pages that links lead to, from the first ones on; of networks, which are alike, the first few."""
    found: dict[str, Page] = {}
    ahead = [*STARTS, study_path("digits", "trials", "0", "family")]
    while ahead:
        path = ahead.pop()
        networks = sum("/trials/" in known for known in found)
        if path in found or path == "/" or path.startswith("/v1/") or ("/trials/" in path and networks > 6):
            continue
        response = site.client.get(path)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text[:300]}"
        found[path] = Page.of(response)
        ahead += found[path].links()
    return {path: page for path, page in found.items() if page.all("html")}


def test_links_lead_everywhere(pages: dict[str, Page], site: Site) -> None:
    expected = {
        *STARTS,
        "/studies/digits",
        study_path(STRANGE),
        "/studies/digits/trust",
        "/studies/empty",
        *(f"/jobs/{job}" for job in site.jobs.values()),
        f"/models/{site.jobs['train']}",
    }
    assert expected <= set(pages)
    assert any(re.fullmatch(r"/studies/digits/trials/\d+", path) for path in pages)


def test_every_page_is_whole(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        assert page.misnested == [], path
        identifiers = Counter(known["id"] for _, known in page.elements if "id" in known)
        assert [name for name, count in identifiers.items() if count > 1] == [], path
        assert len(page.all("h1")) == 1, path
        assert [known["lang"] for known in page.all("html")] == ["en"], path
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
        assert all(after - before <= 1 for before, after in pairwise(levels)), path


def test_cells_on_a_phone_have_the_titles_of_their_columns(pages: dict[str, Page]) -> None:
    looked_at = 0
    for path, page in pages.items():
        for table in page.response.text.split("<table ")[1:]:
            titles, cells = table.partition("</table>")[0].split("<tbody>")
            heads = [re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<th[^>]*>(.*?)</th>", titles)]
            for row in re.findall(r"<tr>(.*?)</tr>", cells, re.DOTALL):
                told = re.findall(r'<td(?: [^>]*?)??(?: data-title="([^"]*)")?>', row)
                assert len(told) == len(heads) or "data-title" not in row, path
                assert all(title in ("", head) for title, head in zip(told, heads, strict=False)), path
                looked_at += sum(map(bool, told))
    assert looked_at > 60


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        assert page.response.headers["content-security-policy"] == POLICY, path
        for tag, known in page.elements:
            assert "style" not in known and not any(name.startswith("on") for name in known), (
                f"{path}: {tag} {known}"
            )
            assert tag != "style", path
            for name in ("src", "href", "action"):
                assert re.match(r"/(?!/)|#|\?|$", known.get(name, "")), f"{path}: {tag} {known}"
        assert all("src" in known for known in page.all("script")), path


def test_everything_has_a_name_that_is_read_aloud(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        labels = {known.get("for") for known in page.all("label")} | page.labelled
        for known in page.all("input", "select"):
            if known.get("type") not in ("hidden",) and "hidden" not in known:
                assert known.get("id", known.get("value")) in labels, f"{path}: {known}"
        for tag, known, said in page.named_by_text:
            if tag in ("a", "button", "th", "summary", "option", "title"):
                assert said or known.get("aria-label") or known.get("value") == "", f"{path}: {tag} {known}"
            if tag == "svg" and "role" in known:
                assert said or known.get("aria-label"), f"{path}: a picture without a name"
        described = {one for _, known in page.elements for one in known.get("aria-describedby", "").split()}
        described |= {one for _, known in page.elements for one in known.get("aria-labelledby", "").split()}
        assert described <= {known.get("id") for _, known in page.elements}, path


def test_what_scrolls_can_be_reached_by_keys(pages: dict[str, Page]) -> None:
    for path, page in pages.items():
        for tag, known in page.elements:
            if known.get("class") in ("scroll", "log", "command") or tag == "pre":
                assert known.get("tabindex") == "0" and known.get("aria-label"), f"{path}: {tag} {known}"
                assert known.get("role") == "region", f"{path}: a name is read only of what has a role"


def test_a_picture_with_marks_to_press_is_a_group(site: Site) -> None:
    """Whatever is inside an image is not there for a screen reader."""
    for chart in re.findall(r"<svg class=\"chart.*?</svg>", site.get("/studies/digits").response.text):
        assert ('role="group"' in chart) == ("tabindex" in chart)


def test_no_name_runs_as_code(pages: dict[str, Page]) -> None:
    shown = 0
    for path, page in pages.items():
        assert "<img" not in page.response.text and "<b>gone" not in page.response.text, path
        assert "<script>" not in page.response.text, path
        shown += escape(STRANGE, quote=False) in page.response.text.replace("&#34;", '"')
    assert shown > 3


def test_who_is_not_signed_in_comes_to_the_form_and_back(site: Site) -> None:
    url = str(site.client.base_url)
    with httpx.Client(base_url=url, verify=False) as stranger:
        asked = stranger.get("/studies/digits", headers={"accept": "text/html"})
        assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/studies/digits")
        form = Page.of(stranger.get(asked.headers["location"]))
        assert {"token", "next"} <= {known.get("name") for known in form.all("input")}
        headers = {"origin": url}
        wrong = stranger.post("/login", data={"token": "no", "next": "/studies/digits"}, headers=headers)
        again = stranger.get(wrong.headers["location"])
        assert again.status_code == 401 and "not the token" in again.text
        token = site.context.settings.token
        assert token is not None
        right = stranger.post(
            "/login", data={"token": token.get_secret_value(), "next": "/studies/digits"}, headers=headers
        )
        assert right.headers["location"] == "/studies/digits" and COOKIE in right.cookies


def test_the_first_page_is_the_studies(site: Site) -> None:
    assert site.client.get("/").headers["location"] == "/studies"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/studies/digit", "no such name"),
        ("/studies/digits/trials/999", "wanted a number from 0 to 39"),
        ("/studies/digits/trials/x", "nothing at this address"),
        ("/models/nothing", "wanted the id of a job"),
        ("/jobs/nothing", "wanted the id of a job"),
        ("/jobs?state=odd", "nothing at this address"),
        ("/nowhere", "nothing at this address"),
        ("/new/images?data=nothing", "no such name"),
    ],
)
def test_what_is_not_there_is_said_on_a_page(site: Site, path: str, said: str) -> None:
    page = site.get(path)
    assert page.response.status_code == 404
    assert said in page.text and page.all("nav")


def test_a_name_that_is_nearly_right_leads_on(site: Site) -> None:
    assert "/studies/digits" in site.get("/studies/digit").links()


def test_a_study_shows_its_front_with_noise_and_failures(site: Site) -> None:
    storage = site.context.settings.storage
    page, frame = site.get("/studies/digits"), trials("digits", storage)
    members = front("digits", storage)["number"].tolist()
    table = re.search(r'aria-label="The front".*?</table>', page.response.text, re.DOTALL)
    assert table is not None
    assert [int(n) for n in re.findall(r'trials/(\d+)">\1</a>', table[0])] == members
    assert "75.0 % to 85.0 %" in table[0] and 'class="noise"' in page.response.text
    assert 'class="member" data-n' in page.response.text
    failed = int((frame["state"] == "FAIL").sum())
    counts = re.search(r'aria-label="Failures".*?</table>', page.response.text, re.DOTALL)
    assert counts is not None
    assert sum(map(int, re.findall(r'<td data-title="Trials">(\d+)</td>', counts[0]))) == failed
    assert "nascale search --space mixed" in page.text
    assert f"/v1/jobs/{site.jobs['search']}/events?after=" in page.response.text
    assert "alert(2)" in page.text  # as text of the log


def test_the_parts_are_those_of_the_page(site: Site) -> None:
    whole, parts = site.get("/studies/digits"), site.get("/studies/digits/parts")

    def names(page: Page) -> set[str]:
        return {known["id"] for _, known in page.elements if known.get("id", "").startswith("part-")}

    assert names(parts) == names(whole) == {"part-job", "part-numbers", "part-front", "part-rest"}


def test_a_study_without_results_says_so(site: Site) -> None:
    assert "No network was measured" in site.get("/studies/empty").text
    failed = site.get("/studies/failed")
    assert "loss is NaN at epoch 1" in failed.text and "No network was measured" in failed.text


def test_a_network_has_its_costs_and_what_can_be_done_with_it(site: Site) -> None:
    page = site.get("/studies/digits/trials/3")
    macs = int(trials("digits", site.context.settings.storage).loc[3, "macs"])
    assert f"{macs / 1e6:.3g} M" in page.text
    assert 'class="network"' in page.response.text
    buttons = {said: known for tag, known, said in page.named_by_text if tag in ("a", "button")}
    assert buttons["Scale"]["href"] == "/studies/digits/trials/3/family"
    assert site.jobs["train"] in buttons["Export"]["data-body"]  # it was trained, so it can be exported
    assert (
        "disabled"
        in {s: k for t, k, s in site.get("/studies/digits/trials/4").named_by_text if t == "button"}["Export"]
    )
    assert site.client.get("/studies/digits/trials/3/architecture.json").json()["stages"]
    drawing = site.client.get("/studies/digits/trials/3/drawing.svg")
    assert drawing.headers["content-type"] == "image/svg+xml" and drawing.text.startswith("<svg")


def test_trust_tells_noise_verification_and_proxies(site: Site) -> None:
    page = site.get("/studies/digits/trust")
    assert "± 1.23 %" in page.text and "2.00 points were luck" in page.text
    assert "75.0 % to 85.0 %" in page.text
    assert "Best ranking: train:epochs=3, Spearman 0.81" in page.text
    assert "No stock network was measured" in page.text
    assert "not known" in site.get(study_path("failed", "trust")).text


def test_a_family_stays_within_its_budgets(site: Site) -> None:
    at = "/studies/digits/trials/3/family"
    page = site.get(f"{at}?budgets=3M,6M&measure=macs")
    rows = re.findall(r'"Budget">([\d.]+)M</td><td data-title="Used">([\d.]+) %</td>', page.response.text)
    assert [budget for budget, _ in rows] == ["3.000", "6.000"]
    assert all(90 < float(used) <= 100 for _, used in rows)
    wrong = site.get(f"{at}?budgets=1")
    assert wrong.response.status_code == 422 and "smallest" in wrong.text
    assert "wanted a positive number" in site.get(f"{at}?budgets=many").text


def test_a_model_has_curves_files_and_a_certificate(site: Site) -> None:
    page = site.get(f"/models/{site.jobs['train']}")
    assert "75.0 %" in page.text and "70.0 % (60.0 % to 80.0 %)" in page.text
    assert page.response.text.count('class="ring"') == 2  # the wide chart and the narrow one
    assert "50 of 50" in page.text and "agrees" in page.text
    (link,) = [
        known["href"] for tag, known, said in page.named_by_text if tag == "a" and said == "model.onnx"
    ]
    assert site.client.get(link).content == ONNX
    assert "not a training" not in page.text
    cells = re.findall(r'<td class="c(\d)">(\S+)</td>', page.response.text)
    assert [count for _, count in cells] == ["31", "9", "·", "8", "27", "5", "1", "13", "26"]
    assert [shade for shade, _ in cells[:3]] == ["4", "2", "0"]  # 31, 9 and none of 40 in fifths


def test_expectations_follow_the_budgets(site: Site) -> None:
    page = site.get("/new/expected?data=digits&max_macs=300K&max_params=20K&trials=10&epochs=1&space=mixed")
    shares = [float(share) for share in re.findall(r"<b>([\d.]+) %</b>", page.response.text)]
    assert len(shares) == 3 and shares[2] <= min(shares[:2]) < 100
    assert "estimated" in page.text
    assert "max-macs: wanted" in site.get("/new/expected?data=digits&max_macs=many").text
    assert "smallest macs in space" in site.get("/new/expected?data=digits&max_macs=1&space=mixed").text


def test_auto_asks_for_a_budget_pixels_and_the_time_and_its_job_is_taken(site: Site) -> None:
    assert "/new?data=digits&kind=auto" in site.get("/new?data=digits").links()
    page = site.get("/new?data=digits&kind=auto")
    assert "/new?data=digits" in page.links()
    (form,) = [known for known in page.all("form") if known.get("id") == "new"]
    assert form["data-job"] == "auto"
    fields = {known["name"]: known for known in page.all("input", "select") if "name" in known}
    assert {"data", "max_macs", "max_params", "max_memory", "resolution", "within"} <= fields.keys()
    assert "trials" not in fields and "epochs" not in fields
    spec = {name: known["value"] for name, known in fields.items() if known.get("value") and name != "file"}
    spec = {name: int(text) if fields[name].get("type") == "number" else text for name, text in spec.items()}
    context = site.context
    with pytest.raises(InputError, match="max-macs: wanted a budget on the network"):
        plan(JobKind.AUTO, spec, context.resources)
    plan(JobKind.AUTO, {**spec, "max_macs": "1M", "resolution": 16, "workers": 1}, context.resources)
    assert site.get("/new?kind=train").response.status_code == 404


def test_what_auto_expects_is_the_time_that_it_was_given(site: Site) -> None:
    page = site.get("/new/expected?data=digits&max_macs=300K&within=90min&space=mixed")
    assert "1 h 30 min" in page.text and "estimated" not in page.text
    assert re.search(r"<b>[\d.]+ %</b>", page.response.text)
    assert "within: wanted" in site.get("/new/expected?data=digits&max_macs=300K&within=soon").text


def test_images_are_shown_with_their_checks(site: Site) -> None:
    page = site.get("/new/images?data=digits")
    assert "1,797 images of 10 classes, 8 × 8 pixels" in page.text and "no warning" in page.text
