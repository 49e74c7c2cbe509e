"""A study goes on with its own data, and names what differs in any other."""

from __future__ import annotations

from typing import Any

import pytest

from search.study_data import check_data
from space.errors import InputError


def provenance(checksum: str = "aa", names: list[str] | None = None, **described: Any) -> dict[str, Any]:
    data = {
        "images": 80,
        "shape": [8, 8, 1],
        "classes": 2,
        "split": {"train": 60, "checksum": "s"},
    } | described
    kept = {} if names is None else {"data": {"classes": names}}
    return {"data_checksum": checksum, "evaluator": {"data": data}, **kept}


@pytest.mark.parametrize(
    ("stored", "current"),
    [
        (provenance(), provenance()),
        (provenance(), provenance(names=["cat", "dog"])),  # an older version kept no names
        (None, provenance()),
        ({"data_checksum": None}, provenance()),
        ("another tool's", provenance()),
        (
            {"data_checksum": "aa", "evaluator": "table"},
            {"data_checksum": "aa", "evaluator": {"checksum": "aa"}},
        ),
    ],
)
def test_the_same_data_is_gone_on_with(stored: object, current: object) -> None:
    check_data("s", stored, current)


@pytest.mark.parametrize(
    ("stored", "current", "told"),
    [
        (provenance(), provenance("bb"), "checksum aa, now bb: as many images, but other pixels or labels"),
        (provenance(), provenance("bb", images=90, classes=9), "now bb: images 80 → 90; classes 2 → 9"),
        (provenance(), provenance("bb", shape=[9, 8, 3]), "shape 8×8×1 → 9×8×3"),
        (provenance(), provenance(split={"train": 50, "checksum": "t"}), "now aa: split train 60 → 50)"),
        (provenance(), provenance(split={"train": 60, "checksum": "t"}), "split checksum s → t"),
        (provenance(names=["a", "b"]), provenance(names=["a", "c"]), "class names: without b and with c"),
        (provenance(names=["a", "b"]), provenance(names=["b", "a"]), "class names in another order"),
        ({"data_checksum": "aa"}, {"data_checksum": "bb"}, "checksum aa, now bb"),
    ],
)
def test_other_data_is_refused_and_what_differs_is_named(stored: object, current: object, told: str) -> None:
    with pytest.raises(
        InputError, match=r"study 's' was made with other data .*or another --study"
    ) as caught:
        check_data("s", stored, current)
    assert told in str(caught.value)
