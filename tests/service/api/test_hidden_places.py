"""What studies and jobs keep of the server's places: no answer tells them, whatever it is about."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import optuna
import pytest

from results.attributes import RESULT
from service.api.context import Context
from service.serving import application
from service.settings import read_settings
from tests.factories import attributes, study
from tests.service.api.serving import TOKEN, Serving, in_thread


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A service with a study in whose error, spec and command stand the folder of images and that of the service."""
    place = tmp_path_factory.mktemp("leaking")
    (place / "photos").mkdir()
    storage = f"sqlite:///{place / 'store.db'}"
    made = study(8, storage=storage)
    kept = attributes()
    made.set_user_attr("spec", kept["spec"] | {"data": f"folder:{place}/photos", "storage": storage})
    made.set_user_attr(
        "provenance",
        kept["provenance"] | {"command": f"nascale search --data folder:{place}/photos --storage {storage}"},
    )
    result = {"status": "failed", "error": f"no file {place}/photos/cat/1.png: gone"}
    made.add_trial(
        optuna.trial.create_trial(
            state=optuna.trial.TrialState.FAIL,
            user_attrs={**made.trials[0].user_attrs, RESULT: result},
        )
    )
    settings = read_settings(
        storage=storage,
        folder=place / "nascale-service",
        data={"photos": f"folder:{place}/photos"},
        token=TOKEN,
    )
    with in_thread(application(Context.of(settings, TOKEN))) as url:
        yield Serving(url, place)


@pytest.fixture
def asking(leaking: Serving) -> Iterator[httpx.Client]:
    with leaking.client() as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/v1/studies",
        "/v1/studies/digits",
        "/v1/studies/digits/trials",
        "/v1/studies/digits/trials?format=csv",
        "/v1/studies/digits/trials?where=macs > 0",
        "/v1/studies/digits/trials/8",
        "/v1/studies/digits/front",
        "/v1/studies/digits/report",
        "/studies",
        "/studies/digits",
        "/studies/digits/parts",
        "/studies/digits/trust",
        "/studies/digits/trials/8",
        "/api/studies",
        "/api/studies/1?after=0",
        "/csv/1",
    ],
)
def test_no_answer_tells_them(path: str, asking: httpx.Client, leaking: Serving) -> None:
    answer = asking.get(path)
    assert answer.status_code == 200, answer.text[:300]
    assert str(leaking.place) not in answer.text
    assert leaking.place.name not in answer.text


def test_what_went_wrong_is_still_told(asking: httpx.Client, leaking: Serving) -> None:
    error = asking.get("/v1/studies/digits/trials/8").json()["row"]["error"]
    assert error.startswith("no file ***") and error.endswith("/cat/1.png: gone")
    study = asking.get("/v1/studies/digits").json()
    assert (study["data"], study["spec"]["data"]) == ("photos", "photos")
    assert study["provenance"]["command"].startswith("nascale search --data photos --storage ***")
