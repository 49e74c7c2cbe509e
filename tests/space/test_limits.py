"""Networks beyond the limits are refused before they are made; each of these would otherwise take minutes or for ever."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from space import notation, zoo
from space.architecture import Architecture, Stage
from space.blocks import Conv, Dense, GlobalPool, MBConv
from space.codec import from_json
from space.cost import costs
from space.errors import BudgetError, InputError
from space.family import family, member_at
from space.limits import MOST_BLOCKS
from space.scaling import Coefficients, scale
from space.search_space import Decision
from space.template import StageTemplate, Template


def b0() -> Architecture:
    return zoo.architecture("efficientnet_b0")


def macs(architecture: Architecture) -> float:
    return float(costs(architecture).macs)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "budget": (
        lambda: family(b0(), [1e30], macs),
        r"budget: wanted less than 3\.\S+ macs.*10000 layers.*got 1e\+30",
    ),
    "budget of width alone": (
        lambda: family(b0(), [1e30], macs, coefficients=Coefficients(1, 1.1, 1)),
        "budget: wanted less than",
    ),
    "budget of resolution alone": (
        lambda: family(b0(), [1e30], macs, coefficients=Coefficients(1, 1, 1.15)),
        r"budget: wanted less than .*\d{6} px",
    ),
    "phi": (lambda: member_at(b0(), 200, macs), "phi 200: wanted at most 10000 layers, got 1.097e"),
    "phi that overflows": (
        lambda: member_at(b0(), 1e9, macs),
        r"phi 1e\+09: wanted at most 10000 layers, got inf",
    ),
    "phi that underflows": (
        lambda: member_at(b0(), -1e9, macs),
        r"phi -1e\+09: wanted factors that a float can hold",
    ),
    "width by phi": (
        lambda: member_at(b0(), 100, macs, coefficients=Coefficients(1, 1.1, 1)),
        "phi 100: wanted at most 1000 times the channels",
    ),
    "depth": (lambda: scale(b0(), depth=1e6), "wanted at most 10000 layers, got 1.6e"),
    "depth of the zoo": (
        lambda: zoo.architecture("resnet50@depth=1e9"),
        "depth: wanted a positive multiplier up to 1000",
    ),
    "width of the zoo": (
        lambda: zoo.architecture("mobilenet_v2@width=1e300"),
        "width: wanted a positive multiplier up to",
    ),
    "resolution": (
        lambda: b0().replace(resolution=10**13),
        "resolution: wanted a positive whole number up to 1000000",
    ),
    "classes": (
        lambda: b0().replace(classes=10**20),
        "classes: wanted a positive whole number up to 1000000000",
    ),
    "batch": (lambda: costs(b0(), batch=10**30), "batch: wanted a positive whole number of images up to"),
    "repeats": (lambda: notation.read("ir_r1000000000_k3_s1_e6_c16"), "r: wanted at most 1000 repeats"),
    "expansion": (lambda: MBConv(16, expansion=1e300), "expansion: wanted a positive factor up to 1000"),
    "channels": (lambda: Conv(10**17), "out_channels: wanted a positive whole number up to 1000000000"),
    "kernel": (lambda: Conv(16, 10**9 + 1), "kernel: wanted a positive kernel up to 1000000"),
    "blocks": (
        lambda: Architecture((), (Stage((Conv(8),) * MOST_BLOCKS),), (GlobalPool(), Dense()), 32, 10),
        "wanted at most 20000 blocks, got 20002",
    ),
    "depths of a template": (
        lambda: StageTemplate(16, depths=(10**9,)),
        "depths: wanted whole numbers from 0 to 1000",
    ),
    "channels of a template": (lambda: StageTemplate(10**15), "channels: wanted 8 to 1000000000"),
    "widths of a template": (
        lambda: StageTemplate(16, widths=(1e9,)),
        "widths: wanted positive factors up to 1000",
    ),
    "stages of a template": (
        lambda: Template("mine", ("mbconv",), (StageTemplate(16),) * 5000),
        "space mine: wanted at most 100 stages, got 5000",
    ),
    "options": (
        lambda: Decision("a", tuple(range(10**5))),
        "decision a: wanted at most 10000 options, got 100000",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_beyond_the_limits_is_refused_in_one_line(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_budget_beyond_the_limits_is_a_budget_error() -> None:
    with pytest.raises(BudgetError):
        family(b0(), [1e25], macs)


def test_runs_of_blocks_in_json_add_up() -> None:
    conv = ["Conv", {"out_channels": 8}]
    text = json.dumps(
        {
            "format": 1,
            "resolution": 32,
            "classes": 10,
            "in_channels": 3,
            "stem": [conv],
            "stages": [[[10_000, conv]] * 1000],
            "head": [["GlobalPool", {}], ["Dense", {}]],
        }
    )
    with pytest.raises(InputError, match=r"stages\[0\]\[3\]: wanted at most 20000 blocks, got more"):
        from_json(text)


def test_large_networks_within_the_limits_are_answered() -> None:
    (found,) = family(b0(), [1e15], macs)
    assert 0.97 <= found.used <= 1
    assert costs(zoo.architecture("resnet50@depth=100,resolution=100000")).params > 10**9
