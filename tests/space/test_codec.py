"""Architecture → JSON → the same architecture; broken files are named."""

from __future__ import annotations

import json
import random

import pytest

from space.codec import from_json, to_dict, to_json
from space.errors import InputError
from space.spaces import space


@pytest.mark.parametrize("name", ["mixed", "mbconv", "bottleneck", "inception"])
def test_round_trip(name: str) -> None:
    chosen = space(name, resolution=16, in_channels=1)
    rng = random.Random(0)
    for _ in range(100):
        architecture = chosen.decode(chosen.sample(rng))
        again = from_json(to_json(architecture))
        assert again == architecture
        assert again.key == architecture.key


def _with(**changes: object) -> str:
    chosen = space("mbconv")
    data = to_dict(chosen.decode(chosen.sample(random.Random(0))))
    return json.dumps({**data, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "net.json: wanted the JSON of an architecture, got broken JSON"),
        ("[1]", "net.json: wanted an object"),
        (_with(format=2), "net.json: format: wanted 1"),
        (_with(stems=[]), "net.json: key: no such name 'stems' .nearest: stem"),
        (_with(stem=[["Convv", {}]]), r"net.json: stem\[0\]: block: no such name 'Convv' .nearest: Conv"),
        (_with(stem=[["Conv", {"out": 3}]]), r"net.json: stem\[0\]: field of Conv: no such name 'out'"),
        (_with(stem=[["Conv", {}]]), r"net.json: stem\[0\]: Conv wants the field 'out_channels'"),
        (_with(stem=[["Conv", {"out_channels": 0}]]), r"net.json: stem\[0\]: Conv.out_channels: wanted"),
        (
            _with(stem=[["Conv", {"out_channels": 3, "kernel": "x"}]]),
            r"net.json: stem\[0\]: Conv has a field",
        ),
        (_with(stem=3), "net.json: stem: wanted a list of blocks, got 3"),
        (_with(stages=[[]]), "net.json: Stage.blocks"),
        (_with(resolution="big"), "net.json: Architecture.resolution"),
        (_with(stem=[[10**9, ["Conv", {"out_channels": 3}]]]), "a count from 1 to 10000"),
    ],
)
def test_broken_files_are_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_json(text, "net.json")


def test_a_missing_key_is_named() -> None:
    data = json.loads(_with())
    del data["head"]
    with pytest.raises(InputError, match="wanted the key 'head'"):
        from_json(json.dumps(data), "net.json")
